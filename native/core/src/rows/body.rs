//! The bytes of a body, from the request to the thread that reads them.

use std::io::{Error, ErrorKind, Read, Result};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

/// Pieces under way: a writer waits while the reader is behind.
const PIECES: usize = 4;

enum Piece {
    Bytes(Bytes),
    End,
}

pub fn body() -> (BodySender, Body) {
    let (sender, receiver) = mpsc::channel(PIECES);
    let body = Body {
        receiver: Some(receiver),
        piece: Bytes::new(),
        has_ended: false,
    };
    (BodySender(sender), body)
}

/// A body that is there: nobody waits who reads it.
pub fn whole_body(bytes: Bytes) -> Body {
    Body {
        receiver: None,
        piece: bytes,
        has_ended: true,
    }
}

#[derive(Clone)]
pub struct BodySender(mpsc::Sender<Piece>);

impl BodySender {
    /// Whether the reader still wants more.
    pub async fn write(&self, bytes: Bytes) -> bool {
        self.0.send(Piece::Bytes(bytes)).await.is_ok()
    }

    /// A body that isn't ended is an error to its reader, and never a short body.
    pub async fn end(&self) {
        // A reader that has failed needs no end.
        let _ = self.0.send(Piece::End).await;
    }
}

pub struct Body {
    /// Of a body that comes.
    receiver: Option<mpsc::Receiver<Piece>>,
    piece: Bytes,
    has_ended: bool,
}

impl Body {
    /// All bytes that are left, where they are there.
    pub fn into_whole(self) -> std::result::Result<Bytes, Self> {
        match self.receiver {
            None => Ok(self.piece),
            Some(_) => Err(self),
        }
    }

    pub fn is_whole(&self) -> bool {
        self.receiver.is_none()
    }

    /// The first bytes, `size` of them where there are so many; whoever reads on gets them again.
    pub fn peek(&mut self, size: usize) -> Result<Vec<u8>> {
        let mut start = Vec::new();
        Read::by_ref(self).take(size as u64).read_to_end(&mut start)?;
        let rest = std::mem::take(&mut self.piece);
        self.piece = [start.as_slice(), &rest].concat().into();
        Ok(start)
    }
}

impl Read for Body {
    /// Blocks until more has come, so never on a worker of the runtime.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while self.piece.is_empty() && !self.has_ended {
            match self.receiver.as_mut().and_then(mpsc::Receiver::blocking_recv) {
                Some(Piece::Bytes(bytes)) => self.piece = bytes,
                Some(Piece::End) => self.has_ended = true,
                None => return Err(Error::new(ErrorKind::UnexpectedEof, "The body ended before its end")),
            }
        }
        let size = buffer.len().min(self.piece.len());
        self.piece.split_to(size).copy_to_slice(&mut buffer[..size]);
        Ok(size)
    }
}

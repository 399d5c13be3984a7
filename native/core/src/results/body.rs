//! The bytes of a kept result as they were sent, whole or in ranges.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::file::{BLOCK, Footer, damaged};
use crate::error::{Error, Result};
use crate::generated::{ErrorCode, StoredResult};

/// Bytes that are read at once.
const READ: usize = 4 * BLOCK;

/// A kept result that is open: evicted meanwhile, it can be read to its end.
#[derive(Clone)]
pub struct StoredBody(Arc<Inner>);

struct Inner {
    path: PathBuf,
    file: File,
    footer: Footer,
}

impl StoredBody {
    /// Opens the result of `key`; with `verify` every block of it is checked first.
    pub async fn open(path: &str, key: &str, verify: bool) -> Result<Self> {
        let (path, key) = (PathBuf::from(path), key.to_owned());
        blocking(move || {
            let (file, footer) = Footer::read(&path, &key)?;
            let body = Self(Arc::new(Inner { path, file, footer }));
            if verify {
                body.verify()?;
            }
            Ok(body)
        })
        .await
    }

    pub fn result(&self) -> &StoredResult {
        &self.0.footer.result
    }

    /// Bytes from `start` on, `length` at most, each checked; fewer where that reads no block twice.
    pub async fn read(&self, start: u64, length: u64) -> Result<Vec<u8>> {
        let body = self.clone();
        blocking(move || body.read_now(start, length)).await
    }

    fn verify(&self) -> Result<()> {
        let length = self.length();
        let mut start = 0;
        while start < length {
            start += self.read_now(start, length)?.len() as u64;
        }
        Ok(())
    }

    fn length(&self) -> u64 {
        self.result().byte_count as u64
    }

    fn read_now(&self, start: u64, length: u64) -> Result<Vec<u8>> {
        let end = start.saturating_add(length).min(self.length());
        if start >= end {
            return Ok(Vec::new());
        }
        let first = start - start % BLOCK as u64;
        let last = (first + READ as u64).min(self.length());
        let mut bytes = vec![0; (last - first) as usize];
        self.0
            .file
            .read_exact_at(&mut bytes, first)
            .map_err(|error| damaged(&self.0.path, &error.to_string()))?;
        self.check(first, &bytes)?;
        bytes.truncate((end - first) as usize);
        bytes.drain(..(start - first) as usize);
        Ok(bytes)
    }

    fn check(&self, first: u64, bytes: &[u8]) -> Result<()> {
        let checksums = self.0.footer.checksums[first as usize / BLOCK..].iter();
        match bytes
            .chunks(BLOCK)
            .zip(checksums)
            .all(|(block, sum)| crc32fast::hash(block) == *sum)
        {
            true => Ok(()),
            false => Err(damaged(&self.0.path, "a block is damaged")),
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorCode::Internal, error.to_string()))?
}

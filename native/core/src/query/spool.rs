//! A result kept until it is whole: in memory while it is small, in a temporary file beyond.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::SpooledTempFile;

use crate::error::{Error, Result};
use crate::generated::ErrorCode;

const IN_MEMORY: usize = 4 << 20;
const CHUNK: usize = 256 << 10;

pub struct Spool {
    file: SpooledTempFile,
    room: i64,
}

impl Spool {
    /// A spool below `folder` that holds `limit` bytes at most.
    pub fn new(folder: &str, limit: i64) -> Self {
        Self {
            file: tempfile::spooled_tempfile_in(IN_MEMORY, Path::new(folder)),
            room: limit,
        }
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.room -= bytes.len() as i64;
        if self.room < 0 {
            let message = "The result is larger than what may be spooled: ask for fewer rows, or don't spool it";
            return Err(Error::new(ErrorCode::MemoryExceeded, message));
        }
        Ok(self.file.write_all(bytes)?)
    }

    /// Goes back to the first byte, to be read.
    pub fn rewind(&mut self) -> Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(())
    }

    /// The next bytes; empty at the end.
    pub fn read(&mut self) -> Result<Vec<u8>> {
        let mut chunk = Vec::with_capacity(CHUNK);
        Read::by_ref(&mut self.file)
            .take(CHUNK as u64)
            .read_to_end(&mut chunk)?;
        Ok(chunk)
    }
}

//! Keeps a result while it streams.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::NamedTempFile;

use super::file::{BLOCK, Footer};
use crate::error::{Error, Result};
use crate::generated::{QueryHead, ResultTarget, StoredResult};

/// What files that aren't whole yet begin with.
const UNFINISHED: &str = ".unfinished-";

/// A result on its way to disk; dropped before its end, it leaves nothing.
pub struct ResultWriter {
    target: ResultTarget,
    file: NamedTempFile,
    block: Vec<u8>,
    checksums: Vec<u32>,
    length: usize,
}

impl ResultWriter {
    pub fn create(target: ResultTarget) -> Result<Self> {
        let folder = Path::new(&target.path).parent().unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        Ok(Self {
            target,
            file,
            block: Vec::with_capacity(BLOCK),
            checksums: Vec::new(),
            length: 0,
        })
    }

    /// Whether the result is still small enough to be kept.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<bool> {
        self.length += bytes.len();
        if self.length as i64 > self.target.limit_bytes {
            return Ok(false);
        }
        while !bytes.is_empty() {
            let (taken, rest) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(taken);
            bytes = rest;
            if self.block.len() == BLOCK {
                self.end_block()?;
            }
        }
        Ok(true)
    }

    fn end_block(&mut self) -> Result<()> {
        self.checksums.push(crc32fast::hash(&self.block));
        self.file.write_all(&self.block)?;
        self.block.clear();
        Ok(())
    }

    /// Gives it another path in the same folder, and another key and revision.
    pub fn name(&mut self, path: &str, key: &str, revision: &str) {
        self.target.path = path.to_owned();
        self.target.key = key.to_owned();
        self.target.revision = revision.to_owned();
    }

    /// Makes the result appear under its path, in place of one before it; answers the bytes of its body.
    pub fn publish(mut self, head: QueryHead, row_count: i64, truncated: bool) -> Result<i64> {
        if !self.block.is_empty() {
            self.end_block()?;
        }
        let ResultTarget {
            path,
            key,
            revision,
            format,
            ..
        } = self.target;
        let byte_count = self.length as i64;
        let result = StoredResult {
            key,
            revision,
            format,
            head,
            row_count,
            truncated,
            byte_count,
            created_at: now(),
        };
        let checksums = self.checksums;
        self.file.write_all(&Footer { result, checksums }.encode()?)?;
        self.file
            .persist(PathBuf::from(path))
            .map_err(|error| Error::from(error.error))?;
        Ok(byte_count)
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as i64
}

//! The file of a kept result: the body as it is sent, in blocks with a checksum each, then a footer that names them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::generated::{ErrorCode, StoredResult};

/// Bytes that a checksum covers.
pub const BLOCK: usize = 256 << 10;
const MAGIC: &[u8; 8] = b"LGRESULT";
/// The footer's length and checksum, and the magic.
const ENDING: usize = 4 + 4 + 8;
const LONGEST_FOOTER: u32 = 256 << 20;

/// What follows the body.
#[derive(Debug, Serialize, Deserialize)]
pub struct Footer {
    pub result: StoredResult,
    pub checksums: Vec<u32>,
}

impl Footer {
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut bytes = rmp_serde::to_vec_named(self).map_err(|error| Error::internal(error.to_string()))?;
        let (length, checksum) = (bytes.len() as u32, crc32fast::hash(&bytes));
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes.extend_from_slice(MAGIC);
        Ok(bytes)
    }

    /// Reads the footer of the result of `key`; anything else that lies there is damage.
    pub fn read(path: &Path, key: &str) -> Result<(File, Self)> {
        let mut file = File::open(path).map_err(|error| damaged(path, &error.to_string()))?;
        let footer = read_footer(&mut file).map_err(|reason| damaged(path, &reason))?;
        if footer.result.key != key {
            return Err(damaged(path, "it is the result of another query"));
        }
        Ok((file, footer))
    }
}

fn read_footer(file: &mut File) -> Result<Footer, String> {
    let text = |error: std::io::Error| error.to_string();
    let length = file.metadata().map_err(text)?.len();
    let mut ending = [0; ENDING];
    let body_and_footer = length.checked_sub(ENDING as u64).ok_or("it is too short")?;
    file.seek(SeekFrom::Start(body_and_footer)).map_err(text)?;
    file.read_exact(&mut ending).map_err(text)?;
    let number = |at: usize| u32::from_le_bytes(ending[at..at + 4].try_into().expect("four bytes"));
    let (footer_length, checksum) = (number(0), number(4));
    if &ending[8..] != MAGIC || footer_length > LONGEST_FOOTER {
        return Err("it has no footer".to_owned());
    }
    let body = body_and_footer.checked_sub(footer_length.into()).ok_or("it is cut")?;
    file.seek(SeekFrom::Start(body)).map_err(text)?;
    let mut bytes = vec![0; footer_length as usize];
    file.read_exact(&mut bytes).map_err(text)?;
    if crc32fast::hash(&bytes) != checksum {
        return Err("its footer is damaged".to_owned());
    }
    let footer: Footer = rmp_serde::from_slice(&bytes).map_err(|error| error.to_string())?;
    let blocks = (body as usize).div_ceil(BLOCK);
    match footer.result.byte_count as u64 == body && footer.checksums.len() == blocks {
        true => Ok(footer),
        false => Err("its length isn't the footer's".to_owned()),
    }
}

pub fn damaged(path: &Path, reason: &str) -> Error {
    let name = path.file_name().unwrap_or_default().display();
    let message = format!("The kept result {name} can't be used: {reason}");
    Error::new(ErrorCode::ResultExpired, message)
}

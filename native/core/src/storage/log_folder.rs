//! The log of a table in a folder of this machine, listed and read without an object store: that looks up whole
//! paths, and hands over one file after the other.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::{Path as FilePath, PathBuf};

use chrono::{DateTime, Utc};
use deltalake_core::logstore::commit_uri_from_version;
use object_store::ObjectMeta;

#[derive(Debug, Clone)]
pub struct LogFolder(PathBuf);

pub struct LogFile {
    pub name: String,
    pub modified: DateTime<Utc>,
    pub size: u64,
}

impl LogFolder {
    pub fn of(table: &FilePath) -> Self {
        Self(table.join("_delta_log"))
    }

    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        std::fs::read(self.0.join(name))
    }

    /// The commit file of `version` and its text; none where there is no such version.
    pub fn commit(&self, version: i64) -> Result<Option<(ObjectMeta, Vec<u8>)>> {
        let mut file = match File::open(self.0.join(commit_name(version))) {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let found = file.metadata()?;
        let mut text = Vec::with_capacity(found.len() as usize);
        file.read_to_end(&mut text)?;
        let meta = ObjectMeta {
            location: commit_uri_from_version(Some(version as u64)),
            last_modified: found.modified()?.into(),
            size: found.len(),
            e_tag: None,
            version: None,
        };
        Ok(Some((meta, text)))
    }

    /// The files of the folder itself, by name; none where there is something else than a log has.
    pub fn list(&self) -> Result<Option<Vec<LogFile>>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.0)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                return Ok(None);
            };
            // Folders of checkpoints' and commits' parts are beyond all versions in the order of names.
            if name.starts_with(['_', '.']) {
                continue;
            }
            let is_plain = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            if !is_plain || !entry.file_type()?.is_file() {
                return Ok(None);
            }
            match entry.metadata() {
                Ok(found) => files.push(LogFile {
                    modified: found.modified()?.into(),
                    size: found.len(),
                    name,
                }),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        files.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(Some(files))
    }
}

fn commit_name(version: i64) -> String {
    format!("{version:020}.json")
}

fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

//! Files that a killed process left unfinished.

use std::collections::VecDeque;
use std::fs::{self, DirEntry};
use std::io::{ErrorKind, Result};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::durable_store::UNFINISHED;

/// A file that nobody has written to for so long is nobody's any more.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Removes abandoned unfinished files below `folder`, and looks at `most` files and folders at most: those nearest to it
/// first, and those of the log before all others.
pub fn sweep(folder: &Path, most: usize) -> Result<()> {
    let mut folders = VecDeque::from([folder.join("_delta_log"), folder.to_owned()]);
    let mut left = most;
    while let Some(folder) = folders.pop_front() {
        for entry in entries(&folder)?.take(left) {
            left -= 1;
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.extend(Some(path).filter(|path| !path.ends_with("_delta_log")));
            } else if is_unfinished(&path) && is_abandoned(&entry.metadata()?) {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

/// A folder that isn't there has none.
fn entries(folder: &Path) -> Result<impl Iterator<Item = Result<DirEntry>>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None.into_iter().flatten()),
        found => Ok(Some(found?).into_iter().flatten()),
    }
}

/// By our own names, and by those of `LocalFileSystem`: `part.parquet#1`.
fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let staged = name
        .rsplit_once('#')
        .is_some_and(|(_, number)| number.parse::<u32>().is_ok());
    staged || name.starts_with(UNFINISHED)
}

fn is_abandoned(metadata: &fs::Metadata) -> bool {
    let age = metadata.modified().map(|time| SystemTime::now().duration_since(time));
    matches!(age, Ok(Ok(age)) if age > ABANDONED)
}

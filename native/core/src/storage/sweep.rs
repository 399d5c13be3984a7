//! Files that a killed process left unfinished.

use std::fs;
use std::io::Result;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::durable_store::UNFINISHED;

/// A file that nobody has written to for so long is nobody's any more.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Removes abandoned unfinished files below `folder`.
pub fn sweep(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            sweep(&path)?;
        } else if is_unfinished(&path) && is_abandoned(&entry.metadata()?) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
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

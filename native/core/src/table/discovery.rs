//! The Delta tables below a folder, by name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const MAX_DEPTH: usize = 8;

/// Every table below `root`: its name is its path with everything but letters, digits and `_` written `_`.
/// Several folders can give one name; then none of them can be meant by it.
pub fn discover(root: &Path) -> BTreeMap<String, Vec<PathBuf>> {
    let mut tables = BTreeMap::new();
    visit(root, root, MAX_DEPTH, &mut tables);
    tables
}

/// A folder that can't be listed has no tables; links are not followed.
fn visit(root: &Path, folder: &Path, depth: usize, tables: &mut BTreeMap<String, Vec<PathBuf>>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut folders: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .filter(|path| !is_hidden(path))
        .collect();
    folders.sort();
    for path in folders {
        if is_table(&path) {
            tables.entry(name(root, &path)).or_default().push(path);
        } else if depth > 0 {
            visit(root, &path, depth - 1, tables);
        }
    }
}

pub fn is_table(path: &Path) -> bool {
    path.join("_delta_log").is_dir()
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.starts_with('_')
}

fn name(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
    let mut name: String = relative
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .take(127)
        .collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

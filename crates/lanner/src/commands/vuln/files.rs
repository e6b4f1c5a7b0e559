//! The files that paths stand for: files, folders with all that is below them, patterns, standard input.

use std::path::{Path, PathBuf};

use lanner_vuln::ReadError;

use crate::failure::{Failure, Result};

/// The deepest folder below a named one.
const MAX_DEPTH: usize = 16;

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: PathBuf,
    /// Whether it was named, and did not merely lie in a folder: then it has to be a report.
    pub(super) by_name: bool,
}

impl Named {
    /// Whether what could not be read was to be read: a file of another kind may lie beside reports in a folder.
    pub(super) fn is_missed(&self, error: &ReadError) -> bool {
        self.by_name || !matches!(error, ReadError::Unknown { .. } | ReadError::Empty)
    }
}

/// All files, in order of their names within each folder.
pub(super) fn expand(paths: &[PathBuf]) -> Result<Vec<Named>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            below(path, 0, &mut files)?;
        } else if path != Path::new("-") && !path.exists() && is_pattern(path) {
            matching(path, &mut files)?;
        } else {
            files.push(Named { path: path.clone(), by_name: true });
        }
    }
    if files.is_empty() {
        return Err(Failure::user("there are no files there").hint("name a report, or a folder with reports"));
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> = read
        .map_err(|error| Failure::file("read", folder, &error))?
        .iter()
        .map(std::fs::DirEntry::path)
        .collect();
    paths.sort();
    Ok(paths)
}

fn below(folder: &Path, depth: usize, files: &mut Vec<Named>) -> Result<()> {
    for path in entries(folder)? {
        if path.is_dir() {
            if depth < MAX_DEPTH && !path.is_symlink() {
                below(&path, depth + 1, files)?;
            }
        } else {
            files.push(Named { path, by_name: false });
        }
    }
    Ok(())
}

fn is_pattern(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains(['*', '?']))
}

fn matching(path: &Path, files: &mut Vec<Named>) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let pattern = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && matches(pattern.as_bytes(), name.as_bytes()) {
            files.push(Named { path, by_name: true });
        }
    }
    Ok(())
}

/// Whether a name fits a pattern of `*` and `?`. Linear in its length times that of the pattern.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("*.nessus", "weekly.nessus", true),
            ("*.nessus", "weekly.xml", false),
            ("scan-?.xml", "scan-1.xml", true),
            ("scan-?.xml", "scan-12.xml", false),
            ("*a*b", "xaxxb", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
    }
}

//! Folders: the files below one, and those of files with one series each, as carbon lays them out: the path below the folder is
//! the series' name.

use std::io;
use std::path::{Path, PathBuf};

use lanner_wire::format::{self, FORMATS, Format};

use crate::tables;

/// The files below a folder whose names `wanted` has something for, in order of their paths.
pub(super) fn files_below<T>(
    folder: &Path,
    wanted: impl Fn(&str) -> Option<T>,
) -> io::Result<Vec<(PathBuf, T)>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            // Links are not followed: one may lead back here.
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let found = wanted(&entry.file_name().to_string_lossy());
                files.extend(found.map(|found| (entry.path(), found)));
            }
        }
    }
    files.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Ok(files)
}

/// The format of a file with one series, by its ending.
pub(super) fn of_one_series(name: &str) -> Option<&'static Format> {
    format::of_file(name).filter(|format| format.is_one_series)
}

/// How names of such files end: `*.wsp`.
pub(super) fn endings() -> String {
    let endings = FORMATS.iter().filter(|format| format.is_one_series).flat_map(|format| format.endings);
    endings.map(|ending| format!("*.{ending}")).collect::<Vec<_>>().join(", ")
}

/// The series that a file below `root` holds: folders are nodes; what lies below `_tagged` is named by its file alone.
pub(super) fn series_name(root: &Path, file: &Path) -> String {
    let below = file.strip_prefix(root).unwrap_or(file);
    let last = tables::stem(below).unwrap_or_default();
    let folders = below.parent().into_iter().flat_map(Path::iter);
    let mut parts: Vec<String> = folders.map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.first().is_some_and(|first| first == "_tagged") {
        return last.replace("_DOT_", ".");
    }
    parts.push(last);
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_paths() {
        for (file, name) in [
            ("w/app/web/rate.wsp", "app.web.rate"),
            ("w/rate.wsp", "rate"),
            ("w/rate.wsp.gz", "rate"),
            ("w/_tagged/8f2/b6c/disk_DOT_used;dc=ams.wsp", "disk.used;dc=ams"),
        ] {
            assert_eq!(series_name(Path::new("w"), Path::new(file)), name);
        }
        assert_eq!(endings(), "*.wsp");
    }
}

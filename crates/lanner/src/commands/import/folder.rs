//! Whisper files, and folders of them as carbon lays them out: the path below the folder is the series' name.

use std::io::{self, BufRead, Read as _};
use std::path::{Path, PathBuf};

use lanner_core::{Sample, SeriesKey};
use lanner_wire::carbon;
use lanner_wire::whisper::Whisper;

/// The largest file that is read: it lies in memory as a whole.
const MAX_BYTES: u64 = 1 << 30;

/// The Whisper files below a folder, in order of their paths.
pub(super) fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            // Links are not followed: one may lead back here.
            let kind = entry.file_type()?;
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "wsp") {
                files.push(path);
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// The series that a file below `root` holds: folders are nodes; what lies below `_tagged` is named by its file alone.
pub(super) fn series_name(root: &Path, file: &Path) -> String {
    let below = file.strip_prefix(root).unwrap_or(file).with_extension("");
    let parts: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    match parts.as_slice() {
        [first, .., last] if first == "_tagged" => last.replace("_DOT_", "."),
        parts => parts.join("."),
    }
}

/// Reads one file, calling `on_sample` for each of its points, oldest first.
///
/// # Errors
/// A sentence that says what is wrong with the file, or with its name.
pub(super) fn read(
    input: &mut dyn BufRead,
    name: &str,
    mut on_sample: impl FnMut(&SeriesKey, Sample) -> Result<(), String>,
) -> Result<(), String> {
    let key = carbon::series_key(name).map_err(|error| error.to_string())?;
    let mut file = Vec::new();
    input.take(MAX_BYTES + 1).read_to_end(&mut file).map_err(|error| error.to_string())?;
    if file.len() as u64 > MAX_BYTES {
        return Err("the file is larger than 1 GiB".to_owned());
    }
    let whisper = Whisper::read(&file).map_err(|error| error.to_string())?;
    whisper.points().try_for_each(|(time_s, value)| on_sample(&key, Sample::new(time_s * 1000, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_paths() {
        for (file, name) in [
            ("w/app/web/rate.wsp", "app.web.rate"),
            ("w/rate.wsp", "rate"),
            ("w/_tagged/8f2/b6c/disk_DOT_used;dc=ams.wsp", "disk.used;dc=ams"),
        ] {
            assert_eq!(series_name(Path::new("w"), Path::new(file)), name);
        }
    }

    #[test]
    fn a_file_cut_short_is_refused_in_a_sentence() {
        let refused = read(&mut &b"\0\0\0\x01"[..], "a.b", |_, _| Ok(()));
        assert!(refused.unwrap_err().contains("cut off"));
    }
}

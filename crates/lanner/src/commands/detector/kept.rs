//! Detectors as files.

use std::io::Write as _;
use std::path::Path;

use lanner_deep::Detector;

use crate::failure::{Failure, Result};
use crate::models::{self, DETECTOR};

/// Reads the detector of a file.
pub(super) fn load(path: &Path) -> Result<Detector> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    models::expect(&bytes, &DETECTOR).map_err(|why| Failure::user(format!("{} {why}", path.display())))?;
    Detector::from_bytes(&bytes).map_err(|error| Failure::user(format!("{} {error}", path.display())))
}

/// Writes a detector to a new file, at once.
pub(super) fn save(path: &Path, detector: &Detector) -> Result<()> {
    write(path, &detector.to_bytes())
}

/// Writes a file at once: whoever stops in the middle leaves what was there before.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error: std::io::Error| Failure::file("write", path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Refuses to write over what is there.
pub(super) fn check_new(path: &Path) -> Result<()> {
    if path.exists() {
        let message = format!("{} exists; detectors never change", path.display());
        return Err(Failure::user(message).hint("give --out another name, or remove the file"));
    }
    Ok(())
}

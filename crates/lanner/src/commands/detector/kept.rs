//! Detectors as files.

use std::io::Write as _;
use std::path::Path;

use lanner_deep::{Detector, DetectorFile};

use crate::failure::{Failure, Result};
use crate::models::{self, DETECTOR};
use crate::tables;

/// Reads the detector of a file, or the set of them.
pub(super) fn load(path: &Path) -> Result<DetectorFile> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    models::expect(&bytes, &DETECTOR).map_err(|why| Failure::user(format!("{} {why}", path.display())))?;
    DetectorFile::from_bytes(&bytes).map_err(|error| Failure::user(format!("{} {error}", path.display())))
}

/// The detectors that are meant: those of one entity, or all of a file.
pub(super) fn meant<'f>(
    file: &'f DetectorFile,
    entity: Option<&str>,
) -> Result<Vec<(Option<&'f str>, &'f Detector)>> {
    let mut all = file.all();
    if let Some(entity) = entity {
        all.retain(|(of, _)| *of == Some(entity));
        if all.is_empty() {
            let names: Vec<String> = file.all().iter().filter_map(|(of, _)| of.map(str::to_owned)).collect();
            let known =
                if names.is_empty() { "it is one for all rows".to_owned() } else { tables::few(&names) };
            return Err(Failure::user(format!("there is no detector for {entity}")).hint(known));
        }
    }
    Ok(all)
}

/// Writes detectors to a new file, at once.
pub(super) fn save(path: &Path, file: &DetectorFile) -> Result<()> {
    write(path, &file.to_bytes())
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

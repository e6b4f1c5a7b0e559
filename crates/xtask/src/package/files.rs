//! Reading and writing files, with errors that name them.

use std::path::Path;
use std::process::Command;

use crate::command::output;

/// The SHA-256 of a file, in hexadecimal digits.
pub(super) fn sha256(file: &Path) -> Result<String, String> {
    let said = output(Command::new("sha256sum").arg(file))?;
    said.split_whitespace().next().map(str::to_owned).ok_or_else(|| "sha256sum said nothing".to_owned())
}

pub(super) fn write(file: &Path, bytes: &[u8]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    file.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
    std::fs::write(file, bytes).map_err(failed)
}

/// An empty folder.
pub(super) fn renew(folder: &Path) -> Result<(), String> {
    remove(folder)?;
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

pub(super) fn remove(folder: &Path) -> Result<(), String> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

pub(super) fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

pub(super) fn set_mode(file: &Path, mode: u32) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode))
        .map_err(|error| format!("{}: {error}", file.display()))
}

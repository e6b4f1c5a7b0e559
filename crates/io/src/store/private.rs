//! Files and folders that only the owner may access, because they contain secrets of receivers.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Folders beside the store, in which others keep what would be too large for it, such as what processors learned.
pub(super) const FOLDERS: [&str; 1] = ["processors"];

#[cfg(unix)]
pub(super) fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
pub(super) fn options() -> OpenOptions {
    OpenOptions::new()
}

pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file whole or not at all, into a folder that is made if it is missing; only the owner may access either.
///
/// # Errors
/// What the system says; the file is then what it was before.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    // What a crash left may have another mode.
    let _ = fs::remove_file(&part);
    let mut file = options().write(true).create_new(true).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)
}

/// Takes from others what earlier releases let them read. A folder that also holds what is not ours keeps its mode.
/// What may not be changed belongs to somebody else, who decides.
pub(super) fn tighten(folder: &Path) {
    #[cfg(unix)]
    {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut is_ours = true;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("lanner.") {
                set_mode(&entry.path(), 0o600);
            } else if FOLDERS.contains(&&*name) {
                tighten_below(&entry.path());
            } else {
                is_ours &= name.starts_with("backup-") || name == "seyren.log";
            }
        }
        if is_ours {
            set_mode(folder, 0o700);
        }
        if is_open(folder) {
            let shown = folder.display();
            tracing::warn!(
                "other users can access {shown}, which contains secrets; restrict it: chmod 700 {shown}"
            );
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
}

/// The same for one of the folders beside the store.
#[cfg(unix)]
fn tighten_below(folder: &Path) {
    set_mode(folder, 0o700);
    let Ok(entries) = fs::read_dir(folder) else { return };
    entries.flatten().for_each(|entry| set_mode(&entry.path(), 0o600));
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    if !metadata.is_symlink() && metadata.permissions().mode() & 0o077 != 0 {
        // Not ours to change, then: see above.
        let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_private_is_written_whole_and_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("made/a.profile");
        for bytes in [&b"one"[..], b"two"] {
            write_private(&file, bytes).unwrap();
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }
}

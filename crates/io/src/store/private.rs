//! Files and folders that only the owner may access, because they contain secrets of receivers.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

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
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Takes from others what earlier releases let them read. A folder that also holds what is not ours keeps its mode.
/// What may not be changed belongs to somebody else, who decides.
pub(super) fn tighten(folder: &Path) {
    #[cfg(unix)]
    {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        let mut is_ours = true;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("lanner.") {
                set_mode(&entry.path(), 0o600);
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

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return };
    if !metadata.is_symlink() && metadata.permissions().mode() & 0o077 != 0 {
        // Not ours to change, then: see above.
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    }
}

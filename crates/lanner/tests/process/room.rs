//! Folders with little room or none to write: small file systems in memory, where this machine lets us mount them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system of its own; unmounted when dropped.
pub(crate) struct Room {
    folder: tempfile::TempDir,
    mounted: bool,
}

fn mount(folder: &Path, options: &str) -> bool {
    let tried = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).output();
    tried.is_ok_and(|output| output.status.success())
}

impl Room {
    /// `None`, said loudly, where mounting is not allowed.
    pub(crate) fn of_mib(mib: usize) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if mount(folder.path(), &format!("size={mib}m")) {
            return Some(Self { folder, mounted: true });
        }
        eprintln!("SKIPPED: this test mounts a small file system, which only root may");
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Takes all the room there is; again, what has become free since.
    pub(crate) fn fill(&self) {
        let mut ballast = std::fs::File::options().create(true).append(true).open(self.ballast()).unwrap();
        // Ends with an error: the disk is full. Small pieces fill what large ones leave.
        for piece in [1 << 16, 1 << 12, 1 << 9, 1] {
            while std::io::Write::write_all(&mut ballast, &vec![1; piece]).is_ok() {}
        }
    }

    /// Gives it back.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: the program may still hold files. What cannot be unmounted ends with the machine.
            let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).output();
        }
    }
}

/// A folder in which nothing can be written; `None`, said loudly, where that cannot be had.
pub(crate) fn read_only() -> Option<Room> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::File::create(folder.path().join("probe")).is_err() {
        return Some(Room { folder, mounted: false });
    }
    // Root writes everywhere, except where nobody can.
    std::fs::remove_file(folder.path().join("probe")).unwrap();
    if mount(folder.path(), "ro") {
        return Some(Room { folder, mounted: true });
    }
    eprintln!("SKIPPED: this test needs a folder that cannot be written, which root cannot make here");
    None
}

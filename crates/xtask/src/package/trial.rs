//! Tries a package as an administrator would: in a bare Debian, of which a layer in memory takes the changes.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian;
use super::release::Release;
use super::tree::Tree;
use crate::command::{root, succeed};

/// What is tried.
pub(super) struct Trial {
    pub(super) folder: PathBuf,
    pub(super) tree: Tree,
    pub(super) release: Release,
    /// The package.
    pub(super) debian: PathBuf,
}

impl Trial {
    /// Installs, uses, upgrades, removes and purges what was made, in the Debian at `bare`, as `packaging/try.sh` says.
    pub(super) fn run(&self, bare: &Path) -> Result<(), String> {
        // Mounts and the network of its own end with it.
        self.with_next(&["--mount", "--net", "--pid", "--fork"], "try.sh", &found("--try", bare, "")?)
    }

    /// Uses what was made under systemd, as `packaging/boot.sh` says; takes some minutes, as a watchdog has to bite.
    pub(super) fn boot(&self, bare: &Path) -> Result<(), String> {
        self.with_next(&["--mount"], "boot.sh", &found("--boot", bare, "--include=systemd-sysv,curl ")?)
    }

    /// Runs a script with the package and with what it is upgraded to: the same program under the next number.
    fn with_next(&self, namespaces: &[&str], script: &str, bare: &Path) -> Result<(), String> {
        let next = Release { revision: self.release.revision + 1, ..self.release.clone() };
        let next = debian::make(&self.tree, &next, &self.folder)?;
        let mut trial = Command::new("unshare");
        trial.args(namespaces).arg("sh").arg(root().join("packaging").join(script));
        let outcome = succeed(trial.arg(bare).arg(&self.debian).arg(&next));
        // Only the trial needed them.
        let _ = std::fs::remove_file(next);
        let _ = std::fs::remove_dir_all(self.folder.join("work"));
        outcome
    }
}

/// A folder with a Debian.
fn found(option: &str, bare: &Path, include: &str) -> Result<PathBuf, String> {
    bare.canonicalize().map_err(|error| {
        format!(
            "{option} {}: {error}; make one with `debootstrap --variant=minbase {include}stable DIR`",
            bare.display()
        )
    })
}

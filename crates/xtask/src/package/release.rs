//! Which release is packed.

use std::path::Path;
use std::process::Command;

use crate::command::{output, root};

/// Which release of which program for which machine.
#[derive(Debug, Clone)]
pub(super) struct Release {
    pub(super) version: String,
    pub(super) revision: u32,
    /// As Debian calls it: `amd64`.
    pub(super) architecture: String,
    /// When the source was changed last, seconds since 1970: the time of every file in the packages, so that the same source
    /// gives the same packages.
    pub(super) changed_s: u64,
}

impl Release {
    pub(super) fn of(program: &Path, revision: u32) -> Result<Self, String> {
        let said = output(Command::new(program).arg("--version"))?;
        let version = said.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        let architecture = output(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
        let changed = std::env::var("SOURCE_DATE_EPOCH").ok().map_or_else(last_change, Ok)?;
        let changed_s = changed.trim().parse().map_err(|_| format!("{changed} is not a time in seconds"))?;
        Ok(Self { version, revision, architecture, changed_s })
    }
}

fn last_change() -> Result<String, String> {
    output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()))
}

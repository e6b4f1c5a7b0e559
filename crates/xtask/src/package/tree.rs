//! Which file goes where.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::files::{read, set_mode, write};
use crate::command::{output, root};

/// The files of an installation: their paths from the root, their modes, and what they hold.
pub(super) struct Tree(pub(super) BTreeMap<String, Entry>);

/// One file.
pub(super) struct Entry {
    pub(super) mode: u32,
    pub(super) bytes: Vec<u8>,
}

/// Files of the repository, and where they go.
const COPIED: [(&str, &str); 7] = [
    ("packaging/lanner.service", "usr/lib/systemd/system/lanner.service"),
    ("packaging/lanner.yaml", "etc/lanner/lanner.yaml"),
    ("docs/configuration.md", "usr/share/doc/lanner/configuration.md"),
    ("packaging/prometheus/lanner.rules.yml", "usr/share/doc/lanner/examples/lanner.rules.yml"),
    ("packaging/grafana/lanner.json", "usr/share/doc/lanner/examples/lanner-dashboard.json"),
    ("packaging/grafana/datasources.yaml", "usr/share/doc/lanner/examples/lanner-datasources.yaml"),
    ("LICENSE", "usr/share/doc/lanner/LICENSE"),
];

/// Shells, and where they look for completions.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/lanner"),
    ("zsh", "usr/share/zsh/vendor-completions/_lanner"),
    ("fish", "usr/share/fish/vendor_completions.d/lanner.fish"),
];

impl Tree {
    /// Everything that belongs to `program`, with the `licences` of what is linked into it.
    pub(super) fn of(program: &Path, work: &Path, licences: &str) -> Result<Self, String> {
        let mut tree = Self(BTreeMap::new());
        tree.put("usr/bin/lanner", 0o755, read(program)?);
        for (from, to) in COPIED {
            tree.put(to, 0o644, read(&root().join(from))?);
        }
        for (shell, to) in COMPLETIONS {
            let script = output(Command::new(program).args(["completion", shell]))?;
            tree.put(to, 0o644, script.into_bytes());
        }
        tree.put("usr/share/doc/lanner/copyright", 0o644, copyright(licences).into_bytes());
        tree.put("usr/share/doc/lanner/changelog.gz", 0o644, gzip(&root().join("CHANGELOG.md"))?);
        tree.manual(program, &work.join("man"))?;
        Ok(tree)
    }

    fn put(&mut self, path: &str, mode: u32, bytes: Vec<u8>) {
        self.0.insert(path.to_owned(), Entry { mode, bytes });
    }

    fn manual(&mut self, program: &Path, folder: &Path) -> Result<(), String> {
        output(Command::new(program).arg("man").arg(folder))?;
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        for page in std::fs::read_dir(folder).map_err(failed)? {
            let page = page.map_err(failed)?;
            let name = page.file_name().to_string_lossy().into_owned();
            self.put(&format!("usr/share/man/man1/{name}.gz"), 0o644, gzip(&page.path())?);
        }
        Ok(())
    }

    /// Writes the files below `folder`.
    pub(super) fn write(&self, folder: &Path) -> Result<(), String> {
        for (path, Entry { mode, bytes }) in &self.0 {
            let file: PathBuf = folder.join(path);
            write(&file, bytes)?;
            set_mode(&file, *mode)?;
        }
        Ok(())
    }

    /// The size when it is installed, KiB.
    pub(super) fn size_kib(&self) -> usize {
        self.0.values().map(|entry| entry.bytes.len().div_ceil(1_024)).sum()
    }
}

fn copyright(licences: &str) -> String {
    format!(
        "Lanner is licensed under the Apache License 2.0, see LICENSE beside this file and\n\
         /usr/share/common-licenses/Apache-2.0. The program contains what follows, under the licences given there.\n\n{licences}"
    )
}

/// Compressed without a name or a time in it, so that the same file gives the same bytes.
fn gzip(file: &Path) -> Result<Vec<u8>, String> {
    let ran = Command::new("gzip").args(["-9", "--no-name", "--stdout"]).arg(file).output();
    ran.map(|ran| ran.stdout).map_err(|error| format!("gzip: {error}"))
}

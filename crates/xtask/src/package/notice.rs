//! Who wrote what is linked into the program: `NOTICE` names them, and packages carry the texts of their licences.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::bill::{self, Linked};
use super::files::write;
use crate::command::root;

const INTRODUCTION: &str = "\
Lanner
Licensed under the Apache License, Version 2.0; see LICENSE.

The program contains the following crates, each under its own licence. Packages of Lanner carry the texts of these
licences. This file is generated: run `cargo xtask notice` after a dependency changed.

";

/// What libraries carry that are not written in Rust.
const INSIDE: &str = "
Inside libsqlite3-sys: SQLite, in the public domain.
Inside zstd-sys: Zstandard, Copyright (c) Meta Platforms, Inc. and affiliates, BSD-3-Clause.
Inside ring: code of BoringSSL and OpenSSL, Apache-2.0.
";

/// Writes `NOTICE`.
///
/// # Errors
/// A sentence that names what failed.
pub(crate) fn run() -> Result<(), String> {
    write(&root().join("NOTICE"), text()?.as_bytes())
}

/// What `NOTICE` says.
///
/// # Errors
/// Failures of cargo.
pub(crate) fn text() -> Result<String, String> {
    Ok(of(&bill::linked(&bill::metadata()?)))
}

/// Versions are left out: they change with every update, and who wrote what does not.
fn of(linked: &[Linked]) -> String {
    let mut crates: Vec<String> = linked
        .iter()
        .map(|Linked { name, licence, repository, .. }| {
            let line = format!("{name}: {licence} {repository}");
            line.trim_end().to_owned()
        })
        .collect();
    crates.dedup();
    format!("{INTRODUCTION}{}\n{INSIDE}", crates.join("\n"))
}

/// `NOTICE` with the texts of the licences below it, for what is given to people who do not have the sources.
///
/// # Errors
/// Failures of cargo, and files that cannot be read.
pub(crate) fn with_texts() -> Result<String, String> {
    Ok(format!("{}\n{}", text()?, licences(&bill::metadata()?)?))
}

/// The texts of all licences, each once, below the names of the crates that come with it.
pub(super) fn licences(metadata: &Value) -> Result<String, String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for linked in bill::linked(metadata) {
        for text in texts_beside(Path::new(&linked.manifest))? {
            texts.entry(text).or_default().push(format!("{} {}", linked.name, linked.version));
        }
    }
    let mut by_names: Vec<_> = texts.into_iter().collect();
    by_names.sort_by(|a, b| a.1.cmp(&b.1));
    let mut all = String::new();
    for (text, names) in by_names {
        let _ = write!(all, "{}\n{}:\n\n{}\n\n", "=".repeat(80), names.join(", "), text.trim());
    }
    Ok(all)
}

/// The licences that lie beside a manifest.
fn texts_beside(manifest: &Path) -> Result<Vec<String>, String> {
    let folder = manifest.parent().unwrap_or(manifest);
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut texts = Vec::new();
    for file in std::fs::read_dir(folder).map_err(failed)? {
        let file = file.map_err(failed)?;
        let name = file.file_name().to_string_lossy().to_uppercase();
        let is_licence =
            ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"].iter().any(|it| name.starts_with(it));
        if is_licence && file.path().is_file() {
            let text = std::fs::read_to_string(file.path()).map_err(failed)?;
            texts.push(text.replace("\r\n", "\n"));
        }
    }
    Ok(texts)
}

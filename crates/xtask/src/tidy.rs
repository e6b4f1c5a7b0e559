//! Tests of the repository itself: what every change keeps, whatever it is about.
//!
//! Each submodule looks after one thing and reports all of its problems at once. The repository's files are
//! found by walking the folders that hold sources, so that build outputs and a checkout without version
//! control make no difference.

mod arrows;
mod bans;
mod circles;
mod doors;
mod manifests;
mod modules;
mod papers;
mod rooms;
mod sources;

use std::path::{Path, PathBuf};

use crate::command::root;

/// One text file of the repository.
struct TextFile {
    /// The path inside the repository, with `/`.
    path: String,
    text: String,
}

impl TextFile {
    fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
    }
}

/// The text files of the repository, sorted by path; build outputs and binary files left out.
fn text_files() -> Vec<TextFile> {
    let mut files = Vec::new();
    for entry in sorted_entries(&root()) {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let holds_sources =
            ["crates", "benches", "docs", "examples", "packaging", ".ci", ".cargo", ".config"]
                .contains(&name.as_str());
        if (entry.is_file() && name != ".git") || holds_sources {
            collect(&entry, &name, &mut files);
        }
    }
    assert!(files.len() > 20, "found only {} files; is this the repository?", files.len());
    files
}

fn collect(path: &Path, name: &str, files: &mut Vec<TextFile>) {
    if path.is_dir() {
        for entry in sorted_entries(path) {
            let last = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if last != "target" {
                collect(&entry, &format!("{name}/{last}"), files);
            }
        }
    } else if let Ok(text) = std::fs::read_to_string(path) {
        files.push(TextFile { path: name.to_owned(), text });
    }
}

fn sorted_entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    entries.sort();
    entries
}

/// Fails with every problem on a line of its own.
#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problem(s):\n{}", problems.len(), problems.join("\n"));
}

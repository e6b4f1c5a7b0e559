//! Every source file: a header, a bounded length, nothing left over, nothing of one machine.

use super::{TextFile, assert_none, text_files};

/// Longer files hold two ideas.
const MAX_LINES: usize = 700;

/// Files that may be longer, each with the reason.
const LONGER: [(&str, &str); 0] = [];

#[test]
fn modules_have_a_header() {
    check(|file| {
        let has_header = !file.is("rs") || file.text.starts_with("//! ");
        if has_header { None } else { Some("begin with a `//!` header: what it is for".to_owned()) }
    });
}

#[test]
fn files_hold_one_idea() {
    check(|file| {
        let n_lines = file.text.lines().count();
        let may_be_longer = !file.is("rs") || LONGER.iter().any(|(path, _)| *path == file.path);
        if n_lines <= MAX_LINES || may_be_longer {
            return None;
        }
        Some(format!("{n_lines} lines; cut it in two at {MAX_LINES}"))
    });
}

#[test]
fn nothing_is_left_over() {
    check_written(|file| {
        left_over().iter().find(|word| file.text.contains(*word)).map(|word| format!("contains {word}"))
    });
}

#[test]
fn no_path_belongs_to_one_machine() {
    check_written(|file| {
        machine_paths()
            .iter()
            .find(|path| names_path(&file.text, path))
            .map(|path| format!("contains {path}"))
    });
}

#[test]
fn paths_are_recognised() {
    assert!(names_path("open(\"/a/b\")", "/a/"));
    assert!(names_path("/a/b", "/a/"));
    assert!(!names_path("docs/a/b", "/a/"));
    assert!(!names_path("https://example.org/a/b", "/a/"));
    assert!(!names_path("$HOME/a/b", "/a/"));
}

/// Notes to self. Cut in pieces, so that this file does not contain them.
fn left_over() -> Vec<String> {
    [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["dbg", "!("], ["to", "do!("], ["unimplem", "ented!("]]
        .iter()
        .map(|pieces| pieces.concat())
        .collect()
}

/// Folders that only some machines have, or that tests would share with other programs.
fn machine_paths() -> Vec<String> {
    [["/wor", "k/"], ["/tm", "p/"], ["/root/.ca", "rgo"], ["/root/.py", "env"], ["/opt/whe", "els"]]
        .iter()
        .map(|pieces| pieces.concat())
        .collect()
}

/// Whether `text` has `path` as an absolute path, not as the middle of a longer one.
fn names_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && !"._-/})*".contains(before))
    })
}

/// Reports what `problem` finds in each file.
#[track_caller]
fn check(problem: impl Fn(&TextFile) -> Option<String>) {
    let problems: Vec<String> = text_files()
        .iter()
        .filter_map(|file| problem(file).map(|what| format!("{}: {what}", file.path)))
        .collect();
    assert_none(&problems);
}

/// As [`check`], without recorded data, which says what it says.
#[track_caller]
fn check_written(problem: impl Fn(&TextFile) -> Option<String>) {
    check(|file| if file.path.contains("/testdata/") { None } else { problem(file) });
}

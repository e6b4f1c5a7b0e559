//! What these crates show is used: a function that nobody outside names is not public.
//!
//! The compiler says that of what nobody can reach; a method of a type that is shown can be reached, used or not.
//! Names are compared, so one that is common elsewhere passes.

use std::collections::HashSet;

use super::{TextFile, assert_none, text_files};

/// Those that show a part of themselves. The smaller crates are libraries: `core`, `graphite` or `client` have other users
/// than this workspace.
const CRATES: [&str; 3] = ["server", "engine", "io"];

#[test]
fn public_functions_have_users() {
    let files = text_files();
    let problems: Vec<String> = CRATES.iter().flat_map(|name| unused(name, &files)).collect();
    assert_none(&problems);
}

#[test]
fn unused_functions_are_found() {
    let file = |path: &str, text: &str| TextFile { path: path.to_owned(), text: text.to_owned() };
    let own = "pub const fn used() {}\n    pub async fn unused() {}\npub(crate) fn own() {}\npub const ALSO: u8 = 1;\n// pub fn said()";
    let files = [file("crates/a/src/x.rs", own), file("crates/b/src/y.rs", "fn f() { a::used(); }")];
    assert_eq!(
        unused("a", &files),
        [
            "crates/a/src/x.rs: unused is pub and nobody outside names it",
            "crates/a/src/x.rs: ALSO is pub and nobody outside names it"
        ]
    );
}

/// The public functions and constants of a crate that no other file names.
fn unused(name: &str, files: &[TextFile]) -> Vec<String> {
    let own = format!("crates/{name}/src/");
    let (inside, outside): (Vec<&TextFile>, Vec<&TextFile>) =
        files.iter().filter(|file| file.is("rs")).partition(|file| file.path.starts_with(&own));
    let used: HashSet<&str> = outside.iter().flat_map(|file| words(&file.text)).collect();
    let unused = |file: &&TextFile| -> Vec<String> {
        let public = file.text.lines().filter_map(public_name).filter(|name| !used.contains(name));
        public.map(|name| format!("{}: {name} is pub and nobody outside names it", file.path)).collect()
    };
    inside.iter().flat_map(unused).collect()
}

/// The name of the function or constant that a line makes public.
fn public_name(line: &str) -> Option<&str> {
    let mut words = line.trim_start().strip_prefix("pub ")?.split_whitespace();
    let is_function = words.clone().take(4).any(|word| word == "fn");
    let named =
        words.find(|word| if is_function { *word == "fn" } else { ["const", "static"].contains(word) });
    named.and_then(|_| words.next()).and_then(|name| self::words(name).next())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

//! What these crates show is used: a function that nobody outside names is not public.
//!
//! The compiler says that of what nobody can reach; a method of a type that is shown can be reached, used or not.
//! Names are compared, so one that is common in the crates that use this one passes.

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
    let files = [
        file("crates/a/src/x.rs", own),
        file("crates/b/src/y.rs", "fn f() { lanner_a::used(); }"),
        file("crates/c/src/z.rs", "fn unused() {}"),
    ];
    assert_eq!(
        unused("a", &files),
        [
            "crates/a/src/x.rs: unused is pub and nobody outside names it",
            "crates/a/src/x.rs: ALSO is pub and nobody outside names it"
        ]
    );
}

/// The public functions and constants of a crate that nothing outside names, as far as it uses the crate at all.
fn unused(name: &str, files: &[TextFile]) -> Vec<String> {
    let (own, used_as) = (format!("crates/{name}/src/"), format!("lanner_{name}"));
    let (inside, outside): (Vec<&TextFile>, Vec<&TextFile>) =
        files.iter().filter(|file| file.is("rs")).partition(|file| file.path.starts_with(&own));
    let is_user = |file: &TextFile| words(&file.text).any(|word| word == used_as);
    let users: HashSet<&str> = outside.iter().filter(|file| is_user(file)).map(|file| part(file)).collect();
    let outside = outside.iter().filter(|file| users.contains(part(file)));
    let used: HashSet<&str> = outside.flat_map(|file| words(&file.text)).collect();
    let unused = |file: &&TextFile| -> Vec<String> {
        let public = file.text.lines().filter_map(public_name).filter(|name| !used.contains(name));
        public.map(|name| format!("{}: {name} is pub and nobody outside names it", file.path)).collect()
    };
    inside.iter().flat_map(unused).collect()
}

/// The part of the repository that a file belongs to: `crates/server/tests`, `benches`.
fn part(file: &TextFile) -> &str {
    let n_folders = if file.path.starts_with("crates/") { 3 } else { 1 };
    file.path.match_indices('/').nth(n_folders - 1).map_or(file.path.as_str(), |(at, _)| &file.path[..at])
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

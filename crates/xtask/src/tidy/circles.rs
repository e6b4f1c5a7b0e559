//! No circle between files: what a file names never names it back, straight or by way of others.
//!
//! An arrow runs from a file to the one that defines what it names. `mod` and `pub use` draw none: they only
//! hand names on, so a path through them leads to where the name is defined. Tests are left out.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{self, Module, Path};
use super::{TextFile, assert_none, text_files};

/// One crate's modules, by their paths below `crate`.
pub(super) struct Crate(BTreeMap<Path, (String, Module)>);

/// File to the files that it names, each with one of the paths that lead there.
pub(super) type Arrows = BTreeMap<String, BTreeMap<String, Path>>;

#[test]
fn no_circle_between_files() {
    let files = text_files();
    let mut problems = Vec::new();
    for folder in folders(&files) {
        problems.extend(circles(&arrows(&Crate::of(&folder, &files))));
    }
    assert_none(&problems);
}

#[test]
fn circles_are_found() {
    let check = |tree: &[(&str, &str)], expected: &[&str]| {
        let files: Vec<TextFile> = tree
            .iter()
            .map(|(path, text)| TextFile { path: format!("c/src/{path}"), text: (*text).to_owned() })
            .collect();
        let found = circles(&arrows(&Crate::of("c", &files)));
        assert_eq!(found.len(), expected.len(), "{tree:?}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{tree:?}: {found}");
        }
    };
    let root = ("lib.rs", "mod a; mod b; pub use a::A;");
    check(&[root, ("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", "pub struct B;")], &[]);
    check(
        &[root, ("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", "pub struct B(super::A);")],
        &["c/src/a.rs, c/src/b.rs:"],
    );
    // A path through a face leads to where the name is defined.
    check(
        &[
            ("lib.rs", "mod a;"),
            ("a/mod.rs", "mod x; mod y; pub use x::X;"),
            ("a/x.rs", "use super::y::{self, Y}; pub struct X(y::Z);"),
            ("a/y.rs", "pub struct Y; pub struct Z; fn y(x: &super::X) {}"),
        ],
        &["c/src/a/x.rs, c/src/a/y.rs:"],
    );
    // A parent that uses its child, which uses the parent.
    check(
        &[("lib.rs", "mod a; pub struct P; fn p() { a::run() }"), ("a.rs", "use super::*; pub fn run() {}")],
        &["c/src/a.rs, c/src/lib.rs:"],
    );
    // Neither comments, literals nor tests draw arrows.
    check(
        &[
            root,
            ("a.rs", "use crate::b::B; pub struct A;"),
            (
                "b.rs",
                "// crate::a::A\npub const B: &str = \"crate::a::A\"; #[cfg(test)] mod t { use crate::A; }",
            ),
        ],
        &[],
    );
}

/// The folders with a `src` of Rust.
fn folders(files: &[TextFile]) -> BTreeSet<String> {
    let sources = files.iter().filter(|file| file.is("rs"));
    sources.filter_map(|file| Some(file.path.split_once("/src/")?.0.to_owned())).collect()
}

impl Crate {
    pub(super) fn of(folder: &str, files: &[TextFile]) -> Self {
        let mut modules: BTreeMap<Path, (String, Module)> = files
            .iter()
            .filter_map(|file| {
                let inside = file.path.strip_prefix(folder)?.strip_prefix("/src/")?.strip_suffix(".rs")?;
                Some((module_path(inside), (file.path.clone(), modules::read(&file.text))))
            })
            .collect();
        let tests: Vec<Path> = modules
            .iter()
            .flat_map(|(path, (_, module))| module.tests.iter().map(|name| joined(path, name)))
            .collect();
        modules.retain(|path, _| !tests.iter().any(|test| path.starts_with(test)));
        Self(modules)
    }

    /// The file that defines what `path` names in the module `at`; none for other crates and whole modules.
    fn definition(&self, at: &Path, path: &[String], n_hops: usize) -> Option<&str> {
        let (first, rest) = path.split_first()?;
        let (file, module) = self.0.get(at)?;
        let child = joined(at, first);
        let next = match first.as_str() {
            "crate" => Path::new(),
            "self" => at.clone(),
            "super" => at.split_last()?.1.to_vec(),
            _ if self.0.contains_key(&child) => child,
            _ if module.defines.contains(first) => return Some(file),
            _ => return self.imported(at, path, n_hops.checked_sub(1)?),
        };
        if rest == ["*"] {
            return Some(&self.0.get(&next)?.0);
        }
        self.definition(&next, rest, n_hops)
    }

    /// As [`Self::definition`], of a name that the module `at` imports.
    fn imported(&self, at: &Path, path: &[String], n_hops: usize) -> Option<&str> {
        let (_, module) = self.0.get(at)?;
        let through = |(name, from): &(String, Path)| match name.as_str() {
            "*" => Some([from.as_slice(), path].concat()),
            _ if *name == path[0] => Some([from.as_slice(), &path[1..]].concat()),
            _ => None,
        };
        module.imports.iter().filter_map(through).find_map(|path| self.definition(at, &path, n_hops))
    }
}

/// `a/b` and `a/b/mod` hold the module `a::b`, `lib` and `main` the root.
fn module_path(inside: &str) -> Path {
    let mut path: Path = inside.split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") || ["lib", "main"].contains(&inside) {
        path.pop();
    }
    path
}

fn joined(path: &Path, name: &str) -> Path {
    path.iter().cloned().chain([name.to_owned()]).collect()
}

pub(super) fn arrows(of: &Crate) -> Arrows {
    const MAX_HOPS: usize = 8;
    let mut arrows = Arrows::new();
    for (at, (file, module)) in &of.0 {
        for path in &module.names {
            if let Some(to) = of.definition(at, path, MAX_HOPS).filter(|to| to != file) {
                arrows.entry(file.clone()).or_default().entry(to.to_owned()).or_insert_with(|| path.clone());
            }
        }
    }
    arrows
}

/// Each circle once: its files, and the arrows between them.
fn circles(arrows: &Arrows) -> Vec<String> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|file| (file.as_str(), reachable(file, arrows))).collect();
    let returns = |from: &str, to: &str| reached.get(from).is_some_and(|reached| reached.contains(to));
    let circle = |file: &&str| -> Vec<&str> {
        reached.keys().copied().filter(|other| returns(file, other) && returns(other, file)).collect()
    };
    let circles: BTreeSet<Vec<&str>> = reached.keys().map(circle).filter(|files| !files.is_empty()).collect();
    circles.iter().map(|files| told(files, arrows)).collect()
}

fn reachable<'a>(file: &'a str, arrows: &'a Arrows) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = vec![file];
    while let Some(file) = open.pop() {
        let next = arrows.get(file).into_iter().flat_map(BTreeMap::keys);
        open.extend(next.map(String::as_str).filter(|next| found.insert(*next)));
    }
    found
}

fn told(files: &[&str], arrows: &Arrows) -> String {
    let mut text = format!("{}:", files.join(", "));
    for from in files {
        for (to, path) in arrows[*from].iter().filter(|(to, _)| files.contains(&to.as_str())) {
            text += &format!("\n    {from} -> {to}: {}", path.join("::"));
        }
    }
    text
}

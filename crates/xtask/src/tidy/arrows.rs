//! The arrows between crates: `ARCHITECTURE.md` says what the manifests say, and the star stays shallow.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use serde_json::Value;

use crate::command::{cargo, root};

/// Crate name without `lanner-` to what it depends on.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Crates in the longest chain of dependencies.
const LONGEST_CHAIN: usize = 5;

#[test]
fn architecture_page_lists_the_real_arrows() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let drawn = arrows_in_table(&page);
    let real = arrows_in_manifests();
    for name in drawn.keys().chain(real.keys()) {
        assert_eq!(
            drawn.get(name),
            real.get(name),
            "crate `{name}`: the table in ARCHITECTURE.md (left) differs from its manifest (right)"
        );
    }
}

#[test]
fn chains_stay_short() {
    let arrows = arrows_in_manifests();
    let longest = arrows.keys().map(|name| chain(name, &arrows)).max_by_key(Vec::len).unwrap_or_default();
    assert!(longest.len() <= LONGEST_CHAIN, "more than {LONGEST_CHAIN} crates: {}", longest.join(" -> "));
}

#[test]
fn tables_are_read() {
    let arrows = arrows_in_table(
        "| Crate | One line | Depends on |\n| --- | --- | --- |\n| `a` | x | `b`, c |\n| `b` | y | – |\n\n| `z` | - | a |",
    );
    assert_eq!(arrows, Arrows::from([("a".to_owned(), set(&["b", "c"])), ("b".to_owned(), set(&[]))]));
    assert_eq!(chain("a", &arrows).len(), 2);
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The rows of the table whose heading ends in "Depends on".
fn arrows_in_table(page: &str) -> Arrows {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    page.lines()
        .skip_while(|line| cells(line).last().is_none_or(|last| last != "Depends on"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| match cells(line).as_slice() {
            [name, _, needs] => {
                let needs = needs.split(',').map(str::trim).filter(|need| !["–", ""].contains(need));
                Some((name.clone(), needs.map(str::to_owned).collect()))
            }
            _ => None,
        })
        .collect()
}

/// What the manifests say, without dependencies that only tests use.
fn arrows_in_manifests() -> Arrows {
    packages().iter().map(|package| (short_name(&package["name"]), needs(package))).collect()
}

fn needs(package: &Value) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().cloned().unwrap_or_default();
    let ours = |dependency: &&Value| dependency["path"].is_string() && dependency["kind"] != "dev";
    dependencies.iter().filter(ours).map(|dependency| short_name(&dependency["name"])).collect()
}

fn short_name(name: &Value) -> String {
    let name = name.as_str().unwrap_or_default();
    name.strip_prefix("lanner-").unwrap_or(name).to_owned()
}

/// The packages of this workspace, as `cargo metadata` tells of them.
pub(super) fn packages() -> Vec<Value> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().cloned().unwrap()
}

/// The longest chain of dependencies that begins at `name`. Cargo allows no cycles.
fn chain(name: &str, arrows: &Arrows) -> Vec<String> {
    let below = arrows.get(name).into_iter().flatten();
    let longest = below.map(|need| chain(need, arrows)).max_by_key(Vec::len).unwrap_or_default();
    std::iter::once(name.to_owned()).chain(longest).collect()
}

//! What is linked into the program, and a bill of it in the format `CycloneDX` 1.5.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::command::{cargo, output, root};

/// What cargo knows of the program and of everything it stands on.
pub(super) fn metadata() -> Result<Value, String> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    // What other systems need is not in this package; cargo leaves it out.
    command.args(["--filter-platform", "x86_64-unknown-linux-gnu"]).current_dir(root());
    serde_json::from_str(&output(&mut command)?).map_err(|error| format!("cargo metadata: {error}"))
}

/// One crate that is linked into the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Linked {
    pub(super) name: String,
    pub(super) version: String,
    /// As its manifest says, such as `MIT OR Apache-2.0`.
    pub(super) licence: String,
    pub(super) repository: String,
    /// Its `Cargo.toml`.
    pub(super) manifest: String,
    /// The names and versions of what it needs.
    needs: Vec<(String, String)>,
}

/// What is linked into the package `lanner`, in order of names: not what only tests or builds need, and not what is ours.
pub(super) fn linked(metadata: &Value) -> Vec<Linked> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package)))
        .collect();
    let needs: BTreeMap<&str, Vec<&str>> = list(&metadata["resolve"]["nodes"])
        .iter()
        .filter_map(|node| Some((node["id"].as_str()?, needed(node))))
        .collect();
    let program = packages.iter().find(|(_, package)| package["name"] == "lanner").map(|(id, _)| *id);
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = program.into_iter().collect();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            open.extend(needs.get(id).into_iter().flatten());
        }
    }
    let named =
        |id: &&str| packages.get(id).map(|package| (text(&package["name"]), text(&package["version"])));
    let others = found.iter().filter_map(|id| Some((*id, *packages.get(id)?)));
    let mut linked: Vec<Linked> = others
        // Ours have no source: they lie in this repository.
        .filter(|(_, package)| !package["source"].is_null())
        .map(|(id, package)| Linked {
            name: text(&package["name"]),
            version: text(&package["version"]),
            licence: text(&package["license"]),
            repository: text(&package["repository"]),
            manifest: text(&package["manifest_path"]),
            needs: needs.get(id).into_iter().flatten().filter_map(named).collect(),
        })
        .collect();
    linked.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    linked
}

/// The ids of what a package needs when it runs: dependencies of no kind are those.
fn needed(node: &Value) -> Vec<&str> {
    let is_linked = |needed: &&Value| list(&needed["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
    list(&node["deps"]).iter().filter(is_linked).filter_map(|needed| needed["pkg"].as_str()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The bill of materials of a version of the program.
pub(super) fn of(metadata: &Value, version: &str) -> String {
    let linked = linked(metadata);
    let of_name = |name: &str, version: &str| format!("pkg:cargo/{name}@{version}");
    let component = |crate_: &Linked| {
        json!({
            "type": "library", "bom-ref": of_name(&crate_.name, &crate_.version), "name": crate_.name,
            "version": crate_.version, "purl": of_name(&crate_.name, &crate_.version),
            // Before SPDX had a word for it, people wrote a stroke for "or".
            "licenses": [{ "expression": crate_.licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ") }],
        })
    };
    let depends = |crate_: &Linked| {
        let on: Vec<String> = crate_.needs.iter().map(|(name, version)| of_name(name, version)).collect();
        json!({ "ref": of_name(&crate_.name, &crate_.version), "dependsOn": on })
    };
    let bill = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": of_name("lanner", version), "name": "lanner", "version": version,
                "licenses": [{ "expression": "Apache-2.0" }],
            },
        },
        "components": linked.iter().map(component).collect::<Vec<_>>(),
        "dependencies": linked.iter().map(depends).collect::<Vec<_>>(),
    });
    format!("{bill:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_linked_is_on_the_bill() {
        let package = |id: &str, source: Value| json!({ "id": id, "name": id, "version": "1.0.0", "license": "MIT / Apache-2.0", "source": source });
        let needs = |on: &str, kind: Value| json!({ "pkg": on, "dep_kinds": [{ "kind": kind }] });
        let registry = || json!("registry+https://example.org");
        let metadata = json!({
            "packages": [
                package("lanner", Value::Null), package("ours", Value::Null), package("b", registry()),
                package("a", registry()), package("tests", registry()), package("builds", registry()),
                package("others", registry()),
            ],
            "resolve": { "nodes": [
                { "id": "lanner", "deps": [needs("ours", Value::Null), needs("tests", json!("dev"))] },
                { "id": "ours", "deps": [needs("b", Value::Null), needs("builds", json!("build"))] },
                { "id": "b", "deps": [needs("a", Value::Null)] },
                { "id": "others", "deps": [] },
            ]},
        });
        let names: Vec<String> = linked(&metadata).into_iter().map(|linked| linked.name).collect();
        assert_eq!(names, ["a", "b"]);
        let bill: Value = serde_json::from_str(&of(&metadata, "2.0.0")).unwrap();
        assert_eq!(bill["components"][1]["purl"], "pkg:cargo/b@1.0.0");
        assert_eq!(bill["components"][1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["dependencies"][1]["dependsOn"], json!(["pkg:cargo/a@1.0.0"]));
    }
}

//! Every crate's manifest: the shared lints, the shared licence, the folder's name, no version of its own.

use std::path::Path;

use serde_json::Value;

use super::{arrows, assert_none};

#[test]
fn manifests_share_what_is_shared() {
    let packages = arrows::packages();
    assert_none(&packages.iter().flat_map(problems).collect::<Vec<_>>());
}

fn problems(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let path = Path::new(package["manifest_path"].as_str().unwrap_or_default());
    let manifest = std::fs::read_to_string(path).unwrap();
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();

    let mut problems = Vec::new();
    let mut require = |kept: bool, what: &str| {
        if !kept {
            problems.push(format!("crates/{folder}/Cargo.toml: {what}"));
        }
    };
    require(name.trim_start_matches("lanner-") == folder, "folder and crate have different names");
    require(manifest.contains("[lints]\nworkspace = true"), "write [lints] workspace = true");
    for shared in ["version", "edition", "rust-version", "license", "publish"] {
        let line = format!("{shared}.workspace = true");
        require(manifest.lines().any(|found| found == line), &format!("write {line}"));
    }
    require(package["license"] == "Apache-2.0", "the licence is not Apache-2.0");
    require(package["publish"].is_array(), "could be published by mistake");
    require(package["description"].is_string(), "has no description");
    let own_versions = package["dependencies"].as_array().into_iter().flatten().filter(|dependency| {
        let dependency = dependency["name"].as_str().unwrap_or_default();
        !manifest.lines().any(|line| {
            line.starts_with(&format!("{dependency}.workspace = true"))
                || line.starts_with(&format!("{dependency} = {{ workspace = true"))
        })
    });
    for dependency in own_versions {
        require(false, &format!("take {} from the workspace", dependency["name"]));
    }
    problems
}

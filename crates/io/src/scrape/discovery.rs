//! Targets in files, as Prometheus' `file_sd_configs` have them: lists of `{ targets: [...], labels: {...} }`, in JSON or YAML.

use std::path::{Path, PathBuf};

use lanner_core::document::{Check, Node};
use lanner_core::field::{Field, Type};
use lanner_core::glob;
use lanner_core::reading::{text, texts};

use super::target::{Target, check_address};

/// The fields of a group in a file.
const GROUP: &[Field] = &[
    Field::new("targets", "[\"10.0.0.1:9100\"]", "addresses").of(Type::List(&Type::Text)).required(),
    Field::new("labels", "{ zone: a }", "labels").of(Type::ByName(&Type::Text)),
];

/// A larger file is not read.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// The targets in the files of these patterns, and what is wrong with those that cannot be read. Blocks.
/// - `labels`: those of the job
pub(super) fn targets(
    job: &str,
    patterns: &[PathBuf],
    labels: &[(String, String)],
) -> (Vec<Target>, Vec<String>) {
    let (mut targets, mut problems) = (Vec::new(), Vec::new());
    for pattern in patterns {
        let files = match files(pattern) {
            Ok(files) => files,
            Err(why) => {
                problems.push(why);
                continue;
            }
        };
        for file in files {
            match read(&file).and_then(|text| parse(&text, job, labels)) {
                Ok(found) => targets.extend(found),
                Err(why) => problems.push(format!("{}: {why}", file.display())),
            }
        }
    }
    (targets, problems)
}

/// The files that a pattern names; its last part may hold `*`.
fn files(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !name.contains('*') {
        return Ok(vec![pattern.to_owned()]);
    }
    let folder = pattern.parent().unwrap_or(Path::new("/"));
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let matches = |path: &PathBuf| {
        path.file_name().and_then(|found| found.to_str()).is_some_and(|found| glob::matches(name, found))
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(matches).collect();
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MAX_FILE_BYTES {
        return Err("is larger than 16 MiB".to_owned());
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

/// The targets that a text lists; all of them or, if something is wrong, none.
fn parse(text_of_file: &str, job: &str, labels: &[(String, String)]) -> Result<Vec<Target>, String> {
    let node = Node::from_yaml(text_of_file).map_err(|problem| problem.to_string())?;
    let (mut check, mut targets) = (Check::default(), Vec::new());
    for (at, group) in check.items(&node).into_iter().enumerate() {
        let Some(mut fields) = check.map(group, &format!("[{at}]")) else { continue };
        let addresses = fields.require("targets", "[\"10.0.0.1:9100\"]", &mut check);
        let own = fields.get("labels").map(|node| texts(node, "labels", &mut check)).unwrap_or_default();
        for node in addresses.map(|node| check.items(node)).unwrap_or_default() {
            match text(node).and_then(|address| check_address(&address).map(|()| address)) {
                Ok(address) => {
                    let own = own.iter().map(|(name, value)| (name.name.clone(), value.clone()));
                    targets.push(Target::new(job, &address, labels.iter().cloned().chain(own)));
                }
                Err(why) => check.problem(node, "targets", why),
            }
        }
        fields.finish_of(GROUP, &mut check);
    }
    match check.problems.first() {
        None => Ok(targets),
        Some(problem) => Err(problem.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(targets: &[Target]) -> Vec<String> {
        targets.iter().map(|target| format!("{} {}", target.address, target.labels)).collect()
    }

    #[test]
    fn files_are_read_as_prometheus_does() {
        #[track_caller]
        fn check(text: &str, expected: Result<&[&str], &str>) {
            let job = [("site".to_owned(), "berlin".to_owned())];
            match (parse(text, "node", &job), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(shown(&found), expected, "{text}"),
                (Err(why), Err(part)) => assert!(why.contains(part), "{text}: {why}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
        let a = r#"a:9100 {instance="a:9100",job="node",site="berlin"}"#;
        check("- targets: [ 'a:9100' ]\n", Ok(&[a]));
        check(
            r#"[{"targets": ["a:9100", "[::1]:1"], "labels": {"zone": "x", "site": "hamburg", "__meta": "y"}}]"#,
            Ok(&[
                r#"a:9100 {instance="a:9100",job="node",site="hamburg",zone="x"}"#,
                r#"[::1]:1 {instance="[::1]:1",job="node",site="hamburg",zone="x"}"#,
            ]),
        );
        check("[]", Ok(&[]));
        check("- targets: [ 'http://a:9100/metrics' ]", Err("is no target"));
        check("- target: [ 'a:9100' ]", Err("\"targets\" is missing"));
        check("- targets: [ 'a:9100'", Err(""));
        check("rubbish", Err("map"));
    }

    #[test]
    fn patterns_name_files_of_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("b.json", r#"[{"targets": ["b:1"]}]"#);
        write("a.yaml", "- targets: ['a:1']");
        write("c.yaml", "- targets: 'c:1'");
        write("bad.yaml", "- targets: [x y]");
        write("readme.txt", "not a list");
        let patterns = ["*.json", "?.yaml", "*.yaml", "none.yaml"].map(|name| folder.path().join(name));
        let (found, problems) = targets("j", &patterns, &[]);
        let addresses: Vec<&str> = found.iter().map(|target| target.address.as_str()).collect();
        assert_eq!(addresses, ["b:1", "a:1", "c:1"]);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[1].contains("bad.yaml") && problems[2].contains("none.yaml"), "{problems:?}");
    }
}

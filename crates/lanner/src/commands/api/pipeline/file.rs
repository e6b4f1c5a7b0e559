//! The file of steps.

use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use lanner_core::Node;
use lanner_core::document::{Check, Fields, Problems};
use lanner_core::reading::text;
use lanner_core::time::parse_duration_ms;
use lanner_traffic::log::LogFormat;

use super::super::examples::{AimName, Learning};
use super::super::log::Key;
use crate::failure::{Failure, Result};

const STEPS: [&str; 5] = ["parse", "templates", "features", "learn", "evaluate"];

/// The steps, with their settings. Files are named from the folder of the file.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) log: PathBuf,
    pub(super) log_format: Option<String>,
    pub(super) key: Key,
    pub(super) openapi: Option<PathBuf>,
    pub(super) labels: PathBuf,
    pub(super) idle_ms: i64,
    pub(super) learning: Learning,
    /// Where the model is written as well.
    pub(super) output: Option<PathBuf>,
    /// Another log, and its labels.
    pub(super) evaluate: Option<(PathBuf, PathBuf)>,
}

impl Pipeline {
    /// Reads a file; tells everything that is wrong with it.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let content = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&content, folder).map_err(|problems| {
            let lines = problems.0.iter().map(|problem| format!("{}: {problem}", path.display()));
            Failure::user(lines.collect::<Vec<_>>().join("\n"))
                .hint("`lanner api pipeline --help` shows such a file")
        })
    }

    fn parse(content: &str, folder: &Path) -> std::result::Result<Self, Problems> {
        let node = Node::from_yaml(content).map_err(|problem| Problems(vec![problem]))?;
        let mut check = Check::default();
        let read = steps(&node, folder, &mut check);
        match read {
            Some(pipeline) if check.problems.is_empty() => Ok(pipeline),
            _ => Err(Problems(check.problems)),
        }
    }
}

fn steps(node: &Node, folder: &Path, check: &mut Check) -> Option<Pipeline> {
    let mut fields = check.map(node, "")?;
    let steps =
        fields.require("steps", "{ parse: { log: access.log }, features: { labels: labels.csv } }", check);
    fields.finish(&["steps"], check);
    let mut fields = check.map(steps?, "steps")?;
    let file = |fields: &mut Fields<'_>, name: &str, check: &mut Check| {
        fields.read(name, check, text).map(|name| folder.join(name))
    };
    let required = |fields: &mut Fields<'_>, name: &str, example: &str, check: &mut Check| {
        fields.require(name, example, check);
        file(fields, name, check)
    };
    let parse = fields.require("parse", "{ log: access.log }", check);
    let parsed = parse.and_then(|node| {
        let mut parse = check.map(node, "steps.parse")?;
        let log = required(&mut parse, "log", "access.log", check);
        let form = parse.read("log_format", check, log_format);
        let key = parse.read("key", check, key).unwrap_or_default();
        parse.finish(&["log", "log_format", "key"], check);
        Some((log?, form, key))
    });
    let openapi = fields.get("templates").and_then(|node| {
        let mut templates = check.map(node, "steps.templates")?;
        let openapi = file(&mut templates, "openapi", check);
        templates.finish(&["openapi"], check);
        openapi
    });
    let labelled = fields.require("features", "{ labels: labels.csv }", check).and_then(|node| {
        let mut features = check.map(node, "steps.features")?;
        let labels = required(&mut features, "labels", "labels.csv", check);
        let idle_ms = features.read("idle", check, duration_ms).unwrap_or(30 * 60_000);
        features.finish(&["labels", "idle"], check);
        Some((labels?, idle_ms))
    });
    let (learning, output) = match fields.get("learn") {
        Some(node) => learning(node, folder, check),
        None => (Learning::default(), None),
    };
    let evaluate = fields.get("evaluate").and_then(|node| {
        let mut evaluate = check.map(node, "steps.evaluate")?;
        let log = required(&mut evaluate, "log", "tomorrow.log", check);
        let labels = required(&mut evaluate, "labels", "tomorrow.csv", check);
        evaluate.finish(&["log", "labels"], check);
        Some((log?, labels?))
    });
    fields.finish(&STEPS, check);
    let ((log, log_format, key), (labels, idle_ms)) = (parsed?, labelled?);
    Some(Pipeline { log, log_format, key, openapi, labels, idle_ms, learning, output, evaluate })
}

fn learning(node: &Node, folder: &Path, check: &mut Check) -> (Learning, Option<PathBuf>) {
    let mut how = Learning::default();
    let Some(mut fields) = check.map(node, "steps.learn") else { return (how, None) };
    let whole = |low: f64, high: f64| {
        move |node: &Node| {
            let found = node.number().filter(|n| n.fract() == 0.0 && (low..=high).contains(n));
            found.ok_or_else(|| format!("should be a whole number from {low} to {high}"))
        }
    };
    let above = |node: &Node| {
        let found = node.number().filter(|number| *number > 0.0 && number.is_finite());
        found.ok_or_else(|| "should be a number above 0".to_owned())
    };
    let aim = |node: &Node| {
        AimName::from_str(&text(node)?, false).map_err(|_| "should be f1, cost or alarms".to_owned())
    };
    how.aim = fields.read("aim", check, aim).unwrap_or(how.aim);
    how.alarms_per_day = fields.read("alarms_per_day", check, above).unwrap_or(how.alarms_per_day);
    how.miss_cost = fields.read("miss_cost", check, above).unwrap_or(how.miss_cost);
    how.trees = fields.read("trees", check, whole(1.0, 10_000.0)).map_or(how.trees, |n| n as usize);
    how.tune = fields.read("tune", check, whole(1.0, 1_000.0)).map_or(how.tune, |n| n as u16);
    how.seed = fields.read("seed", check, whole(0.0, 1e15)).map_or(how.seed, |n| n as u64);
    let output = fields.read("output", check, text).map(|name| folder.join(name));
    fields.finish(&["aim", "alarms_per_day", "miss_cost", "trees", "tune", "seed", "output"], check);
    (how, output)
}

fn log_format(node: &Node) -> std::result::Result<String, String> {
    let text = text(node)?;
    LogFormat::parse(&text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn key(node: &Node) -> std::result::Result<Key, String> {
    Key::from_str(&text(node)?, false).map_err(|_| {
        let names: Vec<String> = Key::value_variants().iter().map(Key::name).collect();
        format!("should be one of {}", names.join(", "))
    })
}

fn duration_ms(node: &Node) -> std::result::Result<i64, String> {
    parse_duration_ms(&text(node)?).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_steps() {
        let whole = "steps:
  parse: { log: a.log, log_format: combined, key: session }
  templates: { openapi: o.yaml }
  features: { labels: l.csv, idle: 10m }
  learn: { aim: alarms, alarms_per_day: 5, trees: 60, tune: 3, seed: 7, output: m.json }
  evaluate: { log: b.log, labels: m.csv }";
        let read = Pipeline::parse(whole, Path::new("x")).unwrap();
        assert_eq!((read.log, read.openapi), (PathBuf::from("x/a.log"), Some(PathBuf::from("x/o.yaml"))));
        assert_eq!(
            (read.key, read.idle_ms, read.output),
            (Key::Session, 600_000, Some(PathBuf::from("x/m.json")))
        );
        let Learning { aim, alarms_per_day, trees, tune, seed, .. } = read.learning;
        assert_eq!((aim, alarms_per_day, trees, tune, seed), (AimName::Alarms, 5.0, 60, 3, 7));
        assert_eq!(read.evaluate, Some((PathBuf::from("x/b.log"), PathBuf::from("x/m.csv"))));
        assert!(
            Pipeline::parse("steps: { parse: { log: a }, features: { labels: b } }", Path::new("")).is_ok()
        );
    }

    #[test]
    fn everything_wrong_is_told() {
        #[track_caller]
        fn check(content: &str, expected: &[&str]) {
            let told = Pipeline::parse(content, Path::new("")).unwrap_err().to_string();
            assert!(expected.iter().all(|part| told.contains(part)), "{told}");
        }
        check("[]", &["map"]);
        check("steps: {}", &["\"parse\" is missing", "\"features\" is missing"]);
        check(
            "steps: { parse: { log: a, key: cookie }, features: { labels: b, idle: soon }, learn: { trees: 0, aim: best, sed: 1 }, evaluat: {} }",
            &[
                "client-agent",
                "idle",
                "steps.learn.trees",
                "f1, cost or alarms",
                "\"sed\"",
                "did you mean \"evaluate\"",
            ],
        );
        check(
            "steps: { parse: { log: a, log_format: '$nothing' }, features: { labels: b } }",
            &["steps.parse.log_format"],
        );
        check(
            "steps: { parse: { log: a }, features: { labels: b }, evaluate: { log: c } }",
            &["\"labels\" is missing"],
        );
    }
}

//! `lanner switch import`: converts flags and rules of other programs to switches.

use std::path::{Path, PathBuf};

use lanner_conditions::import::{Case, Flag, Release, Variant, flagd, rule_engine};
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Outcome, Result, remark};
use crate::{files, output};
use lanner_core::document::yaml;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File of flagd (JSON, or YAML by its name), or text with one rule of Python's `rule-engine` per line, with an optional
    /// `id: ` in front.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Release of `rule-engine` that the rules were written for; by default rules that the releases read differently are not
    /// imported.
    #[arg(long, value_name = "RELEASE")]
    rule_engine: Option<Written>,
}

/// The release that rules were written for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Written {
    /// Release 3
    #[value(name = "3")]
    Three,
    /// Release 5
    #[value(name = "5")]
    Five,
}

impl From<Written> for Release {
    fn from(written: Written) -> Self {
        match written {
            Written::Three => Self::Three,
            Written::Five => Self::Five,
        }
    }
}

/// The switches that a file comes to, and what of it does not, each with its place.
#[derive(Debug, Default)]
struct Imported {
    switches: Vec<Value>,
    problems: Vec<String>,
    /// What is to be known of the switches.
    notes: Vec<String>,
}

/// Writes the switches as YAML to standard output, and what could not be imported to standard error.
pub(super) fn run(args: &Args) -> Result<Outcome> {
    let text = files::read_text(&args.file)?;
    let is_named =
        |ending: &&str| args.file.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    let is_flagd = text.trim_start().starts_with('{') || ["json", "yaml", "yml"].iter().any(is_named);
    let release = args.rule_engine.map(Release::from);
    let mut imported = if is_flagd { of_flagd(&text)? } else { of_rules(&text, &args.file, release) };
    imported.check();
    let Imported { switches, problems, notes } = imported;
    if switches.is_empty() && problems.is_empty() {
        let hint = "write one rule per line, or use a file of flagd";
        return Err(Failure::user(format!("{} has nothing to import", args.file.display())).hint(hint));
    }
    for note in &notes {
        remark(&format!("{}: note: {note}", args.file.display()));
    }
    for problem in &problems {
        remark(&format!("{}: {problem}", args.file.display()));
    }
    output::text(&yaml(&json!({ "switches": switches })))?;
    if !is_flagd {
        remark(match release {
            None => {
                "the rules were read as releases 3 and 5 of rule-engine both read them; --rule-engine chooses one"
            }
            Some(Release::Three) => "the rules were read as release 3 of rule-engine reads them",
            Some(Release::Five) => "the rules were read as release 5 of rule-engine reads them",
        });
    }
    remark(&format!("imported switches: {}; problems: {}", switches.len(), problems.len()));
    Ok(Outcome::found(!problems.is_empty()))
}

fn of_flagd(text: &str) -> Result<Imported> {
    let file = flagd(text).map_err(|problem| Failure::user(problem.to_string()))?;
    let document = |flag: Flag| {
        let mut document = json!({ "id": flag.key });
        if let Some(description) = flag.description {
            document["description"] = description.into();
        }
        document["when"] = flag.when.to_string().into();
        // A flag of flagd blocks nothing; who wants it to takes this away.
        document["flag"] = values(&flag.on, &flag.cases, flag.off.as_ref(), flag.metadata);
        document["status"] = if flag.is_enabled { "active" } else { "inactive" }.into();
        document
    };
    Ok(Imported {
        switches: file.flags.into_iter().map(document).collect(),
        problems: file.problems.iter().map(ToString::to_string).collect(),
        notes: file.notes.iter().map(ToString::to_string).collect(),
    })
}

/// The values of a flag.
fn values(on: &Variant, cases: &[Case], off: Option<&Variant>, metadata: Map<String, Value>) -> Value {
    let mut flag = json!({ "on": on.value });
    let case = |Case { when, variant }: &Case| match variant {
        Some(Variant { name, value }) => json!({"when": when.to_string(), "value": value, "variant": name}),
        None => json!({ "when": when.to_string() }),
    };
    if !cases.is_empty() {
        flag["cases"] = cases.iter().map(case).collect();
    }
    let off_name = off.map_or("default", |off| off.name.as_str());
    if let Some(off) = off {
        flag["off"] = off.value.clone();
    }
    // A flag that is always the same has one name; two are wanted.
    let off_name = if off_name == on.name { "default" } else { off_name };
    flag["variants"] = json!([on.name, off_name]);
    if !metadata.is_empty() {
        flag["metadata"] = Value::Object(metadata);
    }
    flag
}

fn of_rules(text: &str, path: &Path, release: Option<Release>) -> Imported {
    let mut imported = Imported::default();
    let name = path.file_stem().map_or_else(|| "rule".into(), |stem| stem.to_string_lossy());
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (id, rule) = match line.split_once(": ").filter(|(id, _)| is_id(id)) {
            Some((id, rule)) => (id.to_owned(), rule),
            None => (format!("{name}-{}", at + 1), line),
        };
        match rule_engine(rule, release) {
            Ok(when) => {
                imported.switches.push(json!({ "id": id, "when": when.to_string(), "status": "active" }));
            }
            Err(problems) => {
                // Columns count from the start of the line.
                let before = line.len() - rule.len();
                imported.problems.extend(problems.into_iter().map(|mut problem| {
                    problem.column += before;
                    format!("line {}, {problem}", at + 1)
                }));
            }
        }
    }
    imported
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

impl Imported {
    /// Drops what a server would refuse, such as two switches of one name.
    fn check(&mut self) {
        let mut ids = std::collections::BTreeSet::new();
        let problems = &mut self.problems;
        self.switches.retain(|document| match lanner_switch::Switch::from_json(document) {
            Ok(switch) if !ids.insert(switch.id.to_string()) => {
                problems.push(format!("{}: a switch with that name already exists", switch.id));
                false
            }
            Ok(_) => true,
            Err(refused) => {
                problems.extend(refused.0.iter().map(ToString::to_string));
                false
            }
        });
    }
}

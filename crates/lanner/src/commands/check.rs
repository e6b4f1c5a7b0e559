//! `lanner check`: reports every problem in configuration files at once.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use lanner_conditions::Condition;
use lanner_engine::document::Position;
use lanner_engine::lookback;
use lanner_switch::Switch;
use serde::Serialize;

use crate::failure::{Outcome, Result, remark};
use crate::files::{self, Loaded, Located};
use crate::output::{self, ReportFormat};
use crate::problems::{self, ProblemLine};

/// Find every mistake in configuration files and test scripts.
///
/// Reports file, line, column and field of each, and what to write instead. Thresholds that can never be reached, and
/// versions compared as strings, are warnings. Secrets are not looked up, so files can be checked on a machine without
/// them. Files with rules of Falco are recognised, and read one after the other as Falco does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner check lanner.yaml
  lanner check /etc/lanner rules/*.yaml
  lanner check falco_rules.yaml falco_rules.local.yaml
  lanner check --format json lanner.yaml | jq '.problems[].message'

Exit codes: 0 without problems, 1 with, 2 when a file cannot be read.")]
pub(crate) struct Args {
    /// YAML files, or folders that contain them; read as one configuration.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

#[derive(Serialize)]
struct Report<'l> {
    valid: bool,
    files: Vec<String>,
    problems: Vec<ProblemLine<'l>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// Something that is allowed and hardly meant.
#[derive(Serialize)]
struct Warning {
    #[serde(flatten)]
    of: Of,
    field: String,
    message: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
}

/// Where something stands.
#[derive(Serialize)]
struct Place {
    file: String,
    #[serde(flatten)]
    at: Position,
}

/// What a warning is about, by its name.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Of {
    Rule(String),
    Switch(String),
    /// An item of a file with rules of Falco.
    Falco(String),
}

impl Display for Of {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(id) => write!(f, "rule {id}"),
            Self::Switch(id) => write!(f, "switch {id}"),
            Self::Falco(item) => f.write_str(item),
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let loaded = files::load(&args.paths)?;
    match args.format {
        ReportFormat::Json => output::json(&report(&loaded))?,
        ReportFormat::Text => {
            output::styled(&rendered(&loaded))?;
            for Warning { of, message, place, .. } in warnings(&loaded) {
                let place = place.map_or_else(String::new, |Place { file, at }| {
                    format!("{file}:{}:{}: ", at.line, at.column)
                });
                remark(&format!("{place}warning: {of}: {message}"));
            }
            remark(&summary(&loaded));
        }
    }
    Ok(Outcome::found(!loaded.problems.is_empty()))
}

/// Every problem, as [`problems::render`] shows it.
pub(crate) fn rendered(loaded: &Loaded) -> String {
    let render = |Located { file, problem }: &Located| {
        let file = &loaded.files[*file];
        problems::render(&file.path, &file.text, problem)
    };
    loaded.problems.iter().map(render).collect()
}

/// How many problems and files there are, for people.
pub(crate) fn summary(loaded: &Loaded) -> String {
    let n_files = count(loaded.files.len(), "file");
    match loaded.problems.len() {
        0 => {
            let n_falco = count(loaded.falco.n_rules, "rule");
            if loaded.falco.is_some() && !loaded.has_configuration() {
                return format!("{n_files} without problems: {n_falco} of Falco");
            }
            let n_falco =
                if loaded.falco.is_some() { format!(", {n_falco} of Falco") } else { String::new() };
            let n_rules = count(loaded.config.rules.len(), "rule");
            let n_processors = match loaded.config.processors.len() {
                0 => String::new(),
                n => format!(", {}", count(n, "processor")),
            };
            let n_receivers = count(loaded.config.receivers.len(), "receiver");
            let n_switches = match loaded.config.switches.len() {
                0 => String::new(),
                n => format!(", {n} switch{}", if n == 1 { "" } else { "es" }),
            };
            let n_silences = match loaded.config.silences.len() {
                0 => String::new(),
                n => format!(", {}", count(n, "silence")),
            };
            format!(
                "{n_files} without problems: {n_rules}{n_processors}, {n_receivers}{n_switches}{n_silences}{n_falco}"
            )
        }
        n => format!("{} in {n_files}", count(n, "problem")),
    }
}

/// Limits of rules that can never be reached, and conditions that are hardly meant.
fn warnings(loaded: &Loaded) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for rule in &loaded.config.rules {
        let of = || Of::Rule(rule.id.to_string());
        let unreachable = lookback::unreachable(rule, None).into_iter();
        warnings.extend(unreachable.map(|found| Warning {
            of: of(),
            field: found.field,
            message: found.message,
            place: None,
        }));
        let field = if rule.query.kind() == "stream" { "query.where" } else { "query.of" };
        for condition in rule.query.streams().iter().filter_map(|query| query.condition.as_ref()) {
            warnings.extend(of_condition(of, field, condition));
        }
    }
    for switch in loaded.config.switches.iter().filter_map(|node| Switch::check(node, "").ok()) {
        let of = || Of::Switch(switch.id.to_string());
        warnings.extend(of_condition(of, "when", &switch.condition));
    }
    warnings.extend(loaded.falco.warnings.iter().map(|(file, remark)| Warning {
        of: Of::Falco(remark.item.clone()),
        field: remark.code.name().to_owned(),
        message: match &remark.hint {
            Some(hint) => format!("{}; {hint}", remark.message),
            None => remark.message.clone(),
        },
        place: remark.at.map(|at| Place { file: loaded.files[*file].path.display().to_string(), at }),
    }));
    warnings
}

fn of_condition(of: impl Fn() -> Of, field: &str, condition: &Condition) -> Vec<Warning> {
    let warning = |message| Warning { of: of(), field: field.to_owned(), message, place: None };
    condition.warnings().into_iter().map(warning).collect()
}

/// `1 file`, `2 files`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn report(loaded: &Loaded) -> Report<'_> {
    let name = |file: usize| loaded.files[file].path.display().to_string();
    Report {
        valid: loaded.problems.is_empty(),
        files: (0..loaded.files.len()).map(name).collect(),
        problems: loaded
            .problems
            .iter()
            .map(|Located { file, problem }| ProblemLine { file: name(*file), problem })
            .collect(),
        warnings: warnings(loaded),
    }
}

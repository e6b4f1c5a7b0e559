//! `lanner test`: tests rules against written samples, events and expected states.

use std::path::{Path, PathBuf};

use lanner_engine::document::Position;
use lanner_engine::processor::Processors;
use lanner_engine::script::Script;
use lanner_engine::{Problem, Problems};
use serde::Serialize;
use serde_json::Value;

use super::check;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::files;
use crate::output::{self, ReportFormat};
use crate::problems;

/// Run test scripts: written data in, expected states out.
///
/// A script names its rule files, relative to itself. It needs no server and sends nothing; the engine is the one that
/// runs live.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner test payments.test.yaml
  lanner test tests/*.test.yaml
  lanner test --format json payments.test.yaml

A script:
  rules: [payments.yaml]
  tests:
    - name: a bank stops
      events:
        - { stream: payments, every: 10s, to: 30m, event: { bank: hsbc } }
      expect:
        - { at: 30m, rule: payments-floor, group: { bank: hsbc }, state: normal }
        - { at: 60m, rule: payments-floor, group: { bank: hsbc }, state: firing }

Exit codes: 0 when all hold, 1 when one does not, 2 when a script has problems.")]
pub(crate) struct Args {
    /// Test scripts.
    #[arg(required = true, value_name = "FILE")]
    scripts: Vec<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: ReportFormat,
}

/// One test that was run.
#[derive(Debug, Serialize)]
struct Ran {
    file: String,
    name: String,
    passed: bool,
    failures: Vec<Unmet>,
}

/// An expectation that did not hold.
#[derive(Debug, Serialize)]
struct Unmet {
    #[serde(flatten)]
    at: Option<Position>,
    message: String,
}

#[derive(Debug, Serialize)]
struct Report {
    tests: usize,
    failed: usize,
    results: Vec<Ran>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let mut results = Vec::new();
    for path in &args.scripts {
        let text = files::read_text(path)?;
        let ran = run_script(path, &text)?;
        if args.format == ReportFormat::Text {
            ran.iter().try_for_each(|ran| tell(path, &text, ran))?;
        }
        results.extend(ran);
    }
    let (tests, failed) = (results.len(), results.iter().filter(|ran| !ran.passed).count());
    match args.format {
        ReportFormat::Json => output::json(&Report { tests, failed, results })?,
        ReportFormat::Text if failed == 0 => remark(&format!("{} passed", check::count(tests, "test"))),
        ReportFormat::Text => remark(&format!("{failed} of {} failed", check::count(tests, "test"))),
    }
    Ok(Outcome::found(failed > 0))
}

fn run_script(path: &Path, text: &str) -> Result<Vec<Ran>> {
    let script = Script::from_yaml(text).map_err(|Problems(problems)| {
        let rendered: String = problems.iter().map(|problem| problems::render(path, text, problem)).collect();
        refused(&rendered, &format!("{} is not a script that can be run", path.display()))
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let rule_files: Vec<PathBuf> = script.rule_files.iter().map(|file| folder.join(file)).collect();
    let loaded = files::load(&rule_files)?;
    if !loaded.problems.is_empty() {
        let message = format!("the rules of {} have problems", path.display());
        return Err(refused(&check::rendered(&loaded), &message));
    }
    let config = loaded.config;
    let documents: Vec<Value> = config.rules.iter().map(lanner_engine::Rule::document).collect();
    let processors = Processors::new(config.processors);
    let ran = script.tests.iter().map(|test| {
        let (failures, _) = test.run(&documents, &processors, &config.routes, &config.inhibitions);
        let unmet = failures.into_iter().map(|failure| Unmet { at: failure.at, message: failure.message });
        let failures: Vec<Unmet> = unmet.collect();
        let passed = failures.is_empty();
        Ran { file: path.display().to_string(), name: test.name.clone(), passed, failures }
    });
    Ok(ran.collect())
}

/// Shows the problems, and ends with what they mean.
fn refused(rendered: &str, message: &str) -> Failure {
    match output::styled(rendered) {
        Ok(()) => Failure::user(message).hint("fix the problems above"),
        Err(failure) => failure,
    }
}

fn tell(path: &Path, text: &str, ran: &Ran) -> Result<()> {
    let Ran { file, name, passed, failures } = ran;
    output::line(&format!("{} {file}: {name}", if *passed { "ok    " } else { "FAILED" }))?;
    failures.iter().try_for_each(|Unmet { at, message }| {
        let problem = Problem { at: *at, path: String::new(), message: message.clone(), hint: None };
        output::styled(&problems::render(path, text, &problem))
    })
}

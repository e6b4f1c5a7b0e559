//! `lanner detector`: detectors that are trained on a table of usual rows, and look at all its columns together.
//!
//! Reading order: [`Args`]; then `table` (rows from files) with its `sheet` (of one series), `entities` (of several) and `spool` (too many for
//! memory); `train` with its `checkpoints`, `score`, `evaluate` with its `report` and `tsb` (a public benchmark),
//! `inspect` (what the commands do), `kept` (detectors as files), `limit` (how a threshold is set); `run` with its `run_args` and `rounds`, `manage` and `new` (use cases of ADBox).

mod checkpoints;
mod entities;
mod evaluate;
mod inspect;
mod kept;
mod limit;
mod manage;
mod new;
mod report;
mod rounds;
mod run;
mod run_args;
mod score;
mod sheet;
mod spool;
mod table;
mod telling;
mod train;
mod tsb;

use clap::Subcommand;

use crate::failure::{Outcome, Result};

/// Train detectors on tables of many columns, and find rows that are unusual as a whole.
///
/// A detector learns how the columns of a table go together and how they run, from rows that are mostly usual, at equal steps of
/// time. A score of 1 is its threshold, which is set by rows that it was not fitted on. docs/detectors.md says which
/// kinds there are and how well they work. Without training, `lanner detect` looks at each column alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner detector train last-month.csv --out web.detector
  lanner detector score web.detector today.csv
  lanner detector explain web.detector today.csv --at 2026-11-29T14:05Z")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a detector, and say how many alarms a day to expect.
    #[command(after_help = "\
Examples:
  lanner detector train last-month.csv --out web.detector
  lanner detector train week-1.csv week-2.csv --out web.detector --alarms-per-day 1
  lanner detector train wide.csv --value cpu --value memory --kind mahalanobis --out web.detector
  lanner detector train fleet.csv --by host --out web.detector                           one for each host
  lanner detector train last-month.csv --kind mtad-gat --epochs 10 --out web.detector    minutes to hours
  lanner detector train last-month.csv --kind mtad-gat --epochs 10 --out web.detector --resume    after it was interrupted")]
    Train(train::Args),
    /// List what is unusual in a table: from when to when, how much, and which columns contributed most.
    #[command(after_help = "\
Examples:
  lanner detector score web.detector today.csv
  lanner detector score web.detector today.csv --format json
  lanner detector score web.detector today.csv --scores scores.csv    a score for each row
  lanner detector score web.detector fleet.csv --entity web-1         of a set, only that of one host

Exit codes: 0 when nothing was found, 1 when something was, 2 for invalid input, 3 for a failure.")]
    Score(score::Args),
    /// Measure how well a detector finds known incidents, without choosing its threshold afterwards.
    #[command(mut_arg("files", |files| files.required(false)), after_help = "\
Examples:
  lanner detector evaluate web.detector labelled.csv --label is_anomaly
  lanner detector evaluate web.detector labelled.csv --label is_anomaly --html report.html
  lanner detector evaluate *.detector labelled.csv --label is_anomaly --format csv
  lanner detector evaluate --tsb-ad Datasets/TSB-AD-M --format csv > lanner.csv    the benchmark, in its own form")]
    Evaluate(evaluate::Args),
    /// Say what each column contributes to the score of one row.
    #[command(after_help = "\
Examples:
  lanner detector explain web.detector today.csv
  lanner detector explain web.detector today.csv --at 2026-11-29T14:05Z
  lanner detector explain web.detector rows-without-times.csv --at 812")]
    Explain(inspect::Explain),
    /// Show what a detector is, and the alarms a day to expect.
    #[command(after_help = "\
Examples:
  lanner detector show web.detector
  lanner detector show web.detector --format json")]
    Show(inspect::Show),
    /// Set another threshold, or let it go on otherwise; nothing is trained.
    #[command(after_help = "\
Examples:
  lanner detector limit web.detector --alarms-per-day 2 --out louder.detector
  lanner detector limit web.detector --risk 0.0001 --out quieter.detector
  lanner detector limit web.detector --risk 0.001 --follow drift --over 6h --out drifting.detector")]
    Limit(inspect::Limit),
    /// Run a use case of ADBox: train on the alerts of Wazuh, predict, or both.
    ///
    /// Use cases run as they are; mistakes are told with their lines. Detectors live in a folder, in JSON and safetensors. The modes batch and
    /// realtime go on until they are interrupted; what was missed meanwhile is judged with the next round. With --resume a run goes on that was
    /// interrupted, and nothing is lost or done twice.
    #[command(after_help = "\
Examples:
  lanner detector run uc_15.yaml --data alerts-2024-08.json.gz
  lanner detector run uc_15.yaml --url https://wazuh.example.test:9200 --user lanner    LANNER_WAZUH_PASSWORD holds the password
  lanner detector run uc_15.yaml --url https://wazuh.example.test:9200 --ship           results go into a data stream
  lanner detector run uc_*.yaml --url https://wazuh.example.test:9200 --resume          several, which go on after a restart

Exit codes: 0 when nothing was found, 1 when something was, 2 for invalid input, 3 for a failure.")]
    Run(run_args::Args),
    /// Write a use case: answer a few questions, or give options.
    ///
    /// On a terminal what no option says is asked for, with proposals from the alerts that --url or --data name. Elsewhere what is left out has its
    /// default, and --column is needed. What is written is checked first.
    #[command(after_help = "\
Examples:
  lanner detector new --url https://wazuh.example.test:9200 --user lanner
  lanner detector new --data alerts.json
  lanner detector new --column data.cpu_usage_%=average,max --column rule.level=count --entity agent.name=web --granularity 5min --out uc_15.yaml")]
    New(new::Args),
    /// List the detectors that use cases trained.
    #[command(after_help = "\
Examples:
  lanner detector list
  lanner detector list --detectors /var/lib/adbox --format json")]
    List(manage::List),
    /// Show the detector that predicts unless a use case names another.
    #[command(after_help = "\
Examples:
  lanner detector current")]
    Current(manage::List),
    /// Choose the detector that predicts unless a use case names another.
    #[command(after_help = "\
Examples:
  lanner detector select 2d36a80a")]
    Select(manage::One),
    /// Write a dashboard for what a detector sends, to be imported into OpenSearch Dashboards or Wazuh's.
    #[command(after_help = "\
Examples:
  lanner detector dashboard --out web.ndjson
  lanner detector dashboard 2d36a80a | curl -u admin -H 'osd-xsrf: true' -F 'file=@-;filename=web.ndjson' \\
    https://wazuh.example.test/api/saved_objects/_import")]
    Dashboard(manage::Dashboard),
    /// Delete detectors that use cases trained, with all that they predicted.
    #[command(after_help = "\
Examples:
  lanner detector delete 2d36a80a --yes")]
    Delete(manage::Delete),
    /// Copy a detector that a use case trained into a folder of its own.
    #[command(after_help = "\
Examples:
  lanner detector export 2d36a80a --out web-detector")]
    Export(manage::Export),
    /// Take in a detector that was exported.
    #[command(after_help = "\
Examples:
  lanner detector import web-detector")]
    Import(manage::Import),
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Train(args) => train::run(args),
        Command::Score(args) => score::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Explain(args) => inspect::explain(args),
        Command::Show(args) => inspect::show(args),
        Command::Limit(args) => inspect::limit(args),
        Command::Run(args) => run::run(args),
        Command::New(args) => new::run(args),
        Command::List(args) => manage::list(args),
        Command::Current(args) => manage::current(args),
        Command::Select(args) => manage::select(args),
        Command::Dashboard(args) => manage::dashboard(args),
        Command::Delete(args) => manage::delete(args),
        Command::Export(args) => manage::export(args),
        Command::Import(args) => manage::import(args),
    }
}

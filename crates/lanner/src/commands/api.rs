//! `lanner api`: what is unusual in API traffic, from an access log.
//!
//! Reading order: [`Args`]; `log` (a file becomes sessions), `examples` (what a model is learned from), `labels` (who is known to be anomalous), `said` (what people say of sessions on a server), `outcome` (what is
//! said of a session); then one file for each subcommand.

mod bench;
mod chance;
mod evaluate;
mod examples;
mod explain;
mod graphs;
mod label;
mod labels;
mod learn;
mod log;
mod model;
mod outcome;
mod pictures;
mod pipeline;
mod replay;
mod said;
mod score;
mod tune;

use clap::Subcommand;

use crate::failure::{Outcome, Result};

/// Find unusual API traffic in access logs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api replay access.log
  lanner api label labels.csv --client 203.0.113.7 anomalous --why 'walked through orders'
  lanner api labels --format csv > labels.csv
  lanner api learn access.log --labels labels.csv --output model.json
  lanner api score today.log --model model.json
  lanner api explain today.log --model model.json --client 203.0.113.7
  lanner api evaluate tomorrow.log --model model.json --labels labels.csv
  lanner api pipeline run pipeline.yaml
  lanner api bench --users 1,32,256")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Replay(replay::Args),
    Label(label::Args),
    Labels(said::Args),
    Learn(learn::Args),
    Score(score::Args),
    Explain(explain::Args),
    Evaluate(evaluate::Args),
    Pipeline(pipeline::Args),
    Graphs(graphs::Args),
    Bench(bench::Args),
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Replay(args) => replay::run(args),
        Command::Label(args) => label::run(args),
        Command::Labels(args) => said::run(args),
        Command::Learn(args) => learn::run(args),
        Command::Score(args) => score::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Pipeline(args) => pipeline::run(args),
        Command::Graphs(args) => graphs::run(args),
        Command::Bench(args) => bench::run(args),
    }
}

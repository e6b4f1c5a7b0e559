//! The commands, one file each: arguments, examples, and implementation.

pub(crate) mod alert;
pub(crate) mod api;
pub(crate) mod apply;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod demo;
pub(crate) mod detect;
pub(crate) mod detector;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod man;
pub(crate) mod model;
pub(crate) mod outbox;
pub(crate) mod processor;
pub(crate) mod profile;
pub(crate) mod query;
pub(crate) mod receiver;
pub(crate) mod reload;
pub(crate) mod repair;
pub(crate) mod replay;
pub(crate) mod restore;
pub(crate) mod rule;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod shared;
pub(crate) mod silence;
pub(crate) mod status;
pub(crate) mod switch;
pub(crate) mod test;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod vuln;
pub(crate) mod worker;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command};
use crate::failure::{Outcome, Result};

/// Runs a command.
pub(crate) fn run(command: Command) -> Result<Outcome> {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Detect(args) => detect::run(&args),
        Command::Detector(args) => detector::run(&args),
        Command::Api(args) => api::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Reload(args) => reload::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Rule(args) => rule::run(&args),
        Command::Alert(args) => alert::run(&args),
        Command::Processor(args) => processor::run(&args),
        Command::Silence(args) => silence::run(&args),
        Command::Switch(args) => switch::run(&args),
        Command::Receiver(args) => receiver::run(&args),
        Command::Outbox(args) => outbox::run(&args),
        Command::Profile(args) => profile::run(&args),
        Command::Model(args) => model::run(&args),
        Command::Query(args) => query::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Vuln(args) => vuln::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Repair(args) => repair::run(&args),
        Command::Restore(args) => restore::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Worker(args) => worker::run(&args),
        Command::Token(args) => token::run(&args),
        Command::User(args) => user::run(&args),
        Command::Completion(args) => completion::run(&args, &mut Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command()),
    }
}

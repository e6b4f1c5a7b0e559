//! The commands, a file each: arguments, examples, and what is done.

pub(crate) mod alert;
pub(crate) mod apply;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod demo;
pub(crate) mod detect;
pub(crate) mod diff;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod outbox;
pub(crate) mod query;
pub(crate) mod receiver;
pub(crate) mod reload;
pub(crate) mod repair;
pub(crate) mod replay;
pub(crate) mod rule;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod silence;
pub(crate) mod status;
pub(crate) mod switch;
pub(crate) mod test;
pub(crate) mod token;

use crate::cli::Command;
use crate::client::ServerArgs;
use crate::failure::{Outcome, Result};
use crate::list::Format;

/// Does what was asked for.
pub(crate) fn run(command: Command) -> Result<Outcome> {
    match command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Detect(args) => detect::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Reload(args) => reload::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Rule(args) => rule::run(&args),
        Command::Alert(args) => alert::run(&args),
        Command::Silence(args) => silence::run(&args),
        Command::Switch(args) => switch::run(&args),
        Command::Receiver(args) => receiver::run(&args),
        Command::Outbox(args) => outbox::run(&args),
        Command::Query(args) => query::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Repair(args) => repair::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Completion(args) => completion::run(&args),
    }
}

/// What commands share that list things of a server.
#[derive(Debug, clap::Args)]
pub(crate) struct Shared {
    /// How to show the result.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Checks a time or a distance back from now; the server reads it again.
pub(crate) fn when(text: &str) -> std::result::Result<String, String> {
    lanner_wire::api::When::parse(text).map(|_| text.to_owned())
}

/// Checks a duration; the server reads it again.
pub(crate) fn duration(text: &str) -> std::result::Result<String, String> {
    let checked = lanner_core::time::parse_duration_ms(text);
    checked.map(|_| text.to_owned()).map_err(|error| error.to_string())
}

//! The commands, a file each: arguments, examples, and what is done.

pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod test;

use crate::cli::Command;
use crate::failure::{Outcome, Result};

/// Does what was asked for.
pub(crate) fn run(command: Command) -> Result<Outcome> {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Completion(args) => completion::run(&args),
    }
}

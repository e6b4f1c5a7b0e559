//! The program `lanner`: one command line for everything.
//!
//! Reading order: `cli` (what can be written), `commands` (a file each), then what they share: `files`
//! (configuration from disk), `client` (the server's API), `output`, `progress`, `problems`, `failure`.

mod cli;
mod commands;
mod failure;
mod files;
mod output;
mod problems;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli.command) {
        Ok(outcome) => outcome.code(),
        Err(failure) => {
            failure.tell();
            failure.code()
        }
    }
}

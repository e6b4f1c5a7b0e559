//! The program `lanner`: one command line for everything.
//!
//! Reading order: `cli` (what can be written), `commands` (a file each), then what they share: `files`
//! (configuration from disk), `input` and `tables` (data from files), `moving` (rules of other programs), `client` (the server's API), `list` and `output` (what is shown), `progress`,
//! `problems`, `failure`.

mod adbox;
mod charts;
mod cli;
mod client;
mod commands;
mod configuration;
mod differences;
mod failure;
mod files;
mod formats;
mod input;
mod list;
mod log;
mod models;
mod moving;
mod output;
mod problems;
mod progress;
mod systemd;
mod tables;
mod target;
mod user;

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

//! `lanner completion`: what a shell needs to complete commands and options.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::{Outcome, Result};
use crate::output;

/// Write the completion script of a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner completion bash > ~/.local/share/bash-completion/completions/lanner
  lanner completion zsh > ~/.zfunc/_lanner
  lanner completion fish > ~/.config/fish/completions/lanner.fish")]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lanner", &mut script);
    output::text(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Fine)
}

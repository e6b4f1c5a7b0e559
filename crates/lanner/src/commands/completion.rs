//! `lanner completion`: shell completions.

use clap_complete::Shell;

use crate::failure::{Outcome, Result};
use crate::output;

/// Print the completion script for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner completion bash > ~/.local/share/bash-completion/completions/lanner
  lanner completion zsh > ~/.zfunc/_lanner
  lanner completion fish > ~/.config/fish/completions/lanner.fish")]
pub(crate) struct Args {
    /// Shell to complete for.
    shell: Shell,
}

/// `program` is the whole command line.
pub(crate) fn run(args: &Args, program: &mut clap::Command) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, program, "lanner", &mut script);
    output::text(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Fine)
}

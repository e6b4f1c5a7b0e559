//! `lanner schema`: the JSON schema of configuration files, for editors.

use crate::configuration::schema;
use crate::failure::{Outcome, Result};
use crate::output;

/// Print the JSON schema of configuration files, which editors use to complete and check them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner schema > lanner.schema.json

For the YAML language server, put this line at the top of a file:
  # yaml-language-server: $schema=lanner.schema.json")]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<Outcome> {
    output::json(&schema::schema())?;
    Ok(Outcome::Fine)
}

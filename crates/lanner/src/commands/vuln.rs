//! `lanner vuln`: reports of vulnerability scanners, read and written for others.

mod convert;
mod files;
mod report;

use clap::Subcommand;

use crate::failure::{Outcome, Result};

/// Read reports of vulnerability scanners.
///
/// Formats are found from the content: Nessus, OpenVAS/Greenbone, Nmap, Nikto, Trivy, Grype, Nuclei, SARIF, CycloneDX, OpenSCAP
/// and Qualys.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln convert --to html weekly.nessus --output report.html
  lanner vuln convert --to ecs reports/")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Convert(convert::Args),
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Convert(args) => convert::run(args),
    }
}

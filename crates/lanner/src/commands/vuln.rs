//! `lanner vuln`: reports of vulnerability scanners, read, compared, watched and written for others.

mod accept;
mod convert;
mod enrich;
mod files;
mod import;
mod list;
mod report;
mod ship;
mod vex;

use clap::Subcommand;

use crate::failure::{Outcome, Result};

/// Import reports of vulnerability scanners, and follow what they find.
///
/// Formats are found from the content: Nessus, OpenVAS/Greenbone, Nmap, Nikto, Trivy, Grype, Nuclei, SARIF, CycloneDX, OpenSCAP
/// and Qualys.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln import weekly.nessus              new, fixed and reopened findings since earlier scans
  lanner vuln list --filter 'severity == \"critical\"'
  lanner vuln stats --by host
  lanner vuln convert --to html weekly.nessus --output report.html")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(import::Args),
    Convert(convert::Args),
    Ship(ship::Args),
    List(list::ListArgs),
    Show(list::ShowArgs),
    Stats(list::StatsArgs),
    Diff(list::DiffArgs),
    Accept(accept::AcceptArgs),
    Accepted(accept::AcceptedArgs),
    Unaccept(accept::UnacceptArgs),
    Vex(vex::Args),
    Enrich(enrich::Args),
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Import(args) => import::run(args),
        Command::Convert(args) => convert::run(args),
        Command::Ship(args) => ship::run(args),
        Command::List(args) => list::list(args),
        Command::Show(args) => list::show(args),
        Command::Stats(args) => list::stats(args),
        Command::Diff(args) => list::diff(args),
        Command::Accept(args) => accept::accept(args),
        Command::Accepted(args) => accept::list(args),
        Command::Unaccept(args) => accept::end(args),
        Command::Vex(args) => vex::run(args),
        Command::Enrich(args) => enrich::run(args),
    }
}

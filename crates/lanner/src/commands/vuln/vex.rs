//! `lanner vuln vex`: statements of VEX in and out.

use std::path::PathBuf;

use clap::ValueEnum;
use lanner_vuln::{Statement, read_vex};
use lanner_wire::api::{AcceptanceView, NewAcceptance, Time};

use super::accept::{PATH, time};
use crate::client::{self, Access};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::output;

/// Import and export VEX: statements that a vulnerability does or does not affect a product.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln vex import vendor.openvex.json --until 2027-06-01
  lanner vuln vex export --format cyclonedx")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Set aside what OpenVEX or CycloneDX documents call not affected or fixed, until a time.
    #[command(after_help = "\
Examples:
  lanner vuln vex import vendor.openvex.json --until 2027-06-01")]
    Import {
        /// Documents.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// When the statements have to be looked at again.
        #[arg(long, value_parser = time, value_name = "TIME")]
        until: Time,
        #[command(flatten)]
        server: client::ServerArgs,
    },
    /// Write the statements in force as one document.
    #[command(after_help = "\
Examples:
  lanner vuln vex export > ours.openvex.json
  lanner vuln vex export --format cyclonedx --author 'Example Ltd'")]
    Export {
        /// The format.
        #[arg(long, value_enum, default_value_t)]
        format: VexFormat,
        /// Who publishes the document; by default you.
        #[arg(long)]
        author: Option<String>,
        #[command(flatten)]
        server: client::ServerArgs,
    },
}

/// Formats of VEX.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum VexFormat {
    /// OpenVEX 0.2.
    #[default]
    Openvex,
    /// CycloneDX 1.6.
    Cyclonedx,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Import { files, until, server } => import(files, *until, server),
        Command::Export { format, author, server } => export(*format, author.as_deref(), server),
    }
}

fn import(files: &[PathBuf], until: Time, server: &client::ServerArgs) -> Result<Outcome> {
    let mut statements = Vec::new();
    for path in files {
        let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
        let read = read_vex(&bytes).map_err(|error| Failure::user(format!("{}: {error}", path.display())))?;
        statements.extend(read);
    }
    let n_read = statements.len() as u64;
    statements.retain(|statement| statement.status.suppresses());
    client::with_access(server, Access::Change, async |client| {
        for statement in &statements {
            let new = NewAcceptance {
                condition: String::new(),
                statement: Some(
                    serde_json::to_value(statement).map_err(|error| Failure::program(error.to_string()))?,
                ),
                reason: reason(statement),
                until,
                author: Some(if statement.author.is_empty() {
                    client.actor().to_owned()
                } else {
                    statement.author.clone()
                }),
            };
            let _made: AcceptanceView = client.post(&PATH, &new).await?;
        }
        let n_kept = statements.len() as u64;
        remark(&format!(
            "{} read, of which {n_kept} set findings aside",
            output::counted(n_read, "statement")
        ));
        Ok(Outcome::Fine)
    })
}

fn reason(statement: &Statement) -> String {
    let why = &statement.justification;
    if why.is_empty() {
        format!("VEX: {}", statement.status.name())
    } else {
        format!("VEX: {}: {why}", statement.status.name())
    }
}

fn export(format: VexFormat, author: Option<&str>, server: &client::ServerArgs) -> Result<Outcome> {
    client::with(server, async |client| {
        let decisions: Vec<AcceptanceView> = client.get(&PATH, &[]).await?;
        let in_force = decisions.into_iter().filter(|decision| decision.in_force);
        let statements: Vec<Statement> =
            in_force.filter_map(|decision| serde_json::from_value(decision.statement?).ok()).collect();
        let author = author.unwrap_or(client.actor());
        let now_ms = jiff::Timestamp::now().as_millisecond();
        let document = match format {
            VexFormat::Openvex => lanner_vuln::write::vex_openvex(&statements, author, now_ms),
            VexFormat::Cyclonedx => lanner_vuln::write::vex_cyclonedx(&statements, author, now_ms),
        };
        output::json(&document)?;
        Ok(Outcome::Fine)
    })
}

//! `lanner token`: who may call the server, and for what.

use clap::Subcommand;
use lanner_server::http::Scope;
use lanner_wire::api::{MadeToken, NewToken, TokenView};
use reqwest::Method;

use super::shared::Shared;
use crate::client::{self, Access};
use crate::failure::{Outcome, Result, remark};
use crate::list::{self, Cell, Row};
use crate::output;

const PATH: [&str; 3] = ["api", "v1", "tokens"];

/// Make, list and revoke the tokens that callers show.
///
/// A token has a name, which the audit shows, and scopes: `ingest` (write samples and events), `read` (everything but
/// secrets), `evaluate` (ask kill switches), `operate` (silences, kill switches on and off), `admin` (everything). As
/// soon as one token exists, every request needs one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner token create ann --scope admin
  lanner token create telegraf --scope ingest
  lanner token list
  lanner token revoke telegraf")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token and print it; nobody can show it a second time.
    ///
    /// The first one needs the scope admin. Before a server listens where others can reach it, make one with --data.
    #[command(after_help = "\
Examples:
  lanner token create ann --scope admin
  lanner token create on-call --scope read,operate
  LANNER_TOKEN=$(lanner token create ann --scope admin --data /var/lib/lanner)")]
    Create {
        /// Its name, which the audit shows.
        name: String,
        /// What it may be used for: ingest, read, evaluate, operate, admin.
        #[arg(long, required = true, value_delimiter = ',', value_parser = scope, value_name = "SCOPE")]
        scope: Vec<String>,
        #[command(flatten)]
        server: client::ServerArgs,
    },
    /// List tokens and when each was last used; what is shown is never listed.
    #[command(after_help = "\
Examples:
  lanner token list
  lanner token list --format json")]
    List {
        #[command(flatten)]
        shared: Shared,
    },
    /// Revoke a token: whoever shows it is refused from now on.
    #[command(after_help = "\
Examples:
  lanner token revoke telegraf")]
    Revoke {
        /// Its name.
        name: String,
        #[command(flatten)]
        server: client::ServerArgs,
    },
}

fn scope(text: &str) -> std::result::Result<String, String> {
    Scope::parse(text).map(|scope| scope.name().to_owned())
}

impl Row for TokenView {
    const COLUMNS: &'static [&'static str] = &["name", "scopes", "created", "created by", "last used"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.name.as_str().into(),
            self.scopes.join(", ").into(),
            self.created.into(),
            self.created_by.as_str().into(),
            self.last_used.into(),
        ]
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Create { name, scope, server } => {
            client::with_access(server, Access::Change, async |client| {
                let wanted = NewToken { name: name.clone(), scopes: scope.clone() };
                let made: MadeToken = client.post(&PATH, &wanted).await?;
                let known: Vec<TokenView> =
                    client.with_token(&made.token).get(&PATH, &[]).await.unwrap_or_default();
                output::line(&made.token)?;
                remark(&format!("{name} may {}; the token is shown this once", made.scopes.join(", ")));
                if known.len() == 1 {
                    remark("from now on every request needs a token (--token or LANNER_TOKEN)");
                }
                Ok(Outcome::Fine)
            })
        }
        Command::List { shared } => client::with(&shared.server, async |client| {
            let tokens: Vec<TokenView> = client.get(&PATH, &[]).await?;
            list::list(shared.format, &tokens, "No tokens; make one with lanner token create.")?;
            Ok(Outcome::Fine)
        }),
        Command::Revoke { name, server } => client::with_access(server, Access::Change, async |client| {
            client.act(Method::DELETE, &["api", "v1", "tokens", name]).await?;
            remark(&format!("{name} is revoked"));
            Ok(Outcome::Fine)
        }),
    }
}

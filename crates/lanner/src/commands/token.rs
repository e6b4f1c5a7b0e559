//! `lanner token`: manages the tokens of callers.

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

/// Create, list and revoke access tokens.
///
/// A token has a name, shown in the audit log, and scopes: `ingest` (write samples and events), `read` (read everything
/// except secrets), `evaluate` (evaluate kill switches), `operate` (silences, activating and deactivating kill switches),
/// `admin` (everything). As soon as one token exists, every request needs one.
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
    /// Create a token and print it; it cannot be shown again.
    ///
    /// The first token needs the scope admin. Create it with --data before the server listens on an address that others can
    /// reach.
    #[command(after_help = "\
Examples:
  lanner token create ann --scope admin
  lanner token create on-call --scope read,operate
  LANNER_TOKEN=$(lanner token create ann --scope admin --data /var/lib/lanner)")]
    Create {
        /// Name of the token, shown in the audit log.
        name: String,
        /// What the token allows: ingest, read, evaluate, operate, admin.
        #[arg(long, required = true, value_delimiter = ',', value_parser = scope, value_name = "SCOPE")]
        scope: Vec<String>,
        #[command(flatten)]
        server: client::ServerArgs,
    },
    /// List tokens and when each was last used; the tokens themselves are never shown.
    #[command(after_help = "\
Examples:
  lanner token list
  lanner token list --format json")]
    List {
        #[command(flatten)]
        shared: Shared,
    },
    /// Revoke a token: requests with it are refused from now on.
    #[command(after_help = "\
Examples:
  lanner token revoke telegraf")]
    Revoke {
        /// Name of the token.
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
            // Before the first start: a server that others can reach wants a token first.
            client::with_access(server, Access::Fill, async |client| {
                let wanted = NewToken { name: name.clone(), scopes: scope.clone() };
                let made: MadeToken = client.post(&PATH, &wanted).await?;
                let known: Vec<TokenView> =
                    client.with_token(&made.token).get(&PATH, &[]).await.unwrap_or_default();
                output::line(&made.token)?;
                remark(&format!("{name} may {}; the token is shown only once", made.scopes.join(", ")));
                if known.len() == 1 {
                    remark("from now on every request needs a token (--token or LANNER_TOKEN)");
                }
                Ok(Outcome::Fine)
            })
        }
        Command::List { shared } => client::with(&shared.server, async |client| {
            let tokens: Vec<TokenView> = client.get(&PATH, &[]).await?;
            list::list(shared.format, &tokens, "No tokens; create one with lanner token create.")?;
            Ok(Outcome::Fine)
        }),
        Command::Revoke { name, server } => client::with_access(server, Access::Change, async |client| {
            client.act(Method::DELETE, &["api", "v1", "tokens", name]).await?;
            remark(&format!("{name} is revoked"));
            let left: Result<Vec<TokenView>> = client.get(&PATH, &[]).await;
            if left.is_ok_and(|left| left.is_empty()) {
                remark("no token is left: from now on requests need none");
            }
            Ok(Outcome::Fine)
        }),
    }
}

//! `lanner user`: people who sign in on the page with a name and a password.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use lanner_server::http::Scope;
use lanner_wire::api::{MadeUser, NewPassword, NewScopes, NewUser, UserView};
use reqwest::Method;

use super::shared::Shared;
use crate::client::{self, Access, ServerArgs};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Row};
use crate::output;

const PATH: [&str; 3] = ["api", "v1", "users"];

/// A longer file is none with a password.
const MAX_PASSWORD_BYTES: u64 = 4_096;

/// Add, list and remove people who sign in on the page with a name and a password.
///
/// What they may do are the scopes of tokens, see `lanner token`; pages need `read`. Programs show tokens, passwords are for the page alone.
/// As soon as there is a user or a token, everybody has to say who they are.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner user add ann --scope admin --data /var/lib/lanner
  lanner user add bob --scope read,operate
  lanner user list
  lanner user password bob
  lanner user scopes bob --scope read
  lanner user remove bob")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add somebody, and print the password that was made; they change it on the page.
    ///
    /// The first one needs the scope admin, unless a token has it.
    #[command(after_help = "\
Examples:
  lanner user add bob --scope read,operate
  lanner user add bob --scope read --password-file bob.txt
  lanner user add ann --scope admin --data /var/lib/lanner")]
    Add {
        /// Name, shown in the audit log.
        name: String,
        /// What they may do: ingest, read, evaluate, operate, admin.
        #[arg(long, required = true, value_delimiter = ',', value_parser = scope, value_name = "SCOPE")]
        scope: Vec<String>,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List users and when each last signed in.
    #[command(after_help = "\
Examples:
  lanner user list
  lanner user list --format json")]
    List {
        #[command(flatten)]
        shared: Shared,
    },
    /// Give somebody another password, and print the one that was made. Their sessions end.
    #[command(after_help = "\
Examples:
  lanner user password bob
  lanner user password bob --password-file -")]
    Password {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Change what somebody may do. They stay signed in.
    #[command(after_help = "\
Examples:
  lanner user scopes bob --scope read
  lanner user scopes ann --scope admin")]
    Scopes {
        /// Name of the user.
        name: String,
        /// What they may do from now on: ingest, read, evaluate, operate, admin.
        #[arg(long, required = true, value_delimiter = ',', value_parser = scope, value_name = "SCOPE")]
        scope: Vec<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Remove somebody, who is out at once.
    #[command(after_help = "\
Examples:
  lanner user remove bob")]
    Remove {
        /// Name of the user.
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Where a password comes from. Never from the command line, which others on the machine can see.
#[derive(Debug, clap::Args)]
struct PasswordArgs {
    /// File whose first line is the password, 12 to 256 characters; - is standard input. By default one is made.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordArgs {
    fn read(&self) -> Result<Option<String>> {
        let Some(path) = &self.password_file else { return Ok(None) };
        let failed = |error: &std::io::Error| Failure::file("read", path, error);
        let mut text = String::new();
        let read = if path == Path::new("-") {
            std::io::stdin().take(MAX_PASSWORD_BYTES).read_to_string(&mut text)
        } else {
            let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
            file.take(MAX_PASSWORD_BYTES).read_to_string(&mut text)
        };
        read.map_err(|error| failed(&error))?;
        Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
    }
}

fn scope(text: &str) -> std::result::Result<String, String> {
    Scope::parse(text).map(|scope| scope.name().to_owned())
}

impl Row for UserView {
    const COLUMNS: &'static [&'static str] = &["name", "scopes", "changed", "changed by", "last signed in"];

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.name.as_str().into(),
            self.scopes.join(", ").into(),
            self.changed.into(),
            self.changed_by.as_str().into(),
            self.last_signed_in.into(),
        ]
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Add { name, scope, password, server } => {
            let wanted = NewUser { name: name.clone(), scopes: scope.clone(), password: password.read()? };
            // Before the first start: a server that others can reach wants to know who they are.
            client::with_access(server, Access::Fill, async |client| {
                let made: MadeUser = client.post(&PATH, &wanted).await?;
                show(&made)?;
                remark(&format!("{name} may {}, and signs in on the page", made.scopes.join(", ")));
                Ok(Outcome::Fine)
            })
        }
        Command::List { shared } => client::with(&shared.server, async |client| {
            let users: Vec<UserView> = client.get(&PATH, &[]).await?;
            list::list(shared.format, &users, "No users; add one with lanner user add.")?;
            Ok(Outcome::Fine)
        }),
        Command::Password { name, password, server } => {
            let wanted = NewPassword { password: password.read()? };
            client::with_access(server, Access::Change, async |client| {
                let made: MadeUser = client.post(&[&PATH[..], &[name, "password"]].concat(), &wanted).await?;
                show(&made)?;
                remark(&format!("{name} has another password, and is signed out everywhere"));
                Ok(Outcome::Fine)
            })
        }
        Command::Scopes { name, scope, server } => {
            let wanted = NewScopes { scopes: scope.clone() };
            client::with_access(server, Access::Change, async |client| {
                let made: MadeUser = client.post(&[&PATH[..], &[name, "scopes"]].concat(), &wanted).await?;
                remark(&format!("{name} may {}", made.scopes.join(", ")));
                Ok(Outcome::Fine)
            })
        }
        Command::Remove { name, server } => client::with_access(server, Access::Change, async |client| {
            client.act(Method::DELETE, &[&PATH[..], &[name]].concat()).await?;
            remark(&format!("{name} is removed, and signed out everywhere"));
            Ok(Outcome::Fine)
        }),
    }
}

/// A password that was made is the output; it is seen this once.
fn show(made: &MadeUser) -> Result<()> {
    let Some(password) = &made.password else { return Ok(()) };
    output::line(password)?;
    remark("the password is shown only once; it is changed on the page, at /account");
    Ok(())
}

//! `lanner api labels`: what people said of sessions on a server, as the table that models are learned from.

use lanner_wire::api::SessionLabelView;

use crate::client;
use crate::commands::shared::Shared;
use crate::failure::{Outcome, Result};
use crate::list::{self, Cell, Row};

/// List what people said of sessions on a server: on the page, or over the API.
///
/// As CSV it is the table that `lanner api learn` and `lanner api evaluate` read: each row is of the session that began at `started`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api labels
  lanner api labels --format csv > labels.csv
  lanner api learn access.log --labels labels.csv --output model.json")]
pub(super) struct Args {
    #[command(flatten)]
    shared: Shared,
}

impl Row for SessionLabelView {
    const COLUMNS: &'static [&'static str] = &["client", "started", "label", "who", "when", "why", "id"];

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.client.as_str().into(),
            self.started.into(),
            self.label.as_str().into(),
            self.who.as_str().into(),
            self.when.into(),
            self.why.as_str().into(),
            self.id.as_str().into(),
        ]
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    client::with(&args.shared.server, async |client| {
        let labels: Vec<SessionLabelView> = client.get(&["api", "v1", "sessions", "labels"], &[]).await?;
        let none = "No labels; open a session on the page of the server, and say what it was.";
        list::list(args.shared.format, &labels, none)?;
        Ok(Outcome::Fine)
    })
}

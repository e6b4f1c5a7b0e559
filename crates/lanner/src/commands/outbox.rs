//! `lanner outbox`: pending, sent and failed messages.

use clap::Subcommand;
use lanner_wire::api::{DeliveryStatus, OutboxView};
use reqwest::Method;

use super::shared::Shared;
use crate::client::{self, Access, Client};
use crate::failure::{Outcome, Result, remark};
use crate::list::{self, Cell, Row};

/// List pending, sent and failed messages, and retry them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner outbox list --status dead
  lanner outbox retry 9f2c4a1be07d4c53a8b1f60e2d9c7a34")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List messages, newest first.
    #[command(after_help = "\
Examples:
  lanner outbox list
  lanner outbox list --status dead --limit 1000 --format csv")]
    List {
        /// Only messages that are waiting (pending), were accepted (sent), were refused and will be followed by others
        /// (refused), or failed for good (dead).
        #[arg(long, value_parser = ["pending", "sent", "refused", "dead"])]
        status: Option<String>,
        /// Only messages and actions about the alert with this fingerprint.
        #[arg(long, value_name = "FINGERPRINT")]
        alert: Option<String>,
        /// Maximum number of messages.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: u32,
        #[command(flatten)]
        shared: Shared,
    },
    /// Retry a dead letter.
    #[command(after_help = "\
Examples:
  lanner outbox retry 9f2c4a1be07d4c53a8b1f60e2d9c7a34")]
    Retry {
        /// Key of the message, as shown by `lanner outbox list`.
        key: String,
        #[command(flatten)]
        server: client::ServerArgs,
    },
}

impl Row for OutboxView {
    const COLUMNS: &'static [&'static str] =
        &["key", "receiver", "status", "created", "attempts", "title", "last error"];
    fn cells(&self) -> Vec<Cell> {
        let status = status(self.status);
        vec![
            self.notification.key.as_str().into(),
            self.notification.receiver.as_str().into(),
            status.into(),
            self.notification.created.into(),
            u64::from(self.attempts).into(),
            self.notification.title.as_str().into(),
            self.last_error.clone().into(),
        ]
    }
}

const fn status(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Dead => "dead",
        DeliveryStatus::Refused => "refused",
    }
}

/// So many of an alert's messages are shown with it.
const MAX_TOLD: &str = "5";

/// What was last sent about an alert, and what came of it, a line each.
pub(super) async fn told(client: &Client, fingerprint: &str) -> Result<Vec<String>> {
    let parameters = [("alert", Some(fingerprint)), ("limit", Some(MAX_TOLD))];
    let messages: Vec<OutboxView> = client.get(&["api", "v1", "outbox"], &parameters).await?;
    let line = |message: &OutboxView| {
        let OutboxView { notification, last_error, .. } = message;
        let why = last_error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let (what, state) = (&notification.status, status(message.status));
        format!(
            "{}, {what} at {}, {state}{why}",
            notification.receiver,
            list::time_text(notification.created)
        )
    };
    Ok(messages.iter().map(line).collect())
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::List { status, alert, limit, shared } => client::with(&shared.server, async |client| {
            let limit = limit.to_string();
            let parameters =
                [("status", status.as_deref()), ("alert", alert.as_deref()), ("limit", Some(limit.as_str()))];
            let messages: Vec<OutboxView> = client.get(&["api", "v1", "outbox"], &parameters).await?;
            list::list(shared.format, &messages, "No messages.")?;
            Ok(Outcome::Fine)
        }),
        Command::Retry { key, server } => client::with_access(server, Access::Change, async |client| {
            client.act(Method::POST, &["api", "v1", "outbox", key, "retry"]).await?;
            remark("it will be retried now");
            Ok(Outcome::Fine)
        }),
    }
}

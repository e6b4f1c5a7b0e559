//! `lanner reload`: makes the server read its configuration file again.

use lanner_wire::api::ReloadView;
use serde_json::json;

use super::apply;
use super::shared::Shared;
use crate::client;
use crate::failure::{Outcome, Result, remark};
use crate::list::Format;
use crate::output;

/// Make the server read its configuration file again, as SIGHUP does.
///
/// Either all of it takes effect or, if anything is invalid, nothing. Settings that need a restart are listed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner reload
  lanner reload --format json

Exit codes: 0 when all is in force, 1 when something waits for a restart.")]
pub(crate) struct Args {
    #[command(flatten)]
    shared: Shared,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    client::with(&args.shared.server, async |client| {
        let view: ReloadView = client.post(&["api", "v1", "reload"], &json!({})).await?;
        if args.shared.format == Format::Json {
            output::json(&view)?;
        } else {
            apply::tell(&view.applied, None, args.shared.format)?;
            tell_settings(&view);
        }
        Ok(Outcome::found(!view.restart.is_empty()))
    })
}

/// Says which settings changed, and which wait.
fn tell_settings(view: &ReloadView) {
    if !view.settings.is_empty() {
        remark(&format!("now in force: {}", view.settings.join(", ")));
    }
    if !view.restart.is_empty() {
        remark(&format!("changed, but in force only after a restart: {}", view.restart.join(", ")));
    }
}

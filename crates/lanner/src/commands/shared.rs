//! What commands share that ask a server.

use crate::client::ServerArgs;
use crate::list::Format;

/// What commands share that list things of a server.
#[derive(Debug, clap::Args)]
pub(crate) struct Shared {
    /// How to show the result.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Checks a time or a distance back from now; the server reads it again.
pub(crate) fn when(text: &str) -> Result<String, String> {
    lanner_wire::api::When::parse(text).map(|_| text.to_owned())
}

/// Checks a duration; the server reads it again.
pub(crate) fn duration(text: &str) -> Result<String, String> {
    let checked = lanner_core::time::parse_duration_ms(text);
    checked.map(|_| text.to_owned()).map_err(|error| error.to_string())
}

//! What commands share that ask a server.

use std::collections::BTreeSet;

use lanner_io::store::{Store, StoreOptions};
use lanner_wire::api::{SeriesView, StreamView};

use crate::client::{Client, ServerArgs};
use crate::failure::{Failure, Result};
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
pub(crate) fn when(text: &str) -> std::result::Result<String, String> {
    lanner_wire::api::When::parse(text).map(|_| text.to_owned())
}

/// Checks a duration; the server reads it again.
pub(crate) fn duration(text: &str) -> std::result::Result<String, String> {
    let checked = lanner_core::time::parse_duration_ms(text);
    checked.map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// Tells the name of a stream or of series that does not exist from one without data in the range.
pub(crate) async fn must_exist(client: &Client, stream: Option<&str>, series: Option<&str>) -> Result<()> {
    let (what, name, names) = if let Some(stream) = stream {
        let streams: Vec<StreamView> = client.get(&["api", "v1", "streams"], &[]).await?;
        ("stream", stream, streams.into_iter().map(|stream| stream.name).collect::<BTreeSet<_>>())
    } else if let Some(name) = series {
        let path = ["api", "v1", "series"];
        let found: Vec<SeriesView> = client.get(&path, &[("name", Some(name)), ("limit", Some("1"))]).await?;
        if !found.is_empty() {
            return Ok(());
        }
        let all: Vec<SeriesView> = client.get(&path, &[("limit", Some("100000"))]).await?;
        ("series", name, all.into_iter().map(|series| series.name).collect())
    } else {
        return Ok(());
    };
    if names.contains(name) {
        return Ok(());
    }
    let failure = Failure::user(format!("there is no {what} \"{name}\""));
    Err(match lanner_core::nearest(name, names.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean \"{near}\"?")),
        None if names.is_empty() => failure.hint("nothing is stored yet; see `lanner import`"),
        None => failure.hint("a * in the name stands for any characters"),
    })
}

/// Where the state of a data folder is kept, if not in it.
pub(crate) fn state_elsewhere(folder: &std::path::Path) -> Option<String> {
    let store = Store::open_to_read(folder, StoreOptions::default());
    store.and_then(|store| store.noted_state()).ok().flatten()
}

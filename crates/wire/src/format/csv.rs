//! Tables of text; [`crate::table`] reads them.

use super::kind::Format;
use crate::table::Table;

pub(super) const FORMAT: Format = Format {
    name: "csv",
    about: "a table: cells separated by comma, semicolon, tab or |",
    endings: &["csv", "tsv"],
    is_one_series: false,
    example: b"time,cpu,memory\n2026-01-01T00:00:00Z,12.5,40.5\n2026-01-01T00:01:00Z,7.5,41.5\n",
    events: None,
    samples: Some(|opening| {
        let table = Table::open_decoded(opening.start, opening.input, *opening.options)?;
        Ok(Box::new(table))
    }),
    // Whatever has rows may be one.
    is_one: |_| true,
};

//! Lines of text, such as a log.

use super::kind::{EventReader, Format};
use crate::pieces::Ends;
use crate::text_lines;

pub(super) const FORMAT: Format = Format {
    name: "text",
    about: "lines of text, such as a log: each becomes the field message of an event",
    // The lines of a .log may as well be JSON.
    endings: &[],
    is_one_series: false,
    example: b"disk sda is full\nfan 2 stopped\n",
    events: Some(EventReader {
        ends: Ends::Lines,
        parse: |piece, options, report, on_event| text_lines::parse(piece, options, report, on_event),
    }),
    samples: None,
    is_one: |_| false,
};

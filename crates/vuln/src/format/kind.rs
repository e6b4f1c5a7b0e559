//! What a format is, and how its reports are recognised.

use crate::error::ReadError;
use crate::input::Text;
use crate::sink::Sink;

/// A format of reports.
pub struct Format {
    /// Its name, such as `nessus-csv`.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// A small report, for documentation and tests.
    pub example: &'static str,
    /// Whether a report that begins like this is of this format.
    pub(crate) detect: fn(&str) -> bool,
    pub(crate) read: fn(Text<'_>, &mut Sink<'_>) -> Result<(), ReadError>,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Format").field(&self.name).finish()
    }
}

/// The name of the first element of an XML text, without prefix; empty if it begins with anything else.
pub(crate) fn root(head: &str) -> &str {
    let mut rest = head.trim_start_matches('\u{FEFF}').trim_start();
    loop {
        let end = if rest.starts_with("<?") {
            "?>"
        } else if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<!DOCTYPE") {
            doctype_end(rest)
        } else {
            break;
        };
        let Some(at) = rest.find(end) else { return "" };
        rest = rest[at + end.len()..].trim_start();
    }
    let Some(rest) = rest.strip_prefix('<') else { return "" };
    let name = rest.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

/// A DOCTYPE with an internal subset ends with `]>`.
fn doctype_end(text: &str) -> &'static str {
    match (text.find('['), text.find('>')) {
        (Some(subset), Some(end)) if subset < end => "]>",
        _ => ">",
    }
}

/// Whether a text begins like JSON and holds all of these, each in quotes.
pub(crate) fn json_with(head: &str, names: &[&str]) -> bool {
    let text = head.trim_start_matches('\u{FEFF}').trim_start();
    text.starts_with(['{', '[']) && names.iter().all(|name| text.contains(&format!("\"{name}\"")))
}

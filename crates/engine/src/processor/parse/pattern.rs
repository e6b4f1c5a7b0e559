//! A regular expression whose named groups become fields.

use regex::{Regex, RegexBuilder};
use serde_json::Map;

use super::form::Read;
use super::value::typed;

/// What a compiled expression may take, bytes. It also bounds the time that a text costs: at most its length times this.
const MAX_BYTES: usize = 1 << 18;

#[derive(Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it: its syntax, its size, no named group.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text).size_limit(MAX_BYTES).dfa_size_limit(MAX_BYTES).build();
        let regex = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "is too large a regular expression; repeat less".to_owned(),
            error => format!("is not a regular expression: {error}"),
        })?;
        if regex.capture_names().flatten().next().is_none() {
            return Err(
                "names no group; write for example (?<user>\\w+) for what is to become a field".to_owned()
            );
        }
        Ok(Self(regex))
    }

    /// The named groups of the first match; those that take no part in it are left out.
    pub(super) fn read(&self, text: &str) -> Option<Read> {
        let captures = self.0.captures(text)?;
        let names = self.0.capture_names().flatten();
        let groups = names.filter_map(|name| Some((name.to_owned(), typed(captures.name(name)?.as_str()))));
        Some(Read { fields: groups.collect::<Map<_, _>>(), time_ms: None })
    }
}

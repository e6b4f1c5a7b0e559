//! What a kind of models is, and what is known of a model.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A kind of models.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// What such models are for, for people.
    pub(crate) about: &'static str,
    /// The format that its JSON documents name, with the version that is read; `None` where they name none.
    pub(super) format: Option<&'static str>,
    /// Whether a file that begins like this is of this kind, of whatever version.
    pub(super) is_one: fn(&Start<'_>) -> bool,
    /// Reads a file completely, and says what there is to know of it; else what is wrong.
    pub(super) read: fn(&[u8]) -> Result<Facts, String>,
}

impl Kind {
    /// Refuses another version of the kind's format by its name.
    pub(super) fn check_version(&self, start: &Start<'_>) -> Result<(), String> {
        match (&start.format, self.format) {
            (Some(found), Some(wanted)) if found != wanted => Err(format!(
                "has the format \"{found}\", and this program reads \"{wanted}\"; use the program that wrote it"
            )),
            _ => Ok(()),
        }
    }
}

/// What is known of a model beside the model.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Facts {
    /// What it is, in some words.
    pub(crate) about: String,
    /// The fingerprint of the data that it was learned from, where that was kept.
    pub(crate) data: Option<String>,
    /// The score from which it finds something, if there is one.
    pub(crate) threshold: Option<f64>,
    /// How well it did on data that it was not learned from, and what it saw.
    pub(crate) metrics: Value,
}

/// What tells the kind of a file.
pub(super) struct Start<'a> {
    pub(super) bytes: &'a [u8],
    /// The format that a JSON document names.
    pub(super) format: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    format: String,
}

impl<'a> Start<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let is_object = bytes.trim_ascii_start().starts_with(b"{");
        let head = is_object.then(|| serde_json::from_slice(bytes).ok()).flatten();
        Self { bytes, format: head.map(|Head { format }| format) }
    }

    /// Whether the format is this one, of whatever version.
    pub(super) fn is_format(&self, wanted: &str) -> bool {
        let name = |format: &str| format.split('/').next().map(str::to_owned);
        self.format.as_deref().is_some_and(|found| name(found) == name(wanted))
    }
}

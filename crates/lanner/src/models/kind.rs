//! What a kind of models is, and what is known of a model.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A kind of models.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// What such models are for, for people.
    pub(crate) about: &'static str,
    /// Whether a file that begins like this is of this kind, of whatever version.
    pub(super) is_one: fn(&Start<'_>) -> bool,
    /// Reads a file completely, and says what there is to know of it; else what is wrong.
    pub(super) read: fn(&[u8]) -> Result<Facts, String>,
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
    pub(super) fn is_format(&self, name: &str) -> bool {
        self.format.as_ref().is_some_and(|format| format.split('/').next() == Some(name))
    }
}

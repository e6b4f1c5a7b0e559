//! What was learned as bytes: a line of JSON, and the recording where learning goes on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::judge::Judge;
use super::learning::Learning;
use super::{Live, Phase};
use crate::features::FEATURES;
use crate::recording::Recording;
use crate::sessions::Sessions;
use crate::walks::Walks;

/// The form, with its version.
const FORMAT: &str = "lanner-api-sessions/1";

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    /// What tells clients apart, and which requests there are.
    identity: String,
    features: Vec<String>,
    learned: Learned,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Learned {
    Judge(Arc<Judge>),
    /// Whole sessions so far; the recording follows.
    Recording(usize),
}

impl Live {
    /// What it learned, under a text that says from which requests. Cost: linear in that. Open sessions are not kept.
    #[must_use]
    pub fn save(&self, identity: &str) -> Vec<u8> {
        let learned = match &self.phase {
            Phase::Learning(learning) => Learned::Recording(learning.n_whole),
            Phase::Judging(judge) => Learned::Judge(Arc::clone(judge)),
        };
        let head = Head {
            format: FORMAT.to_owned(),
            identity: identity.to_owned(),
            features: FEATURES.iter().map(|feature| feature.name.to_owned()).collect(),
            learned,
        };
        let mut bytes = serde_json::to_vec(&head).unwrap_or_default();
        bytes.push(b'\n');
        if let Phase::Learning(learning) = &self.phase {
            learning.recording.write(&mut bytes);
        }
        bytes
    }

    /// Takes up what was saved under the same identity. Sessions that begin before a pause has passed may be parts of those
    /// that were open, and count as incomplete.
    ///
    /// # Errors
    /// Why it cannot be taken up.
    pub fn restore(&mut self, bytes: &[u8], identity: &str) -> Result<(), String> {
        let damaged = || "it is damaged".to_owned();
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(damaged)?;
        let (head, rest) = bytes.split_at(end);
        let head: Head = serde_json::from_slice(head).map_err(|error| format!("it is damaged: {error}"))?;
        head.check(identity)?;
        self.phase = match head.learned {
            Learned::Judge(mut judge) => {
                Arc::make_mut(&mut judge).set_share(self.settings.unusual_share);
                Phase::Judging(judge)
            }
            Learned::Recording(n_whole) => {
                let recording = rest.get(1..).and_then(Recording::read).ok_or_else(damaged)?;
                Phase::Learning(Box::new(Learning::resumed(recording, n_whole)))
            }
        };
        self.sessions = Sessions::new(self.settings.sessions);
        self.walks = Walks::default();
        self.models.begin(&self.settings);
        (self.is_resumed, self.whole_from_ms) = (true, None);
        Ok(())
    }
}

impl Head {
    fn check(&self, identity: &str) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!("its format is \"{}\", and this program reads \"{FORMAT}\"", self.format));
        }
        if self.identity != identity {
            return Err("it was learned from other requests, or clients were told apart otherwise".to_owned());
        }
        let names = FEATURES.iter().map(|feature| feature.name);
        if self.features.iter().map(String::as_str).eq(names) {
            Ok(())
        } else {
            Err("it was learned from other features of sessions".to_owned())
        }
    }
}

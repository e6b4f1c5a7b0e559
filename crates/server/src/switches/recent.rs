//! Recent contexts, on which a switch can be previewed before it is activated.
//!
//! They lie in memory only, as texts, and are gone when the server stops.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};

use crate::sync::locked;

/// How many contexts are kept.
pub(crate) const MAX_CONTEXTS: usize = 100_000;
/// How much they take at most, bytes.
const MAX_BYTES: usize = 64 << 20;
/// A context larger than this is not kept, bytes.
const MAX_CONTEXT_BYTES: usize = 64 << 10;

/// A context and when it was asked, milliseconds since the Unix epoch.
pub(crate) type Asked = (i64, Arc<str>);

/// The contexts that were asked last.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    contexts: VecDeque<Asked>,
    bytes: usize,
}

impl Recent {
    /// Notes one. Cost: writing it as text.
    pub(crate) fn note(&self, context: &Map<String, Value>, now_ms: i64) {
        let Ok(text) = serde_json::to_string(context) else { return };
        if text.len() > MAX_CONTEXT_BYTES {
            return;
        }
        let mut kept = locked(&self.0);
        kept.bytes += text.len();
        kept.contexts.push_back((now_ms, text.into()));
        while kept.contexts.len() > MAX_CONTEXTS || kept.bytes > MAX_BYTES {
            let Some((_, oldest)) = kept.contexts.pop_front() else { break };
            kept.bytes -= oldest.len();
        }
    }

    /// The last `n`, the oldest first. Cost: a reference each.
    #[must_use]
    pub fn last(&self, n: usize) -> Vec<Asked> {
        let kept = locked(&self.0);
        kept.contexts.iter().skip(kept.contexts.len().saturating_sub(n)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_oldest_make_room() {
        let recent = Recent::default();
        let context = |value: Value| Map::from_iter([("x".to_owned(), value)]);
        recent.note(&context(json!("y".repeat(MAX_CONTEXT_BYTES))), 0);
        assert!(recent.last(5).is_empty());
        for n in 0..MAX_CONTEXTS as i64 + 5 {
            recent.note(&context(json!(n)), n);
        }
        assert_eq!(recent.last(usize::MAX).len(), MAX_CONTEXTS);
        assert_eq!(recent.last(2)[0], (MAX_CONTEXTS as i64 + 3, "{\"x\":100003}".into()));
        for n in 0..2_000 {
            recent.note(&context(json!("y".repeat(60_000))), n);
        }
        let kept = locked(&recent.0);
        assert!(kept.bytes <= MAX_BYTES && kept.contexts.len() < 1_200, "{}", kept.bytes);
    }
}

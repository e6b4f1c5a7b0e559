//! A sample of the evaluated contexts, on which the server previews switches before they are activated.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Map, Value};

/// A context is kept this often at most, milliseconds.
const EVERY_MS: i64 = 100;
/// So many are kept until the server is told.
const MAX_CONTEXTS: usize = 100;
/// A larger one is not kept, bytes.
const MAX_BYTES: usize = 8 << 10;
/// One that is nested deeper is not kept: no reader of JSON takes it, and writing it could end this process.
const MAX_DEPTH: usize = 64;

/// Contexts as texts. Noting one never waits, and mostly costs one comparison.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    last_ms: AtomicI64,
    kept: Mutex<Vec<String>>,
}

impl Sample {
    pub(crate) fn note(&self, context: &Map<String, Value>, now_ms: i64) {
        let last_ms = self.last_ms.load(Ordering::Relaxed);
        // A clock that went back starts anew.
        if (last_ms..last_ms.saturating_add(EVERY_MS)).contains(&now_ms) {
            return;
        }
        let swapped = self.last_ms.compare_exchange(last_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed);
        let (Ok(_), Ok(mut kept)) = (swapped, self.kept.try_lock()) else { return };
        if kept.len() < MAX_CONTEXTS
            && context.values().all(|value| is_shallow(value, MAX_DEPTH))
            && let Ok(text) = serde_json::to_string(context)
            && text.len() <= MAX_BYTES
        {
            kept.push(text);
        }
    }

    /// What was kept since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        self.kept.lock().map(|mut kept| std::mem::take(&mut *kept)).unwrap_or_default()
    }
}

fn is_shallow(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| is_shallow(item, depth - 1)),
        Value::Object(fields) => depth > 0 && fields.values().all(|field| is_shallow(field, depth - 1)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_without_end_is_not_kept() {
        let nested = |depth: usize| (0..depth).fold(Value::from(1), |inner, _| Value::from(vec![inner]));
        let context = |value| Map::from_iter([("x".to_owned(), value)]);
        let sample = Sample::default();
        for (n, (depth, n_kept)) in [(MAX_DEPTH, 1), (MAX_DEPTH + 1, 0), (2_000, 0)].into_iter().enumerate() {
            sample.note(&context(nested(depth)), (n as i64 + 1) * EVERY_MS);
            assert_eq!(sample.take().len(), n_kept, "{depth}");
        }
    }

    #[test]
    fn few_are_kept() {
        let sample = Sample::default();
        let context = |n: i64| Map::from_iter([("n".to_owned(), Value::from(n))]);
        for n in 1..=1_000 {
            sample.note(&context(n), 1_000_000 + n);
        }
        assert_eq!(sample.take().len(), 10);
        for n in 0..1_000 {
            sample.note(&context(n), 2_000_000 + n * EVERY_MS);
        }
        assert_eq!(sample.take().len(), MAX_CONTEXTS);
        sample.note(&context(7), 5); // the clock went back
        assert_eq!(sample.take(), [r#"{"n":7}"#]);
        sample.note(&Map::from_iter([("x".to_owned(), Value::from("y".repeat(MAX_BYTES)))]), 9_000_000);
        assert!(sample.take().is_empty());
    }
}

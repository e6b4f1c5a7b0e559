//! What Falco's plugin `anomalydetection` does: its `init_config` unchanged, the same fields, the same counts.
//!
//! Where that plugin ends Falco, as for a field it does not know, this one says what is wrong. Counts are reset by the time of
//! events, so that a replayed capture gives what the live one gave.

mod read;
mod sketch;

use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::Value;

use crate::event::Kind;
use crate::field::{Field, Of};
use crate::scene::Scene;
use sketch::Sketch;

pub(crate) use read::read;

/// A behaviour that is counted, and its counts.
#[derive(Debug)]
pub(crate) struct Behaviour {
    /// As it is written: `%container.id %proc.cmdline`.
    text: String,
    fields: Vec<Field>,
    events: Vec<u16>,
    /// After how many milliseconds counting begins anew; 0 for never.
    reset_ms: i64,
    size: (u64, u64),
    sketch: Sketch,
    /// Since when it counts; [`NEVER`] before its first event.
    since_ms: AtomicI64,
}

/// Stands for no time.
const NEVER: i64 = i64::MIN;

/// All behaviours, in the order of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Official(Vec<Behaviour>);

impl Official {
    /// Counts an event in each behaviour that it belongs to.
    pub(crate) fn observe(&self, scene: &Scene<'_>) {
        let Some(kind) = scene.kind() else { return };
        for behaviour in self.0.iter().filter(|behaviour| behaviour.events.contains(&kind.code)) {
            behaviour.reset_if_due(scene.time_ms());
            if let Some(text) = behaviour.text_of(scene) {
                behaviour.sketch.add(&text);
            }
        }
    }

    /// How often the behaviour of an event was counted, itself included.
    ///
    /// # Errors
    /// When there is no behaviour at that place.
    pub(crate) fn count(&self, scene: &Scene<'_>, at: u64) -> Result<Option<u64>, String> {
        let behaviour = self.at(at)?;
        Ok(behaviour.text_of(scene).map(|text| behaviour.sketch.count(&text)))
    }

    /// The behaviour of an event: its fields, one after the other.
    ///
    /// # Errors
    /// As for [`Self::count`].
    pub(crate) fn text(&self, scene: &Scene<'_>, at: u64) -> Result<Option<String>, String> {
        Ok(self.at(at)?.text_of(scene))
    }

    fn at(&self, at: u64) -> Result<&Behaviour, String> {
        let found = usize::try_from(at).ok().and_then(|at| self.0.get(at));
        found.ok_or_else(|| {
            format!("sketch index out of bounds: there are {} sketches, the first is 0", self.0.len())
        })
    }

    /// Takes over the counts of behaviours that are still configured in the same way.
    pub(crate) fn inherit(&mut self, before: &Self) {
        for old in &before.0 {
            let same = |new: &&mut Behaviour| {
                (&new.text, &new.events, new.size) == (&old.text, &old.events, old.size)
            };
            if let Some(new) = self.0.iter_mut().find(same) {
                new.sketch = old.sketch.clone();
                new.since_ms = AtomicI64::new(old.since_ms.load(Relaxed));
            }
        }
    }
}

impl Behaviour {
    fn reset_if_due(&self, now_ms: i64) {
        let since_ms = self.since_ms.load(Relaxed);
        let is_due = self.reset_ms > 0 && now_ms.saturating_sub(since_ms) >= self.reset_ms;
        if since_ms != NEVER && !is_due {
            return;
        }
        // Of several threads that see it one begins anew.
        let is_ours = self.since_ms.compare_exchange(since_ms, now_ms, Relaxed, Relaxed).is_ok();
        if is_ours && since_ms != NEVER {
            self.sketch.clear();
        }
    }

    /// Its fields for an event, one after the other. A missing value is no text; without the parent that a field asks for
    /// there is no behaviour; on an event without a file, a field of a file drops what stands before it.
    fn text_of(&self, scene: &Scene<'_>) -> Option<String> {
        let mut text = String::new();
        for field in &self.fields {
            if field.is_of_file() && !scene.kind().is_some_and(Kind::has_fd) {
                text.clear();
                continue;
            }
            match scene.value(field) {
                Some(value) => write(&value, &mut text),
                None if scene.has_thread() && matches!(field, Field::Process(Of::Parent, _)) => return None,
                None => {}
            }
        }
        Some(text)
    }
}

/// A value as that plugin writes it: truths are 0 and 1.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => out.push_str(text),
        Value::Bool(truth) => out.push(if *truth { '1' } else { '0' }),
        other => out.push_str(&other.to_string()),
    }
}

//! How an event passes the processors of its stream.

use std::collections::HashMap;
use std::sync::Arc;

use lanner_core::Event;
use lanner_core::event::MAX_EVENT_BYTES;
use serde_json::{Map, Value};

use super::{Configured, Made};

/// All processors in force, by stream.
#[derive(Debug, Default)]
pub struct Processors {
    all: Vec<Configured>,
    /// Which of them an event passes, in order.
    of_stream: HashMap<Arc<str>, Vec<usize>>,
}

/// An event on its way to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// When it happened and what it says.
    pub event: Event,
    /// The same as JSON text, an object: what is stored. What was sent stands in it exactly as it was written.
    pub json: String,
}

/// How many events each processor saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events.
    pub n_events: u64,
    /// Those of them that were not what it expects, and stayed as they were.
    pub n_unmatched: u64,
}

impl Processors {
    /// These, of which [`cross_check`](super::cross_check) found nothing wrong.
    #[must_use]
    pub fn new(mut all: Vec<Configured>) -> Self {
        all.sort_by(|a, b| (a.order, &a.id).cmp(&(b.order, &b.id)));
        let mut of_stream: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (at, one) in all.iter().enumerate() {
            of_stream.entry(one.stream.clone()).or_default().push(at);
        }
        Self { all, of_stream }
    }

    /// All of them, in order.
    #[must_use]
    pub fn all(&self) -> &[Configured] {
        &self.all
    }

    /// Whether events of the stream pass any processor.
    #[must_use]
    pub fn are_on(&self, stream: &str) -> bool {
        self.of_stream.contains_key(stream)
    }

    /// Tells all of them that it is `now_ms`, and returns the events that they make of that, with the stream of each. They are to
    /// [pass](Self::pass) the processors of their streams.
    #[must_use]
    pub fn tick(&self, now_ms: i64) -> Vec<(Arc<str>, Event)> {
        let mut made = Vec::new();
        for one in &self.all {
            let streams = one.processor.copies_to();
            for event in one.processor.tick(now_ms) {
                made.extend(streams.iter().map(|to| (to.clone(), event.clone())));
            }
        }
        made
    }

    /// Has an event pass the processors of its stream, and its copies those of theirs. `on_event` is called for each
    /// event that comes out, with its stream: the event itself first, then its copies. `tallies` has one place for each of
    /// [`Self::all`].
    ///
    /// Cost: that of the processors passed. No event grows beyond [`MAX_EVENT_BYTES`]: what would have it do so is not
    /// added.
    pub fn pass(
        &self,
        stream: &Arc<str>,
        draft: Draft,
        tallies: &mut [Tally],
        on_event: &mut dyn FnMut(&Arc<str>, Draft),
    ) {
        // Streams do not lead back to themselves, so this ends.
        let mut waiting = vec![(stream.clone(), draft)];
        while let Some((stream, mut draft)) = waiting.pop() {
            for at in self.of_stream.get(&stream).map_or(&[][..], Vec::as_slice) {
                let processor = &self.all[*at].processor;
                let mut made = processor.process(&draft.event);
                let own = std::mem::take(&mut made.events);
                let (is_copied, is_unmatched) = (made.is_copied, made.is_unmatched || !draft.take(made));
                if let Some(tally) = tallies.get_mut(*at) {
                    tally.n_events += 1;
                    tally.n_unmatched += u64::from(is_unmatched);
                }
                if is_copied {
                    waiting.extend(processor.copies_to().iter().map(|to| (to.clone(), draft.clone())));
                }
                waiting.extend(drafts(own, processor.copies_to()));
            }
            on_event(&stream, draft);
        }
    }
}

/// Events that a processor made, for each of the streams; the last comes first, as they are taken from the end.
fn drafts(events: Vec<Event>, streams: &[Arc<str>]) -> impl Iterator<Item = (Arc<str>, Draft)> {
    let of = |event: Event| streams.iter().map(move |to| (to.clone(), Draft::new(event.clone())));
    events.into_iter().rev().flat_map(of)
}

impl Draft {
    /// An event that is at hand.
    #[must_use]
    pub fn new(event: Event) -> Self {
        let json = serde_json::to_string(&event.fields).unwrap_or_default();
        Self { event, json }
    }

    /// Takes what a processor made of it; not where it would become too long.
    fn take(&mut self, made: Made) -> bool {
        let fields = made.fields.into_iter().filter(|(name, _)| !self.event.fields.contains_key(name));
        let fields: Map<String, Value> = fields.collect();
        if !fields.is_empty() && !self.append(&fields) {
            return false;
        }
        self.event.fields.extend(fields);
        self.event.time_ms = made.time_ms.unwrap_or(self.event.time_ms);
        true
    }

    /// Writes fields at the end of the text.
    fn append(&mut self, fields: &Map<String, Value>) -> bool {
        let Ok(added) = serde_json::to_string(fields) else { return false };
        let Some(open) = self.json.strip_suffix('}') else { return false };
        if self.json.len() + added.len() > MAX_EVENT_BYTES {
            return false;
        }
        let comma = if open.ends_with('{') { "" } else { "," };
        self.json = [open, comma, added.strip_prefix('{').unwrap_or(&added)].concat();
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Config, Node};

    fn processors(yaml: &str) -> Processors {
        let mut config = Config::default();
        assert_eq!(config.read(&Node::from_yaml(yaml).unwrap()), []);
        assert_eq!(config.cross_check(), []);
        Processors::new(config.processors)
    }

    fn draft(json: &str) -> Draft {
        let fields = serde_json::from_str(json).unwrap();
        Draft { event: Event { time_ms: 42, fields }, json: json.to_owned() }
    }

    #[test]
    fn what_was_sent_stays_as_it_was_written() {
        #[track_caller]
        fn check(json: &str, expected: &str) {
            let processors = processors("processors: [{ id: a, stream: s, parse: { as: json } }]");
            let mut found = Vec::new();
            let mut tallies = [Tally::default()];
            processors.pass(&"s".into(), draft(json), &mut tallies, &mut |_, draft| found.push(draft));
            assert_eq!(found[0].json, expected);
            let again: Map<String, Value> = serde_json::from_str(&found[0].json).unwrap();
            assert_eq!(again, found[0].event.fields);
            assert_eq!(tallies[0].n_events, 1);
        }
        check(r#"{"n":1.10,"message":"{\"a\":1}"}"#, r#"{"n":1.10,"message":"{\"a\":1}","a":1}"#);
        check(
            r#"{"message":"{\"message\":1,\"b\":{}}"}"#,
            r#"{"message":"{\"message\":1,\"b\":{}}","b":{}}"#,
        );
        check(r#"{"a":"x","message":"{\"a\":1}"}"#, r#"{"a":"x","message":"{\"a\":1}"}"#);
        check("{}", "{}");
    }

    #[test]
    fn no_event_grows_too_long() {
        let processors = processors("processors: [{ id: a, stream: s, parse: { as: json } }]");
        let message = json!({ "added": "x".repeat(1_000) }).to_string();
        let pad = "p".repeat(MAX_EVENT_BYTES - 2_000);
        let json = json!({ "pad": pad, "message": message }).to_string();
        let mut tallies = [Tally::default()];
        processors
            .pass(&"s".into(), draft(&json), &mut tallies, &mut |_, draft| assert_eq!(draft.json, json));
        assert_eq!(tallies, [Tally { n_events: 1, n_unmatched: 1 }]);
    }

    #[test]
    fn order_is_that_of_the_file_or_what_is_written() {
        let order = |yaml: &str| -> Vec<String> {
            processors(yaml).all().iter().map(|one| format!("{} {}", one.id, one.document["order"])).collect()
        };
        let yaml = "processors: [{ id: b, stream: s, copy: { to: t } }, { id: x, stream: o, copy: { to: t } }, \
                    { id: a, stream: s, copy: { to: t } }, { id: first, stream: s, order: -1, copy: { to: t } }]";
        assert_eq!(order(yaml), ["first -1", "b 0", "x 0", "a 1"]);
    }
}

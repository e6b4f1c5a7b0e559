//! What is wrong between processors: ids given twice, circles of streams, and events that would multiply.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::Configured;
use crate::document::Problem;

/// Events that one event may become, itself among them.
const MAX_BECOMES: u64 = 100;

/// Problems between processors, each with a path such as `processors.ID`.
///
/// An event that appears on another stream passes that stream's processors as well, so no stream may lead back to itself.
/// Cost: O(n log n) in the number of processors.
#[must_use]
pub fn cross_check(all: &[Configured]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut problem = |id: &str, message: String, hint: &str| {
        let hint = Some(hint.to_owned()).filter(|hint| !hint.is_empty());
        problems.push(Problem { at: None, path: format!("processors.{id}"), message, hint });
    };
    let mut ids = HashSet::new();
    for twice in all.iter().filter(|one| !ids.insert(&*one.id)) {
        problem(&twice.id, "is the id of two processors".to_owned(), "");
    }
    let mut streams = Streams::default();
    for one in all {
        let to = one.processor.copies_to().iter();
        streams.to.entry(&one.stream).or_default().extend(to.map(|to| (&**to, &*one.id)));
    }
    let froms: Vec<&str> = streams.to.keys().copied().collect();
    // One problem at a time: others are often parts of it.
    for from in froms {
        match streams.becomes(from, &mut Vec::new()) {
            Ok(n) if n > MAX_BECOMES => {
                let id = streams.to[from].first().map_or("", |(_, id)| id);
                let message = format!(
                    "is one of the processors by which an event of {from} would become {n} events, and at most {MAX_BECOMES} are \
                     allowed"
                );
                problem(id, message, "copy to fewer streams");
                break;
            }
            Ok(_) => {}
            Err(circle) => {
                let message = format!("closes a circle: {}", circle.streams.join(" -> "));
                problem(
                    &circle.id,
                    message,
                    "an event would pass it for ever; copy to a stream that does not lead back",
                );
                break;
            }
        }
    }
    problems
}

/// Where events of each stream appear too, and by which processor.
#[derive(Default)]
struct Streams<'c> {
    to: BTreeMap<&'c str, Vec<(&'c str, &'c str)>>,
    becomes: BTreeMap<&'c str, u64>,
}

struct Circle {
    streams: Vec<String>,
    /// The processor that closes it.
    id: Arc<str>,
}

impl<'c> Streams<'c> {
    /// How many events one of `stream` becomes; `above` are the streams that lead there.
    fn becomes(&mut self, stream: &'c str, above: &mut Vec<&'c str>) -> Result<u64, Circle> {
        if let Some(known) = self.becomes.get(stream) {
            return Ok(*known);
        }
        if above.len() as u64 > MAX_BECOMES {
            return Ok(MAX_BECOMES);
        }
        above.push(stream);
        let mut n = 1_u64;
        for (to, id) in self.to.get(stream).cloned().unwrap_or_default() {
            if let Some(at) = above.iter().position(|name| *name == to) {
                let streams = above[at..].iter().chain([&to]).map(|name| (*name).to_owned()).collect();
                return Err(Circle { streams, id: id.into() });
            }
            n = n.saturating_add(self.becomes(to, above)?);
        }
        above.pop();
        self.becomes.insert(stream, n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[track_caller]
    fn check(arrows: &[(&str, &str)], expected: Option<&str>) {
        let documents = arrows.iter().enumerate();
        let documents: String = documents
            .map(|(at, (from, to))| format!("  - {{ id: p{at}, stream: {from}, copy: {{ to: {to} }} }}\n"))
            .collect();
        let mut config = Config::default();
        let node = crate::Node::from_yaml(&format!("processors:\n{documents}")).unwrap();
        assert_eq!(config.read(&node), []);
        let found: Vec<String> = cross_check(&config.processors).iter().map(ToString::to_string).collect();
        match expected {
            None => assert!(found.is_empty(), "{found:?}"),
            Some(part) => assert!(found.len() == 1 && found[0].contains(part), "{found:?}"),
        }
    }

    #[test]
    fn no_stream_leads_back_to_itself() {
        check(&[("a", "b"), ("b", "c"), ("a", "c")], None);
        check(&[("a", "a")], Some("processors.p0: closes a circle: a -> a"));
        check(&[("a", "b"), ("b", "a")], Some("processors.p1: closes a circle: a -> b -> a"));
        check(&[("z", "a"), ("a", "b"), ("b", "c"), ("c", "a")], Some("closes a circle: a -> b -> c -> a"));
    }

    #[test]
    fn no_event_becomes_too_many() {
        let twice = |n: usize| -> Vec<(String, String)> {
            (0..2 * n).map(|at| (format!("s{}", at / 2), format!("s{}", at / 2 + 1))).collect()
        };
        for (n, expected) in [(5, None), (6, Some("would become 127 events"))] {
            let arrows = twice(n);
            let arrows: Vec<(&str, &str)> = arrows.iter().map(|(from, to)| (&**from, &**to)).collect();
            check(&arrows, expected);
        }
    }

    #[test]
    fn long_chains_are_bounded() {
        for (n, expected) in [(90, None), (5_000, Some("events, and at most 100 are allowed"))] {
            let arrows: Vec<(String, String)> =
                (0..n).map(|at| (format!("s{at:06}"), format!("s{:06}", at + 1))).collect();
            let arrows: Vec<(&str, &str)> = arrows.iter().map(|(from, to)| (&**from, &**to)).collect();
            check(&arrows, expected);
        }
    }
}

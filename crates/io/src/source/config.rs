//! The documents of sources: decoded, checked, built.
//!
//! Secrets are looked up only in [`SourceConfig::build`]: a document can be checked on a machine that does not hold
//! them.

use std::collections::BTreeSet;

use lanner_core::Node;
use lanner_core::document::{Check, Fields};
use lanner_core::field::{Field, Type};
use lanner_core::reading::{id, text};
use lanner_core::time::parse_duration_ms;

use super::Source;
use super::kind::KindConfig;
use super::kinds::{KINDS, Kind, NAMES};
use crate::remote::{Clients, Problem};

/// The fields that every source has.
pub const FIELDS: &[Field] = &[
    Field::new("name", "berlin", "unique name of the source, as queries name it").of(Type::Id).required(),
    Field::new("kind", "graphite", "kind of server").of(Type::OneOf(NAMES)).required(),
    Field::new("timeout", "10s", "how long an answer may take, waiting and retries included, 100ms to 10m")
        .of(Type::Duration)
        .or("10s"),
    Field::new("parallel", "4", "largest number of concurrent requests, 1 to 64").of(Type::Whole).or("4"),
];

const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 100..=600_000;
const DEFAULT_TIMEOUT_MS: u64 = 10_000;
const DEFAULT_PARALLEL: usize = 4;
const MAX_PARALLEL: i64 = 64;

/// A source's document that was checked: it can be opened.
#[derive(Debug)]
pub struct SourceConfig {
    name: String,
    timeout_ms: u64,
    parallel: usize,
    kind_name: &'static str,
    language: &'static str,
    holds_events: bool,
    kind: Box<dyn KindConfig>,
}

impl SourceConfig {
    /// Reads the list at `node`, which stands at `path`. What is wrong goes to `check`; such sources are left out.
    ///
    /// ```
    /// use lanner_core::document::{Check, Node};
    /// use lanner_io::source::SourceConfig;
    /// let node = Node::from_yaml("[{ name: berlin, kind: graphite, url: https://graphite.example.org }]").unwrap();
    /// let mut check = Check::default();
    /// let sources = SourceConfig::read_all(&node, "sources", &mut check);
    /// assert_eq!((sources[0].name(), check.problems.len()), ("berlin", 0));
    /// ```
    pub fn read_all(node: &Node, path: &str, check: &mut Check) -> Vec<Self> {
        let mut names = BTreeSet::new();
        let mut sources = Vec::new();
        for (at, item) in check.items(node).into_iter().enumerate() {
            let path = format!("{path}[{at}]");
            let Some(source) = Self::read(item, &path, check) else { continue };
            if names.insert(source.name.clone()) {
                sources.push(source);
            } else {
                check.problem(item, &path, format!("there is another source called \"{}\"", source.name));
            }
        }
        sources
    }

    fn read(node: &Node, path: &str, check: &mut Check) -> Option<Self> {
        let mut fields = check.map(node, path)?;
        let name = fields.require("name", "berlin", check);
        let name = name.and_then(|node| noted(id(node, "_-."), node, &fields.path_of("name"), check));
        let timeout_ms = fields.read("timeout", check, timeout_ms).unwrap_or(DEFAULT_TIMEOUT_MS);
        let parallel = fields.read("parallel", check, parallel).unwrap_or(DEFAULT_PARALLEL);
        let kind = fields.require("kind", "graphite", check);
        let kind = kind.and_then(|node| noted(kind_of(node), node, &fields.path_of("kind"), check))?;
        let read = (kind.read)(&mut fields, check);
        finish(fields, kind, check);
        let Kind { name: kind_name, language, holds_events, .. } = *kind;
        Some(Self { name: name?, timeout_ms, parallel, kind_name, language, holds_events, kind: read? })
    }

    /// What queries call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind_name
    }

    /// Looks up secrets and certificates, and makes what asks. Sources that are built with the same `clients` share
    /// their connections.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub fn build(&self, clients: &Clients) -> Result<Source, Vec<Problem>> {
        let fetch = self.kind.build(clients)?;
        let answers = (self.language, self.holds_events);
        Ok(Source::new(self.name.as_str(), self.timeout_ms, self.parallel, answers, fetch))
    }
}

fn finish(fields: Fields<'_>, kind: &Kind, check: &mut Check) {
    let known: Vec<&str> = FIELDS.iter().chain(kind.fields).map(|field| field.name).collect();
    fields.finish(&known, check);
}

/// What was read; an error becomes a problem at its node.
fn noted<T>(read: Result<T, String>, node: &Node, path: &str, check: &mut Check) -> Option<T> {
    read.map_err(|message| check.problem(node, path, message)).ok()
}

fn kind_of(node: &Node) -> Result<&'static Kind, String> {
    let name = text(node)?;
    KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        format!("\"{name}\" is not a kind of source; write one of {}", names.join(", "))
    })
}

fn timeout_ms(node: &Node) -> Result<u64, String> {
    let text = text(node)?;
    let timeout_ms = parse_duration_ms(&text).map_err(|error| error.to_string())?;
    let in_range = u64::try_from(timeout_ms).ok().filter(|timeout_ms| TIMEOUT_MS.contains(timeout_ms));
    in_range.ok_or_else(|| format!("{text} is out of range; write 100ms to 10m"))
}

fn parallel(node: &Node) -> Result<usize, String> {
    let number = text(node)?.parse().ok().filter(|number| (1..=MAX_PARALLEL).contains(number));
    let number = number.and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| format!("should be a whole number from 1 to {MAX_PARALLEL}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the sources that are read, and the paths of the fields that are wrong.
    #[track_caller]
    fn check(yaml: &str, names: &[&str], problems: &[&str]) {
        let mut check = Check::default();
        let sources = SourceConfig::read_all(&Node::from_yaml(yaml).unwrap(), "sources", &mut check);
        let found: Vec<&str> = sources.iter().map(SourceConfig::name).collect();
        let wrong: Vec<&str> = check.problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!((found.as_slice(), wrong.as_slice()), (names, problems), "{yaml}: {:#?}", check.problems);
    }

    #[test]
    fn every_problem_is_told_at_once() {
        check("[{ name: a, kind: graphite, url: http://127.0.0.1:8080 }]", &["a"], &[]);
        check(
            "{ name: a, kind: graphite, url: { env: GRAPHITE_URL }, parallel: 8, timeout: 1m }",
            &["a"],
            &[],
        );
        check(
            "[{ name: a, kind: graphite, url: http://a, auth: { username: u, password: 007 } }]",
            &["a"],
            &[],
        );
        check("[{ name: a }]", &[], &["sources[0]"]);
        check("[{ name: a, kind: pigeon }]", &[], &["sources[0].kind"]);
        check("[{ name: a b, kind: graphite }]", &[], &["sources[0].name", "sources[0]"]);
        check(
            "[{ name: a, kind: graphite, url: ftp://a, timeout: 1h, parallel: 0, tiemout: 1s }]",
            &[],
            &["sources[0].timeout", "sources[0].parallel", "sources[0].url", "sources[0].tiemout"],
        );
        check(
            "[{ name: a, kind: graphite, url: http://a, auth: { bearer: x, username: y } }]",
            &[],
            &["sources[0].auth"],
        );
        check(
            "[{ name: a, kind: graphite, url: http://a }, { name: a, kind: graphite, url: http://b }]",
            &["a"],
            &["sources[1]"],
        );
    }

    #[test]
    fn secrets_stay_hidden() {
        let yaml =
            "{ name: a, kind: graphite, url: 'http://u:hunter2@a/hunter2', auth: { bearer: hunter2 } }";
        let sources = SourceConfig::read_all(&Node::from_yaml(yaml).unwrap(), "", &mut Check::default());
        assert!(sources.len() == 1 && !format!("{sources:?}").contains("hunter2"), "{sources:?}");
    }
}

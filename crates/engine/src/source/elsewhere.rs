//! Streams whose events lie in a source elsewhere, and are counted there: the section `streams`.
//!
//! A rule says `stream: payments` wherever the payments are. Once it is read it is [located](crate::Rule::located) where its streams lie, and what cannot
//! be counted there with the same meaning is refused then, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_conditions::export::Refused;
use lanner_conditions::export::sql::{self, Dialect};
use lanner_core::field::{Field, Type};
use lanner_core::reading;

use super::data::StreamQuery;
use crate::document::{Check, Content, Node};

/// The fields of a stream.
pub const PLACE: &[Field] = &[
    Field::new("source", "shop", "the source under `sources` that holds the events and counts them")
        .of(Type::Id)
        .required(),
    Field::new(
        "table",
        "payments",
        "the table or view whose rows are the events; `schema.table` where it needs one",
    )
    .required(),
    Field::new(
        "time",
        "ts",
        "the column with an event's time: a timestamp (UTC without a zone), or milliseconds since 1970",
    )
    .required(),
];

/// More streams are refused.
const MAX_STREAMS: usize = 10_000;

/// Which streams lie elsewhere, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere(BTreeMap<Arc<str>, Arc<Place>>);

/// Where the events of a stream lie.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// The source.
    pub source: Arc<str>,
    /// The table in it.
    pub table: String,
    /// The column with an event's time.
    pub time: String,
    /// In whose language they are asked about.
    engine: Engine,
}

/// Who counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sql(Dialect),
}

impl Engine {
    /// The engine of a kind of source.
    fn of(kind: &str) -> Option<Self> {
        match kind {
            "postgresql" => Some(Self::Sql(Dialect::PostgreSql)),
            "mysql" => Some(Self::Sql(Dialect::MySql)),
            _ => None,
        }
    }
}

impl Elsewhere {
    /// Reads the section at `node`, which stands at `path`: a map of streams by name. What is wrong goes to `check`.
    ///
    /// - `kind_of`: the kind of the source of a name.
    pub fn read(
        node: &Node,
        path: &str,
        kind_of: &dyn Fn(&str) -> Option<&'static str>,
        check: &mut Check,
    ) -> Self {
        let mut streams = BTreeMap::new();
        let Content::Map(entries) = &node.content else {
            if !matches!(node.content, Content::Null) {
                let message = "should be a map of streams by name, for example { payments: { source: shop, table: payments, time: ts } }";
                check.problem(node, path, message);
            }
            return Self::default();
        };
        if entries.len() > MAX_STREAMS {
            check.problem(node, path, format!("should hold at most {MAX_STREAMS} streams"));
        }
        for (key, node) in entries {
            let place = read_place(node, &format!("{path}.{}", key.name), kind_of, check);
            if let Some(place) = place {
                streams.insert(Arc::from(key.name.as_str()), Arc::new(place));
            }
        }
        Self(streams)
    }

    /// Where a stream lies; `None` for one that lies here.
    #[must_use]
    pub fn place(&self, stream: &str) -> Option<&Arc<Place>> {
        self.0.get(stream)
    }

    /// The names of the streams, in order.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }
}

fn read_place(
    node: &Node,
    path: &str,
    kind_of: &dyn Fn(&str) -> Option<&'static str>,
    check: &mut Check,
) -> Option<Place> {
    let mut fields = check.map(node, path)?;
    for field in PLACE {
        fields.require(field.name, field.example, check);
    }
    let source = fields.read("source", check, |node| reading::id(node, "_-."));
    let table = fields.read("table", check, reading::name);
    let time = fields.read("time", check, reading::name);
    let engine = source.as_ref().and_then(|source| {
        let engine = match kind_of(source) {
            Some(kind) => Engine::of(kind).ok_or_else(|| {
                format!("{source} is a {kind}, which counts no events of streams; write one of kind postgresql or mysql")
            }),
            None => Err(format!("names the source \"{source}\", which is not defined under sources")),
        };
        let path = fields.path_of("source");
        engine.map_err(|message| check.problem(node, &path, message)).ok()
    });
    fields.finish_of(PLACE, check);
    Some(Place { source: source?.into(), table: table?, time: time?, engine: engine? })
}

impl Place {
    /// Refuses what cannot be counted there with the same meaning, whatever the columns are.
    pub(super) fn check(&self, query: &StreamQuery) -> Result<(), Refused> {
        if query.remembers.is_some() {
            return Err(Refused::new(
                "`new` looks at every value that was seen in a long time, which nobody keeps there",
                "send these events here as another stream, or look for new values in SQL",
            ));
        }
        let Engine::Sql(dialect) = self.engine;
        match &query.condition {
            Some(condition) => sql::check(condition.expr(), dialect),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Rule;

    fn read(yaml: &str) -> (Elsewhere, Vec<String>) {
        let kind_of = |name: &str| match name {
            "shop" => Some("postgresql"),
            "old" => Some("mysql"),
            "berlin" => Some("graphite"),
            _ => None,
        };
        let mut check = Check::default();
        let streams = Elsewhere::read(&Node::from_yaml(yaml).unwrap(), "streams", &kind_of, &mut check);
        (streams, check.problems.iter().map(ToString::to_string).collect())
    }

    fn rule(query: &str) -> Rule {
        let text = format!("{{ id: a, query: {query}, window: 1m, absolute: {{ max: 1 }} }}");
        Rule::check(&Node::from_yaml(&text).unwrap(), "", 1).unwrap()
    }

    #[test]
    fn every_problem_is_told_at_once() {
        #[track_caller]
        fn check(yaml: &str, names: &[&str], problems: &[&str]) {
            let (streams, found) = read(yaml);
            let names: Vec<Arc<str>> = names.iter().map(|name| Arc::from(*name)).collect();
            assert_eq!(streams.names().cloned().collect::<Vec<_>>(), names, "{yaml}");
            assert_eq!(found.len(), problems.len(), "{yaml}: {found:?}");
            for (found, expected) in found.iter().zip(problems) {
                assert!(found.contains(expected), "{yaml}: {found}");
            }
        }
        check("{ payments: { source: shop, table: shop.payments, time: ts } }", &["payments"], &[]);
        check("{}", &[], &[]);
        check("[payments]", &[], &["should be a map of streams by name"]);
        check("{ a: { source: shop } }", &[], &["\"table\" is missing", "\"time\" is missing"]);
        check("{ a: { source: x, table: a, time: b } }", &[], &["the source \"x\", which is not defined"]);
        check(
            "{ a: { source: berlin, table: a, time: b } }",
            &[],
            &["is a graphite, which counts no events"],
        );
        check(
            "{ a: { source: shop, table: a, time: b, tabel: c }, b: { source: old, table: a, time: b } }",
            &["a", "b"],
            &["tabel"],
        );
    }

    #[test]
    fn rules_ask_where_their_streams_lie() {
        let (streams, _) = read(
            "{ there: { source: shop, table: p, time: t }, same: { source: shop, table: p, time: t }, old: { source: old, table: p, time: t } }",
        );
        let located = |query: &str| rule(query).located(&streams);
        let here = located("{ stream: here, measure: count }").unwrap();
        assert!(!here.is_shared() && here.query.streams().len() == 1);
        let there = located("{ stream: there, measure: count, where: 'a == 1', by: [b] }").unwrap();
        assert!(there.is_shared() && there.query.streams().is_empty());
        assert_eq!((there.query.kind(), there.query.by()), ("stream", &["b".to_owned()][..]));
        // What is written is what was written, and streams of one table are one question.
        assert_eq!(there.document()["query"]["stream"], "there");
        let same = located("{ stream: same, measure: count, where: 'a = 1', by: [b] }").unwrap();
        assert_eq!((same.query.fingerprint(), same.shard()), (there.query.fingerprint(), there.shard()));
        let other = located("{ stream: same, measure: count, where: 'a = 2', by: [b] }").unwrap();
        assert_ne!(other.query.fingerprint(), there.query.fingerprint());
        let of = |x: &str, y: &str| {
            let part = |stream: &str| format!("{{ stream: {stream}, measure: count }}");
            located(&format!("{{ formula: x / y, of: {{ x: {}, y: {} }} }}", part(x), part(y)))
        };
        let formula = of("there", "same").unwrap();
        assert!(formula.is_shared() && formula.query.streams().is_empty() && !formula.query.is_total());
        assert!(!of("here", "here").unwrap().is_shared());
        for (x, y) in [("there", "here"), ("here", "there"), ("there", "old")] {
            let why = of(x, y).map(|_| ()).unwrap_err();
            assert!(why.message.contains("its measures lie in several places"), "{why}");
        }
        // What MySQL has no words for, PostgreSQL may have.
        assert!(located("{ stream: there, measure: count, where: 'tolower(a) == b' }").is_ok());
        let why =
            located("{ stream: old, measure: count, where: 'tolower(a) == b' }").map(|_| ()).unwrap_err();
        assert!(
            why.path == "rules.a.query" && why.message.contains("MySQL knows no letters of ASCII alone"),
            "{why}"
        );
    }
}

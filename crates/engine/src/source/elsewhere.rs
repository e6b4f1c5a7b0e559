//! Streams whose events lie in a source elsewhere, and are counted there: the section `streams`.
//!
//! A rule says `stream: payments` wherever the payments are. Once it is read it is [located](crate::Rule::located) where its streams lie, and what cannot
//! be counted there with the same meaning is refused then, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_conditions::export::sql::{self, Dialect};
use lanner_conditions::export::{Refused, influxql, search};
use lanner_core::field::{Field, Type};
use lanner_core::reading;

use super::data::StreamQuery;
use super::fields::index;
use crate::document::{Check, Content, Node};
use crate::measure::Measure;

/// The fields of a stream.
pub const PLACE: &[Field] = &[
    Field::new("source", "shop", "the source under `sources` that holds the events and counts them")
        .of(Type::Id)
        .required(),
    Field::new(
        "table",
        "payments",
        "the table or view whose rows are the events (`schema.table` where it needs one), the index or pattern of indices, or the measurement",
    )
    .required(),
    Field::new(
        "time",
        "ts",
        "the column or field with an event's time: a timestamp (UTC without a zone), or milliseconds since 1970; of an InfluxDB `time`",
    )
    .required(),
    Field::new("counted", "amount", "of an InfluxDB, which it needs: a field that every event has, and by which events are counted"),
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
    /// A field that every event has, where events are counted by one.
    pub counted: Option<String>,
    /// In whose language they are asked about.
    engine: Engine,
}

/// Who counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sql(Dialect),
    Search,
    Influx,
}

impl Engine {
    /// The engine of a kind of source.
    fn of(kind: &str) -> Option<Self> {
        match kind {
            "postgresql" => Some(Self::Sql(Dialect::PostgreSql)),
            "mysql" => Some(Self::Sql(Dialect::MySql)),
            "opensearch" => Some(Self::Search),
            "influxdb" => Some(Self::Influx),
            _ => None,
        }
    }

    /// Refuses a measure that has another meaning there.
    fn check_measure(self, measure: &Measure) -> Result<(), Refused> {
        let name = match self {
            Self::Sql(_) => return Ok(()),
            Self::Search => "OpenSearch",
            Self::Influx => "InfluxQL",
        };
        if ["count", "sum", "avg", "min", "max", "distinct"].contains(&measure.kind.name) {
            return Ok(());
        }
        let what = format!("{measure} is something else under that name in {name}");
        Err(Refused::new(what, "measure max or avg, or write the query in its own language"))
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
    for field in PLACE.iter().filter(|field| field.name != "counted") {
        fields.require(field.name, field.example, check);
    }
    let source = fields.read("source", check, |node| reading::id(node, "_-."));
    let is_search = source.as_ref().and_then(|source| kind_of(source)) == Some("opensearch");
    let table = fields.read("table", check, if is_search { index } else { reading::name });
    let time = fields.read("time", check, reading::name);
    let engine = source.as_ref().and_then(|source| {
        let engine = match kind_of(source) {
            Some(kind) => Engine::of(kind).ok_or_else(|| {
                format!("{source} is a {kind}, which counts no events of streams; write one of kind postgresql, mysql, opensearch or influxdb")
            }),
            None => Err(format!("names the source \"{source}\", which is not defined under sources")),
        };
        let path = fields.path_of("source");
        engine.map_err(|message| check.problem(node, &path, message)).ok()
    });
    let counted = fields.read("counted", check, reading::name);
    if engine == Some(Engine::Influx) {
        fields.require("counted", "amount", check);
        if time.as_ref().is_some_and(|time| time != "time") {
            check.problem(node, &fields.path_of("time"), "is called `time` in InfluxDB");
        }
    } else if counted.is_some() {
        check.problem(
            node,
            &fields.path_of("counted"),
            "is needed for streams in an InfluxDB only; remove it",
        );
    }
    fields.finish_of(PLACE, check);
    Some(Place { source: source?.into(), table: table?, time: time?, counted, engine: engine? })
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
        self.engine.check_measure(&query.measure)?;
        match (&query.condition, self.engine) {
            (Some(condition), Engine::Sql(dialect)) => sql::check(condition.expr(), dialect),
            (Some(condition), Engine::Search) => search::check(condition.expr()),
            (Some(condition), Engine::Influx) => {
                influxql::check(condition.expr(), self.counted.as_deref().unwrap_or_default())
            }
            (None, _) => Ok(()),
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
            "logs" => Some("opensearch"),
            "iot" => Some("influxdb"),
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
        check("{ a: { source: logs, table: 'payments-*', time: '@timestamp' } }", &["a"], &[]);
        check("{ a: { source: logs, table: _all, time: t } }", &[], &["should be the name of an index"]);
        check("{ a: { source: iot, table: p, time: time, counted: n } }", &["a"], &[]);
        check(
            "{ a: { source: iot, table: p, time: ts }, b: { source: shop, table: p, time: t, counted: n } }",
            &["a", "b"],
            &["\"counted\" is missing", "is called `time` in InfluxDB", "in an InfluxDB only"],
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
        let (logs, _) = read(
            "{ found: { source: logs, table: p, time: t }, seen: { source: iot, table: p, time: time, counted: n } }",
        );
        for (query, said) in [
            (
                "{ stream: found, measure: p99(ms) }",
                "p99(ms) is something else under that name in OpenSearch",
            ),
            ("{ stream: found, measure: count, where: 'len(a) == 1' }", "OpenSearch has no function"),
            ("{ stream: seen, measure: last(ms) }", "last(ms) is something else under that name in InfluxQL"),
            ("{ stream: seen, measure: count, where: 'not m > 1' }", "the opposite of a test of `m`"),
        ] {
            let why = rule(query).located(&logs).map(|_| ()).unwrap_err();
            assert!(why.path == "rules.a.query" && why.message.contains(said), "{why}");
        }
        assert!(rule("{ stream: seen, measure: count, where: 'not n > 1' }").located(&logs).is_ok());
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

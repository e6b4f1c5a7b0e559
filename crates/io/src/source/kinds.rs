//! The list of all kinds of sources. Configuration, help and tests are made from it.

use lanner_core::document::{Check, Fields};
use lanner_core::field::Field;

use super::kind::KindConfig;
use super::{graphite, influxdb, mysql, opensearch, postgresql, prometheus};

/// One kind of source.
#[derive(Debug)]
pub struct Kind {
    /// Its name in a source's `kind`.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// The language that it answers: the name of a kind of query.
    pub language: &'static str,
    /// Whether it can hold the events of streams, and count them.
    pub holds_events: bool,
    /// Its fields, beside those that every source has.
    pub fields: &'static [Field],
    /// Reads them.
    pub(super) read: fn(&mut Fields<'_>, &mut Check) -> Option<Box<dyn KindConfig>>,
}

/// All kinds, in the order in which help shows them.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "graphite",
        about: "another Graphite; a query is a target",
        language: "target",
        holds_events: false,
        fields: graphite::FIELDS,
        read: graphite::read,
    },
    Kind {
        name: "prometheus",
        about: "a Prometheus, or what answers as one: VictoriaMetrics, Thanos, Mimir",
        language: "promql",
        holds_events: false,
        fields: prometheus::FIELDS,
        read: prometheus::read,
    },
    Kind {
        name: "influxdb",
        about: "an InfluxDB, or what answers `/query` as one; a query is evaluated for each window",
        language: "influxql",
        holds_events: true,
        fields: influxdb::FIELDS,
        read: influxdb::read,
    },
    Kind {
        name: "opensearch",
        about: "OpenSearch or Elasticsearch; documents are counted there",
        language: "opensearch",
        holds_events: true,
        fields: opensearch::FIELDS,
        read: opensearch::read,
    },
    Kind {
        name: "postgresql",
        about: "a PostgreSQL, or what speaks its protocol; a query in SQL is evaluated for each window",
        language: "sql",
        holds_events: true,
        fields: postgresql::FIELDS,
        read: postgresql::read,
    },
    Kind {
        name: "mysql",
        about: "a MySQL or MariaDB; a query in SQL is evaluated for each window",
        language: "sql",
        holds_events: true,
        fields: mysql::FIELDS,
        read: mysql::read,
    },
];

/// Their names, as the field `kind` takes them.
pub(super) const NAMES: &[&str] = &names();

const fn names() -> [&'static str; KINDS.len()] {
    let mut names = [""; KINDS.len()];
    let mut at = 0;
    while at < KINDS.len() {
        names[at] = KINDS[at].name;
        at += 1;
    }
    names
}

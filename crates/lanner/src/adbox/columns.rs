//! The fields of Wazuh 4 in Wazuh 5, so that one use case gives the same features from both.
//!
//! Use cases name fields as alerts of Wazuh 4 have them. Findings of Wazuh 5 have the names of the Elastic Common Schema, and Wazuh's own below
//! `wazuh.`. Source: the field reference of the Wazuh Common Schema, 5.0, and "Custom dashboards migration" of its documentation.

use lanner_deep::Cell;
use serde_json::{Map, Value, json};

use super::documents::{plain_cell, plain_cells};

/// A version of Wazuh, by how its indices are named and its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Version {
    /// Alerts: wazuh-alerts-*.
    #[value(name = "4")]
    Four,
    /// Findings: wazuh-findings-v5*.
    #[value(name = "5")]
    Five,
}

impl Version {
    /// The field with the time of a document.
    pub(crate) const fn time(self) -> &'static str {
        match self {
            Self::Four => "timestamp",
            Self::Five => "@timestamp",
        }
    }
}

/// How a value of Wazuh 5 becomes that of Wazuh 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum As {
    /// As it is.
    Is,
    /// A share from 0 to 1 becomes per cent.
    Percent,
    /// A word becomes a number.
    Level,
}

/// A field of Wazuh 4, the fields of Wazuh 5 of which the first that is there counts, and what becomes of its value.
type Column = (&'static str, &'static [&'static str], As);

/// In order of their names.
const COLUMNS: [Column; 64] = [
    ("agent.id", &["wazuh.agent.id"], As::Is),
    ("agent.ip", &["wazuh.agent.host.ip"], As::Is),
    ("agent.name", &["wazuh.agent.name"], As::Is),
    ("cluster.name", &["wazuh.cluster.name"], As::Is),
    ("cluster.node", &["wazuh.cluster.node"], As::Is),
    ("data.action", &["event.action"], As::Is),
    ("data.alert.action", &["event.action"], As::Is),
    ("data.alert.category", &["rule.category"], As::Is),
    ("data.alert.severity", &["event.severity"], As::Is),
    ("data.alert.signature", &["rule.name"], As::Is),
    ("data.alert.signature_id", &["rule.id"], As::Is),
    ("data.app_proto", &["network.protocol"], As::Is),
    ("data.arch", &["package.architecture"], As::Is),
    ("data.command", &["process.command_line"], As::Is),
    ("data.cpu_usage_%", &["host.cpu.usage", "wazuh.agent.host.cpu.usage"], As::Percent),
    ("data.dest_ip", &["destination.ip"], As::Is),
    ("data.dest_port", &["destination.port"], As::Is),
    ("data.direction", &["network.direction"], As::Is),
    ("data.dstip", &["destination.ip"], As::Is),
    ("data.dstport", &["destination.port"], As::Is),
    ("data.dstuser", &["destination.user.name", "user.target.name", "user.name"], As::Is),
    ("data.flow.bytes_toclient", &["destination.bytes"], As::Is),
    ("data.flow.bytes_toserver", &["source.bytes"], As::Is),
    ("data.flow.dest_ip", &["destination.ip"], As::Is),
    ("data.flow.dest_port", &["destination.port"], As::Is),
    ("data.flow.end", &["event.end"], As::Is),
    ("data.flow.pkts_toclient", &["destination.packets"], As::Is),
    ("data.flow.pkts_toserver", &["source.packets"], As::Is),
    ("data.flow.reason", &["event.reason"], As::Is),
    ("data.flow.src_ip", &["source.ip"], As::Is),
    ("data.flow.src_port", &["source.port"], As::Is),
    ("data.flow.start", &["event.start"], As::Is),
    ("data.http.hostname", &["url.domain"], As::Is),
    ("data.http.http_content_type", &["http.response.mime_type"], As::Is),
    ("data.http.http_method", &["http.request.method"], As::Is),
    ("data.http.http_user_agent", &["user_agent.original"], As::Is),
    ("data.http.length", &["http.response.body.bytes"], As::Is),
    ("data.http.protocol", &["http.version"], As::Is),
    ("data.http.status", &["http.response.status_code"], As::Is),
    ("data.http.url", &["url.original"], As::Is),
    ("data.in_iface", &["observer.ingress.interface.name"], As::Is),
    ("data.level", &["log.level"], As::Is),
    (
        "data.memory_usage_%",
        &["host.memory.used.percentage", "wazuh.agent.host.memory.used.percentage"],
        As::Is,
    ),
    ("data.package", &["package.name"], As::Is),
    ("data.proto", &["network.transport"], As::Is),
    ("data.protocol", &["network.protocol"], As::Is),
    ("data.pwd", &["process.working_directory"], As::Is),
    ("data.src_ip", &["source.ip"], As::Is),
    ("data.src_port", &["source.port"], As::Is),
    ("data.srcip", &["source.ip"], As::Is),
    ("data.srcport", &["source.port"], As::Is),
    ("data.srcuser", &["source.user.name", "user.name"], As::Is),
    ("data.uid", &["user.id"], As::Is),
    ("data.url", &["url.original"], As::Is),
    ("data.version", &["package.version"], As::Is),
    ("decoder.name", &["wazuh.integration.name"], As::Is),
    ("full_log", &["event.original"], As::Is),
    ("id", &["wazuh.event.id"], As::Is),
    ("location", &["wazuh.protocol.location"], As::Is),
    ("manager.name", &["wazuh.cluster.node"], As::Is),
    ("rule.description", &["wazuh.rule.title"], As::Is),
    ("rule.groups", &["wazuh.integration.name"], As::Is),
    ("rule.id", &["wazuh.rule.id"], As::Is),
    (LEVEL, &["wazuh.rule.level"], As::Level),
];

const LEVEL: &str = "rule.level";

/// The words of Wazuh 5, and the least level that Wazuh 4 shows so.
const LEVELS: [(&str, f64); 5] =
    [("informational", 0.0), ("low", 3.0), ("medium", 7.0), ("high", 12.0), ("critical", 15.0)];

fn find(field: &str) -> Option<&'static Column> {
    let at = COLUMNS.binary_search_by(|(name, ..)| (*name).cmp(field)).ok()?;
    COLUMNS.get(at)
}

/// What a document of either version has in a field of Wazuh 4. Other fields are looked at by their own names.
pub(crate) fn cell<'v>(document: &'v Value, field: &str) -> Option<Cell<'v>> {
    match find(field) {
        Some((_, names, how)) if is_of_five(document) => {
            let found = names.iter().find_map(|name| plain_cell(document, name))?;
            how.of(found)
        }
        _ => plain_cell(document, field),
    }
}

/// All that a document of either version has in a field of Wazuh 4: the items of a list, or one value.
pub(crate) fn cells<'v>(document: &'v Value, field: &str) -> Vec<Cell<'v>> {
    match find(field) {
        Some((_, names, how)) if is_of_five(document) => {
            let found = names.iter().map(|name| plain_cells(document, name)).find(|found| !found.is_empty());
            found.into_iter().flatten().filter_map(|cell| how.of(cell)).collect()
        }
        _ => plain_cells(document, field),
    }
}

/// Whether a document is of Wazuh 5: its own fields lie below `wazuh`.
fn is_of_five(document: &Value) -> bool {
    let Some(fields) = document.as_object() else { return false };
    fields.get("wazuh").is_some_and(Value::is_object) || fields.keys().any(|name| name.starts_with("wazuh."))
}

impl As {
    fn of(self, cell: Cell<'_>) -> Option<Cell<'_>> {
        match (self, cell) {
            (Self::Percent, Cell::Number(share)) => Some(Cell::Number(share * 100.0)),
            (Self::Percent, Cell::Text(text)) => {
                text.parse().ok().map(|share: f64| Cell::Number(share * 100.0))
            }
            (Self::Level, Cell::Text(word)) => Some(
                LEVELS.iter().find(|(name, _)| *name == word).map_or(cell, |(_, level)| Cell::Number(*level)),
            ),
            (_, cell) => Some(cell),
        }
    }
}

/// The fields to ask a version for.
pub(crate) fn fields(version: Version, fields: &[String]) -> Vec<String> {
    let own = match version {
        Version::Four => return fields.to_vec(),
        // What tells the version of a document.
        Version::Five => ["wazuh.agent.id", "wazuh.event.id"],
    };
    let mapped = fields.iter().flat_map(|field| {
        let names = find(field).map(|(_, names, _)| names.iter().map(|name| (*name).to_owned()).collect());
        names.unwrap_or_else(|| vec![field.clone()])
    });
    own.map(str::to_owned).into_iter().chain(mapped).collect()
}

/// The fields that Wazuh 5 has no place for: they are below `data.`, as Wazuh 4's decoders write them.
pub(crate) fn without_place(fields: &[String]) -> Vec<&str> {
    let of_four = ["data.", "decoder.", "predecoder.", "rule.", "manager."];
    let is_lost =
        |field: &&str| find(field).is_none() && of_four.iter().any(|start| field.starts_with(start));
    fields.iter().map(String::as_str).filter(is_lost).collect()
}

/// A filter in the language of OpenSearch that names fields of Wazuh 4, for Wazuh 5.
pub(crate) fn filter(filter: &Value) -> Value {
    match filter {
        Value::Array(all) => all.iter().map(self::filter).collect(),
        Value::Object(fields) => {
            if let Some(levels) = fields.get("range").and_then(|range| range.get(LEVEL)) {
                return json!({ "terms": { "wazuh.rule.level": words(levels) } });
            }
            let renamed = fields.iter().map(|(key, value)| {
                let value = match value.as_str().filter(|_| key == "field").and_then(find) {
                    Some((_, names, _)) => json!(names[0]),
                    None => self::filter(value),
                };
                match find(key) {
                    Some((LEVEL, names, _)) => (names[0].to_owned(), as_words(&value)),
                    Some((_, names, _)) => (names[0].to_owned(), value),
                    None => (key.clone(), value),
                }
            });
            Value::Object(renamed.collect::<Map<String, Value>>())
        }
        other => other.clone(),
    }
}

/// The words of the levels within a range.
fn words(range: &Value) -> Vec<&'static str> {
    let bound = |name: &str| range.get(name).and_then(number);
    let is_within = |level: f64| {
        bound("gte").is_none_or(|low| level >= low)
            && bound("gt").is_none_or(|low| level > low)
            && bound("lte").is_none_or(|high| level <= high)
            && bound("lt").is_none_or(|high| level < high)
    };
    LEVELS.iter().filter(|(_, level)| is_within(*level)).map(|(word, _)| *word).collect()
}

/// Levels by number as the words of their classes.
fn as_words(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(as_words).collect(),
        value => number(value).map_or_else(
            || value.clone(),
            |wanted| {
                let class = LEVELS.iter().rev().find(|(_, level)| wanted >= *level);
                json!(class.map_or("informational", |(word, _)| word))
            },
        ),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_in_order() {
        assert!(COLUMNS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn both_versions_say_the_same() {
        let four = json!({
            "timestamp": "2026-11-30T10:00:00.000+0000", "id": "1.2", "location": "journald",
            "agent": { "id": "007", "name": "web", "ip": "192.0.2.7" },
            "rule": { "id": "5710", "level": 7, "groups": ["sshd"], "description": "unknown user" },
            "decoder": { "name": "sshd" },
            "data": { "srcip": "203.0.113.5", "srcport": "4711", "srcuser": "root", "cpu_usage_%": 25, "alert": { "signature_id": 2001 },
                "http": { "length": 512, "status": "404" } },
        });
        let five = json!({
            "@timestamp": "2026-11-30T10:00:00.000Z", "event": { "original": "..." },
            "wazuh": { "agent": { "id": "007", "name": "web", "host": { "ip": ["192.0.2.7"] } }, "event": { "id": "1.2" },
                "rule": { "id": "5710", "level": "medium", "title": "unknown user" }, "integration": { "name": "sshd" },
                "protocol": { "location": "journald" } },
            "rule": { "id": 2001, "name": "scan" }, "source": { "ip": "203.0.113.5", "port": "4711" }, "user": { "name": "root" },
            "host": { "cpu": { "usage": 0.25 } }, "http": { "response": { "status_code": "404", "body": { "bytes": 512 } } },
        });
        for field in [
            "agent.id",
            "agent.name",
            "agent.ip",
            "rule.id",
            "rule.level",
            "rule.groups",
            "rule.description",
            "decoder.name",
            "data.srcip",
            "data.srcport",
            "data.srcuser",
            "data.cpu_usage_%",
            "data.alert.signature_id",
            "data.http.length",
            "data.http.status",
            "id",
            "location",
        ] {
            let [four, five] = [&four, &five].map(|document| cell(document, field));
            assert!(four.is_some() && four == five, "{field}: {four:?} {five:?}");
        }
        // Names of Wazuh 5 are understood as they are.
        assert_eq!(cell(&five, "source.ip"), Some(Cell::Text("203.0.113.5")));
        assert_eq!(cell(&five, "data.flow_id"), None);
        assert_eq!(cell(&json!({ "wazuh.agent.name": "web" }), "agent.name"), Some(Cell::Text("web")));
        assert_eq!(cell(&json!({ "wazuh": { "rule": { "level": "odd" } } }), LEVEL), Some(Cell::Text("odd")));
    }

    #[test]
    fn fields_and_filters_are_translated() {
        let wanted = ["rule.level", "data.flow_id", "data.dstuser"].map(str::to_owned);
        assert_eq!(fields(Version::Four, &wanted), wanted);
        assert_eq!(
            fields(Version::Five, &wanted),
            [
                "wazuh.agent.id",
                "wazuh.event.id",
                "wazuh.rule.level",
                "data.flow_id",
                "destination.user.name",
                "user.target.name",
                "user.name"
            ]
        );
        assert_eq!(without_place(&wanted), ["data.flow_id"]);
        #[track_caller]
        fn check(four: &Value, five: &Value) {
            assert_eq!(filter(four), *five);
        }
        check(
            &json!({ "terms": { "rule.groups": ["sshd"] } }),
            &json!({ "terms": { "wazuh.integration.name": ["sshd"] } }),
        );
        check(
            &json!({ "exists": { "field": "data.srcip" } }),
            &json!({ "exists": { "field": "source.ip" } }),
        );
        check(
            &json!({ "bool": { "must": [{ "range": { "rule.level": { "gte": 7, "lt": 15 } } }, { "term": { "agent.id": "007" } }] } }),
            &json!({ "bool": { "must": [{ "terms": { "wazuh.rule.level": ["medium", "high"] } }, { "term": { "wazuh.agent.id": "007" } }] } }),
        );
        check(&json!({ "term": { "rule.level": 13 } }), &json!({ "term": { "wazuh.rule.level": "high" } }));
        check(
            &json!({ "range": { "data.alert.severity": { "gte": 2 } } }),
            &json!({ "range": { "event.severity": { "gte": 2 } } }),
        );
    }
}

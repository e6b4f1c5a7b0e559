//! The whole configuration as lists of fields: the reference and the schema for editors are generated from the lists that
//! the readers use.

// Only the test that compares docs/configuration.md writes the page.
#[cfg(test)]
mod reference;
pub(crate) mod schema;

use lanner_core::field::{Field, Type};
use lanner_core::intervals::TIME_INTERVAL;
use lanner_engine::{config, processor, rule};
use lanner_io::{consume, remote_write, scrape, source};
use lanner_server::{settings, silences};

/// A section of a configuration file.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) fields: Vec<Field>,
    /// How many such maps it is.
    pub(crate) shape: Shape,
}

/// What a section is of maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One.
    One,
    /// A list of them.
    List,
    /// A map of names to them.
    ByName,
}

/// Every section, in the order in which people write them.
pub(crate) fn sections() -> Vec<Section> {
    let list =
        |name, about, fields: &[Field]| Section { name, about, fields: fields.to_vec(), shape: Shape::List };
    let one =
        |name, about, fields: &[Field]| Section { name, about, fields: fields.to_vec(), shape: Shape::One };
    vec![
        list(
            "rules",
            "What to measure, when, which values are anomalous, and who is notified: see [rules](rules.md). A rule has \
             exactly one detector.",
            &[rule::FIELDS, &rule::DETECTORS].concat(),
        ),
        list(
            "processors",
            "What becomes of events before they are stored: see [processors](processors.md). A processor has exactly one kind.",
            &[processor::FIELDS, &processor::KIND_FIELDS].concat(),
        ),
        list(
            "receivers",
            "Who is notified, and how: see [receivers](receivers.md). Every receiver has these fields; each kind has fields of \
             its own.",
            &[config::RECEIVER, &[KIND]].concat(),
        ),
        list(
            "time_intervals",
            "Recurring times, by name: see [receivers](receivers.md#time-intervals). An interval written in place, in a \
             receiver or a silence, needs no name.",
            TIME_INTERVAL,
        ),
        list(
            "inhibit",
            "Alerts that mute others: see [rules](rules.md#silences-and-inhibition).",
            config::INHIBITION,
        ),
        list("switches", "Kill switches: see [switches](switches.md).", lanner_switch::FIELDS),
        list(
            "silences",
            "Silences with a name, so that a file can be applied again. Silences made with `lanner silence add` exist \
             beside them.",
            silences::FIELDS,
        ),
        list(
            "sources",
            "Other servers that queries may ask: see [rules](rules.md#sources). Every source has these fields; each kind has \
             fields of its own. Read like `server`; `lanner reload` applies changes.",
            source::FIELDS,
        ),
        Section {
            name: "streams",
            about: "Streams whose events lie in one of the `sources`, and are counted there: see [rules](rules.md#events-that-lie-elsewhere). \
                    A map of streams by name. Read like `server`; changes take effect at the next start.",
            fields: lanner_engine::source::PLACE.to_vec(),
            shape: Shape::ByName,
        },
        list(
            "scrape",
            "Targets that are asked for their metrics in Prometheus' text format: see [sending data](sending.md#scraping). Read like \
             `server`; `lanner reload` applies changes.",
            scrape::FIELDS,
        ),
        list(
            "consume",
            "Brokers whose messages are taken: see [sending data](sending.md#brokers). Every consumer has these fields; each kind of \
             broker has fields of its own. Read like `server`; `lanner reload` applies changes.",
            consume::FIELDS,
        ),
        list(
            "remote_write",
            "Servers that alerts, evaluations and metrics are sent to: see [Prometheus](prometheus.md#samples-for-prometheus). Read like \
             `server`; `lanner reload` applies changes.",
            remote_write::FIELDS,
        ),
        one(
            "server",
            "The server's own settings. The server reads them at startup (`lanner serve --config`); `lanner apply` does not \
             apply them. Options of `lanner serve` and environment variables take precedence.",
            settings::SERVER,
        ),
        one(
            "retention",
            "Resolution of data and how long it is kept: see [retention](retention.md). Read like `server`.",
            settings::RETENTION,
        ),
    ]
}

/// Which receiver it is. The kinds are in a list of their own.
const KIND: Field =
    Field::new("kind", "webhook", "how messages are sent; one of the kinds below").of(Type::Id).required();

#[cfg(test)]
mod tests {
    use lanner_io::receiver::KINDS;

    use super::*;

    /// Walks every field there is, with its path.
    fn walk(path: &str, fields: &[Field], visit: &mut dyn FnMut(&str, &Field)) {
        for field in fields {
            let path = format!("{path}.{}", field.name);
            visit(&path, field);
            for inner in reference::maps(field.kind) {
                walk(&path, inner, visit);
            }
        }
    }

    #[test]
    fn every_field_is_documented() {
        let mut check = |path: &str, field: &Field| {
            assert!(field.about.len() > 3 && !field.about.ends_with('.'), "{path} is not explained");
            assert!(!field.example.is_empty(), "{path} has no example");
            let read = lanner_core::Node::from_yaml(&format!("{}: {}\n", field.name, field.example));
            assert!(read.is_ok(), "{path}: {}: {read:?}", field.example);
            assert!(!field.is_required || field.default.is_empty(), "{path} is needed and has a default");
        };
        for section in sections() {
            walk(section.name, &section.fields, &mut check);
        }
        for kind in KINDS {
            walk(kind.name, kind.fields, &mut check);
        }
        for kind in source::KINDS {
            walk(kind.name, kind.fields, &mut check);
        }
        for kind in consume::KINDS {
            walk(kind.name, kind.fields, &mut check);
        }
    }
}

//! A processor as it is written: `{ id: access, stream: access-log, parse: { as: combined } }`.

use std::sync::{Arc, LazyLock};

use lanner_core::field::{self, Field, Type};
use lanner_core::reading;
use serde_json::Value;

use super::{KINDS, Kind, Processor};
use crate::document::{Check, Node, Problems};

/// The fields of a processor of any kind.
pub const FIELDS: &[Field] = &[
    Field::new("id", "access", "unique id of the processor").of(Type::Id).required(),
    Field::new("stream", "access-log", "the stream whose events it processes").required(),
    Field::new(
        "order",
        "10",
        "place among the processors of the stream, the smallest first; by default that in the file",
    )
    .of(Type::Whole),
];

/// The kinds as fields of a processor, which has exactly one of them.
pub static KIND_FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let field = |kind: &Kind| Field::new(kind.name, kind.example, kind.about).of(Type::Map(kind.fields));
    KINDS.iter().map(field).collect()
});

/// A processor, what it is called and where it stands.
#[derive(Debug, Clone)]
pub struct Configured {
    /// Its id.
    pub id: Arc<str>,
    /// The stream whose events it processes.
    pub stream: Arc<str>,
    /// Its place among the processors of the stream, the smallest first; of equals the one whose id comes first.
    pub order: i64,
    /// What it does.
    pub processor: Arc<dyn Processor>,
    /// Its document as it is stored, with its place.
    pub document: Value,
}

impl Configured {
    /// Checks the document of one processor.
    ///
    /// - `path`: how problems name the document, as in `processors[0]`; may be empty.
    /// - `place`: given the stream, the place that counts where the document names none.
    ///
    /// # Errors
    /// Every problem in the document.
    ///
    /// ```
    /// use lanner_engine::document::Node;
    /// use lanner_engine::processor::Configured;
    /// let node = Node::from_yaml("{ id: access, stream: access-log, parse: { as: combined } }").unwrap();
    /// let processor = Configured::check(&node, "", |_| 0).unwrap();
    /// assert_eq!((&*processor.stream, processor.processor.kind()), ("access-log", "parse"));
    /// ```
    pub fn check(node: &Node, path: &str, place: impl FnOnce(&str) -> i64) -> Result<Self, Problems> {
        let mut check = Check::default();
        let read = read(node, path, place, &mut check);
        match read {
            Some(read) if check.problems.is_empty() => Ok(read),
            _ => Err(Problems(check.problems)),
        }
    }
}

fn read(node: &Node, path: &str, place: impl FnOnce(&str) -> i64, check: &mut Check) -> Option<Configured> {
    let mut fields = check.map(node, path)?;
    fields.require("id", "access", check);
    let id = fields.read("id", check, |node| reading::id(node, "-_."));
    fields.require("stream", "access-log", check);
    let stream = fields.read("stream", check, reading::name);
    let order = fields.read("order", check, |node| {
        let whole = node.number().filter(|order| order.fract() == 0.0 && order.abs() <= 1e9);
        whole.map(|order| order as i64).ok_or_else(|| "should be a whole number".to_owned())
    });
    let chosen: Vec<&Kind> = KINDS.iter().filter(|kind| fields.get(kind.name).is_some()).collect();
    let names = || KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    let processor = match chosen[..] {
        [kind] => fields.get(kind.name).and_then(|inner| {
            let mut inner = check.map(inner, &fields.path_of(kind.name))?;
            let processor = (kind.read)(&mut inner, check);
            inner.finish_of(kind.fields, check);
            processor
        }),
        [] => {
            let message = format!("should have one of {}, for example parse: {{ as: json }}", names());
            check.problem(node, path, message);
            None
        }
        _ => {
            check.problem(node, path, format!("has several of {}; write one processor for each", names()));
            None
        }
    };
    fields.finish_of(&[FIELDS, &KIND_FIELDS].concat(), check);
    let (id, stream, processor) = (id?, stream?, processor?);
    let order = order.unwrap_or_else(|| place(&stream));
    let mut document = field::to_json(node, &[FIELDS, &KIND_FIELDS]);
    document["order"] = order.into();
    Some(Configured { id: id.into(), stream: stream.into(), order, processor, document })
}

//! Fields that several kinds of query have.

use lanner_core::field::{Field, Type};
use lanner_core::reading;

use crate::document::{Check, Fields, Node};
use crate::rule::template::VARIABLES;

/// The events that are measured.
pub(super) const STREAM: Field = Field::new("stream", "payments", "the stream of events to measure");

/// Which of them.
pub(super) const WHERE: Field =
    Field::new("where", "'status == \"ok\"'", "condition that events must match").of(Type::Condition);

/// The series that are measured.
pub(super) const SERIES: Field =
    Field::new("series", "'cpu.*'", "the series to measure; `*` stands for any characters");

/// Which of them.
pub(super) const LABELS: Field =
    Field::new("labels", "{ dc: eu }", "labels that series must have").of(Type::ByName(&Type::Text));

/// What is measured.
pub(super) const MEASURE: Field = Field::new(
    "measure",
    "sum(amount)",
    "of a stream `count`, or `sum`, `avg`, `min`, `max`, `last`, `p50` to `p99.9` and `distinct` of a field; of series one \
     of these words alone, or `rate` or `increase` of counters; `avg` by default",
);

/// What forms groups.
pub(super) const BY: Field = Field::new(
    "by",
    "[bank]",
    "fields of events, or labels of series, to group by; `\"*\"` makes each series a group",
)
.of(Type::List(&Type::Text));

/// What can be the name of an index, or a pattern of names; it becomes a part of an address.
pub(super) fn index(node: &Node) -> Result<String, String> {
    let index = reading::name(node)?;
    let is_path = index.chars().all(|c| c == '.');
    let odd = ['/', '\\', '?', '#', '"', '<', '>', '|', ' '];
    if is_path || index.starts_with('_') || index.contains(odd) {
        return Err("should be the name of an index or a pattern, for example payments-*".to_owned());
    }
    Ok(index)
}

/// The names in `by`.
pub(super) fn read_by(fields: &mut Fields<'_>, check: &mut Check) -> Vec<String> {
    let by = reading::names(fields, "by", check);
    for name in &by {
        let message = match name.as_str() {
            blank if blank.trim().is_empty() => {
                "holds an empty name; write the names of fields or labels".to_owned()
            }
            name if VARIABLES.contains(&name) => {
                format!("the name \"{name}\" is taken by a variable of templates")
            }
            _ => continue,
        };
        check.problem(fields.node, &fields.path_of("by"), message);
    }
    by
}

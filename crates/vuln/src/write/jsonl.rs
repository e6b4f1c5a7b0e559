//! The normal form as JSON lines, each with its key.

use serde_json::Value;

use super::output::{Lines, Output};
use crate::finding::Finding;
use crate::key::key;

pub(super) const OUTPUT: Output = Output {
    name: "jsonl",
    title: "the normal form, a JSON document a line",
    raw: false,
    open: || Box::new(Lines(document)),
};

fn document(finding: &Finding) -> Option<Value> {
    let mut document = serde_json::to_value(finding).ok()?;
    document.as_object_mut()?.insert("key".to_owned(), key(finding).to_string().into());
    Some(document)
}

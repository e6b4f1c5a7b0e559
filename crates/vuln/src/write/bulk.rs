//! The bulk requests of Elasticsearch and OpenSearch: an action and a document in turn. A finding's key is its document's id,
//! so that a report that is loaded twice makes no second document.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::ecs;
use super::output::{Output, Writer};
use crate::finding::Finding;
use crate::key::key;

pub(super) const OUTPUT: Output = Output {
    name: "bulk",
    title: "NDJSON for the _bulk endpoint of Elasticsearch and OpenSearch, with documents of ECS",
    raw: false,
    open: || Box::new(Bulk { index: "vulnerabilities", document: |finding| Some(ecs::document(finding)) }),
};

/// Documents with their actions.
pub(super) struct Bulk {
    pub(super) index: &'static str,
    pub(super) document: fn(&Finding) -> Option<Value>,
}

impl Writer for Bulk {
    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
        let Some(document) = (self.document)(finding) else { return Ok(()) };
        let action = json!({"index": {"_index": self.index, "_id": key(finding).to_string()}});
        writeln!(out, "{action}")?;
        writeln!(out, "{document}")
    }
}

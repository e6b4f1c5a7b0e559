//! A configuration as one document: what is stored, shown and compared.

use lanner_engine::config::RECEIVER as RECEIVER_FIELDS;
use lanner_engine::{Config, Rule};
use lanner_io::receiver::to_document;
use lanner_io::state::{StateStore, StoreError};
use serde_json::Value;

use crate::documents::{INHIBITION, RECEIVER, RULE};

/// Everything that is stored, as one configuration document.
///
/// # Errors
/// Failures of the store.
pub(crate) fn stored_document(store: &dyn StateStore) -> Result<Value, StoreError> {
    let list = |kind| -> Result<Vec<Value>, StoreError> {
        Ok(store.documents(kind)?.into_iter().filter_map(|stored| stored.document).collect())
    };
    Ok(document(list(RULE)?, list(RECEIVER)?, Some(list(INHIBITION)?)))
}

/// The document that a configuration is: what is stored and compared, with text where text is expected.
#[must_use]
pub fn document_of(config: &Config, has_inhibitions: bool) -> Value {
    let rules = config.rules.iter().map(Rule::document).collect();
    let receivers =
        config.receivers.iter().map(|receiver| to_document(&receiver.node, RECEIVER_FIELDS)).collect();
    document(rules, receivers, has_inhibitions.then(|| config.inhibition_documents.clone()))
}

/// A configuration document of its sections. They are moved; `json!` would copy thousands of rules.
#[must_use]
pub fn document(rules: Vec<Value>, receivers: Vec<Value>, inhibit: Option<Vec<Value>>) -> Value {
    let sections = [("rules", Some(rules)), ("receivers", Some(receivers)), ("inhibit", inhibit)];
    let written = sections.into_iter().filter_map(|(name, items)| Some((name.to_owned(), items?.into())));
    Value::Object(written.collect())
}

//! Stored documents that cannot be read: they are named, and the rest is in force.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

use crate::sync::locked;

/// Why documents of each kind are not in force, by kind and id.
pub(crate) type Aside = BTreeMap<(&'static str, String), String>;

/// Why a document that names itself otherwise than it is stored is not in force.
pub(crate) fn misplaced(document: &Value, field: &str) -> String {
    let named = document.get(field).unwrap_or(&Value::Null);
    format!(
        "its {field} is {named}, and it is stored under another; delete it and apply it again with the {field} as text"
    )
}

fn tell_new(aside: &Aside, found: &Aside) {
    for ((kind, id), why) in found {
        if aside.get(&(*kind, id.clone())) != Some(why) {
            tracing::error!("the stored {kind} \"{id}\" is set aside, the rest is in force: {why}");
        }
    }
}

/// What is set aside now, for lists and the status.
#[derive(Debug, Default)]
pub struct SetAside(Mutex<Aside>);

impl SetAside {
    /// Replaces what is set aside of these kinds; what is new is logged.
    pub fn replace(&self, kinds: &[&str], found: Aside) {
        let mut aside = locked(&self.0);
        tell_new(&aside, &found);
        aside.retain(|(kind, _), _| !kinds.contains(kind));
        aside.extend(found);
    }

    /// As [`Self::replace`], of these documents of one kind.
    pub(crate) fn replace_some<'i>(
        &self,
        kind: &'static str,
        ids: impl IntoIterator<Item = &'i str>,
        found: Aside,
    ) {
        tell_new(&locked(&self.0), &found);
        self.forget(kind, ids);
        locked(&self.0).extend(found);
    }

    /// Forgets what was said of documents that were written or deleted since.
    pub fn forget<'i>(&self, kind: &'static str, ids: impl IntoIterator<Item = &'i str>) {
        let mut aside = locked(&self.0);
        for id in ids {
            aside.remove(&(kind, id.to_owned()));
        }
    }

    /// Why a document is not in force, if it is not.
    #[must_use]
    pub fn problem(&self, kind: &'static str, id: &str) -> Option<String> {
        locked(&self.0).get(&(kind, id.to_owned())).cloned()
    }

    /// All that is set aside: kind, id and why.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, String, String)> {
        locked(&self.0).iter().map(|((kind, id), why)| (*kind, id.clone(), why.clone())).collect()
    }
}

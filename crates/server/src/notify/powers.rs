//! What receivers may do on this machine: those of the configuration everything, those that came over the API what
//! `server.allow` says.
//!
//! Whoever may call the API is not thereby an operator of the machine: a receiver could run programs, write files, and
//! send the server's own secrets elsewhere. Asked when a receiver is applied and again whenever one is made of what is
//! stored, so that what an earlier release took, or an earlier configuration allowed, does not stay.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use lanner_engine::document::Problem;
use lanner_io::state::{StateStore, StoreError, StoredDocument};
use serde_json::Value;

use crate::base::Base;
use crate::documents::{CONFIGURATION, RECEIVER};
use crate::settings::live::InForce;

/// Fields that say to whom or how often, and give no power.
const FREE: [&str; 11] = [
    "name",
    "to",
    "cc",
    "channel",
    "timeout",
    "group_by",
    "group_wait",
    "group_interval",
    "repeat",
    "send_resolved",
    "only",
];

/// What receivers may do here.
#[derive(Debug)]
pub(crate) struct Powers {
    store: Arc<dyn StateStore>,
    live: Arc<InForce>,
    folder: PathBuf,
}

impl Powers {
    /// As the settings allow.
    #[must_use]
    pub(crate) fn new(base: &Base) -> Self {
        Self {
            store: Arc::clone(&base.state),
            live: Arc::clone(&base.live),
            folder: base.settings.folder.clone(),
        }
    }

    /// Who wrote the stored receivers.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn origins(&self) -> Result<Origins, StoreError> {
        let stored = self.store.documents(RECEIVER)?;
        Ok(Origins { stored: stored.into_iter().map(|it| (it.id.clone(), it)).collect() })
    }

    /// The problems of receivers that come over the API.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn check(&self, receivers: &[Value]) -> Result<Vec<Problem>, StoreError> {
        let origins = self.origins()?;
        let mut problems = Vec::new();
        for (at, document) in receivers.iter().enumerate() {
            for (field, message) in origins.refusals(self, document) {
                let name =
                    document["name"].as_str().map_or_else(|| format!("[{at}]"), |name| format!(".{name}"));
                problems.push(Problem {
                    at: None,
                    path: format!("receivers{name}.{field}"),
                    message,
                    hint: None,
                });
            }
        }
        Ok(problems)
    }

    /// The file that Seyren's subscriptions of type `LOGGER` write: its place is the server's choice, not the caller's.
    ///
    /// # Errors
    /// When the working folder is gone.
    pub(crate) fn own_log(&self) -> std::io::Result<PathBuf> {
        Ok(std::path::absolute(&self.folder)?.join("seyren.log"))
    }

    fn is_own_log(&self, document: &Value) -> bool {
        let path = document["path"].as_str().map(std::path::Path::new);
        document["kind"] == "log" && path.is_some() && self.own_log().ok().as_deref() == path
    }
}

/// Who wrote each stored receiver, by name.
pub(crate) struct Origins {
    stored: HashMap<String, StoredDocument>,
}

impl Origins {
    /// Who wrote a stored receiver.
    pub(crate) fn actor(&self, name: &str) -> &str {
        self.stored.get(name).map_or("", |stored| &stored.actor)
    }

    /// Whether the configuration describes this receiver, or one like it that tells somebody else.
    fn is_configured(&self, document: &Value) -> bool {
        let plain = |document: &Value| {
            let mut document = document.clone();
            if let Some(fields) = document.as_object_mut() {
                fields.retain(|name, _| !FREE.contains(&name.as_str()));
            }
            document
        };
        let wanted = plain(document);
        let own = self.stored.values().filter(|stored| stored.actor == CONFIGURATION);
        own.filter_map(|stored| Some((&stored.id, stored.document.as_ref()?))).any(|(name, own)| {
            // Under its own name it is described by the configuration as it stands there, or not at all.
            if document["name"] == **name { own == document } else { plain(own) == wanted }
        })
    }

    /// Why a receiver of this document may not be, if it came over the API: a field, and what is wrong, for each power
    /// that is not allowed.
    fn refusals(&self, powers: &Powers, document: &Value) -> Vec<(String, String)> {
        let allowed = powers.live.get();
        let mut refusals: Vec<(String, String)> = lanner_io::receiver::powers(document)
            .into_iter()
            .filter(|(power, _)| !allowed.allow.contains(power))
            .map(|(power, field)| {
                let (about, name) = (power.about(), power.name());
                let message = format!(
                    "a receiver that {about} comes from the configuration file only; define it there, or start \
                     the server with server.allow: [{name}] (--allow {name})"
                );
                (field, message)
            })
            .collect();
        if !refusals.is_empty() && (self.is_configured(document) || powers.is_own_log(document)) {
            refusals.clear();
        }
        refusals
    }

    /// Why a stored receiver may not be used here, if it may not.
    pub(crate) fn objection(&self, powers: &Powers, name: &str) -> Option<String> {
        let stored = self.stored.get(name).filter(|stored| stored.actor != CONFIGURATION)?;
        let refusals = self.refusals(powers, stored.document.as_ref()?);
        let lines: Vec<String> = refusals.iter().map(|(field, why)| format!("{field}: {why}")).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

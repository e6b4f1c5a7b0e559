//! Endpoints: a method and a path template, numbered.

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::shape::shape;

/// The number of an endpoint.
pub type EndpointId = u32;

/// More endpoints are one: only a log of something else has so many.
const MAX_ENDPOINTS: usize = 20_000;

/// What does not exist, or one of too many.
pub(crate) const UNKNOWN: EndpointId = 0;

/// Numbers from here on are endpoints that exist and were not learned: those of a new release. Nothing is known of them, so
/// they tell neither for nor against a session.
pub(crate) const FIRST_NEW: EndpointId = 1 << 31;

/// Stands for all endpoints together, where it does not matter which of them was called.
pub(crate) const ANYWHERE: EndpointId = FIRST_NEW - 1;

/// The number of an endpoint that exists and was not learned.
pub(crate) fn new_endpoint(method: &str, path: &str) -> EndpointId {
    let name = format!("{method} {}", shape(path));
    FIRST_NEW | (FixedState::default().hash_one(name) as u32 >> 1) // half of a hash is one as well
}

/// Whether an endpoint was learned.
pub(crate) const fn is_learned(id: EndpointId) -> bool {
    id != UNKNOWN && id < FIRST_NEW
}

/// The numbers of endpoints. Number 0 is everything unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Endpoints {
    names: Vec<String>,
    by_name: HashMap<String, EndpointId, FixedState>,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self::from(vec!["(unknown)".to_owned()])
    }
}

impl Endpoints {
    /// The number of an endpoint, which is given one if there is room.
    pub(crate) fn number(&mut self, method: &str, template: Option<&str>) -> EndpointId {
        let Some(template) = template else { return UNKNOWN };
        let name = format!("{method} {template}");
        if let Some(&id) = self.by_name.get(&name) {
            return id;
        }
        if self.names.len() >= MAX_ENDPOINTS {
            return UNKNOWN;
        }
        let id = self.names.len() as EndpointId;
        self.names.push(name.clone());
        self.by_name.insert(name, id);
        id
    }

    /// The number of an endpoint, if it has one.
    #[must_use]
    pub fn get(&self, method: &str, template: Option<&str>) -> EndpointId {
        let known = template.and_then(|template| self.by_name.get(&format!("{method} {template}")));
        known.copied().unwrap_or(UNKNOWN)
    }

    /// The number of the endpoint with this method and template, if there is one.
    pub(crate) fn named(&self, name: &str) -> Option<EndpointId> {
        self.by_name.get(name).copied()
    }

    /// Its method and template.
    #[must_use]
    pub fn name(&self, id: EndpointId) -> &str {
        let other = if id < FIRST_NEW { "(unknown)" } else { "(new)" };
        self.names.get(id as usize).map_or(other, String::as_str)
    }

    /// How many there are, the unknown one among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether nothing was learned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.len() <= 1
    }
}

impl From<Vec<String>> for Endpoints {
    fn from(names: Vec<String>) -> Self {
        let by_name = (0..).zip(&names).map(|(id, name)| (name.clone(), id)).collect();
        Self { names, by_name }
    }
}

impl From<Endpoints> for Vec<String> {
    fn from(endpoints: Endpoints) -> Self {
        endpoints.names
    }
}

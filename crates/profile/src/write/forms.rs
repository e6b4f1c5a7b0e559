//! The list of forms.

use serde_json::Value;

use super::finding::Finding;
use super::{ecs, falco, ocsf, plain};

/// How a finding is written: as one JSON object, which becomes a line.
pub type Form = fn(&Finding<'_>) -> Value;

/// All forms by name.
pub const FORMS: [(&str, Form); 4] =
    [("json", plain::write), ("falco", falco::write), ("ocsf", ocsf::write), ("ecs", ecs::write)];

//! Where another server is and who Lanner says it is, as documents write it: `url`, `auth`, `ca_file`.

use std::path::PathBuf;

use lanner_core::document::{Check, Fields, Node};
use lanner_core::field::Field;
use lanner_core::reading::text;

use super::Secret;
use super::auth::Auth;
use super::problem::{Problem, check_absolute};

/// The fields of a place, with what each kind of server says of them.
pub(crate) struct PlaceFields {
    pub(crate) url: Field,
    pub(crate) auth: Field,
    pub(crate) ca_file: Field,
}

/// A place as the operator writes it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) url: Secret,
    pub(crate) auth: Option<Auth>,
    pub(crate) ca_file: Option<PathBuf>,
}

impl Place {
    /// Reads the fields. What is wrong goes to `check`, and so does what `problems` find in the address and the
    /// credentials.
    pub(crate) fn read(
        known: &PlaceFields,
        fields: &mut Fields<'_>,
        check: &mut Check,
        problems: impl FnOnce(&Self) -> [Option<Problem>; 2],
    ) -> Option<Self> {
        let PlaceFields { url, auth, ca_file } = known;
        let address = fields.require(url.name, url.example, check);
        let address = address.and_then(|node| decoded(node, url, &fields.path_of(url.name), check));
        let auth: Option<Auth> =
            fields.get(auth.name).and_then(|node| decoded(node, auth, &fields.path_of(auth.name), check));
        let file = fields.read(ca_file.name, check, text).map(PathBuf::from);
        let place = Self { url: address?, auth, ca_file: file };
        let of_file = place.ca_file.as_deref().and_then(|path| check_absolute(ca_file.name, path));
        let problems: Vec<Problem> = problems(&place).into_iter().chain([of_file]).flatten().collect();
        for problem in &problems {
            let name = problem.field.split('.').next().unwrap_or_default();
            let at = fields.get(name).and_then(|node| node.at);
            check.push(at, &fields.path_of(&problem.field), problem.message.clone(), None);
        }
        problems.is_empty().then_some(place)
    }
}

/// A field decoded from what was written, where a number may be meant as text.
pub(crate) fn decoded<T: for<'de> serde::Deserialize<'de>>(
    node: &Node,
    field: &Field,
    path: &str,
    check: &mut Check,
) -> Option<T> {
    let value = T::deserialize(field.kind.to_json(node));
    value.map_err(|error| check.problem(node, path, error.to_string())).ok()
}

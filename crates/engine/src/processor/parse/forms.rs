//! The list of forms of texts.

use super::form::Form;
use super::{access_log, json, logfmt};

/// Every form there is.
pub(super) const FORMS: &[Form] = &[
    Form { name: "json", read: json::read },
    Form { name: "logfmt", read: logfmt::read },
    Form { name: "common", read: access_log::read_common },
    Form { name: "combined", read: access_log::read_combined },
];

/// Their names.
pub(super) const NAMES: &[&str] = &names::<{ FORMS.len() }>();

const fn names<const N: usize>() -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = FORMS[at].name;
        at += 1;
    }
    names
}

//! The list of listeners.

use super::kind::Kind;
use super::{carbon_datagrams, carbon_lines, carbon_pickles, http};

/// Every listener there is; they take their addresses in this order.
pub(crate) const KINDS: &[Kind] =
    &[http::KIND, carbon_lines::KIND, carbon_pickles::KIND, carbon_datagrams::KIND];

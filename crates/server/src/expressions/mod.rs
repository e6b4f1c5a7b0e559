//! The store as the expression language sees it: the names of all series as a tree, stored samples as slots of one step,
//! events with tags.

pub(crate) mod events;
pub(crate) mod paths;
mod source;

pub(crate) use source::Expressions;
pub(crate) use source::{Asker, StoreSource};

//! The store as the expression language sees it: the names of all series as a tree, stored samples as slots of one step,
//! events with tags.

pub(crate) mod events;
pub(crate) mod paths;
mod schemas;
mod source;

pub use paths::PathsCache;
pub use schemas::{SchemaRetention, Schemas};
pub(crate) use source::StoreSource;

//! Several servers on one state: a worker keeps its shards, and the server that notifies follows what workers do.

mod acknowledgements;
pub(crate) mod follow;
pub(crate) mod keeper;

//! Everything that touches disk or network.
//!
//! [`data`], [`state`] and [`findings`] are what stores do; [`store`] keeps all in one file, and [`postgresql`] state in a database; [`receiver`] sends messages to people and programs, and
//! [`remote`] is what all share who ask other servers; [`source`] asks other servers for series, [`scrape`] asks targets for their metrics,
//! [`consume`] takes messages from brokers, [`remote_write`] sends samples to a Prometheus, and [`bulk`] documents to search engines;
//! [`http`] is where requests come in; [`openid`] asks who somebody is;
//! [`metrics`] is what all of them count about themselves.

mod broker;
pub mod bulk;
pub mod consume;
pub mod data;
pub mod findings;
pub mod http;
pub mod metrics;
pub mod openid;
pub mod postgresql;
pub mod receiver;
pub mod remote;
pub mod remote_write;
pub mod result_index;
pub mod scrape;
pub mod search;
pub mod source;
pub mod state;
pub mod store;

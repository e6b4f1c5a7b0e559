//! The list of listeners.

use super::kind::Kind;
#[cfg(feature = "grpc")]
use super::otlp_calls;
use super::{
    carbon_datagrams, carbon_lines, carbon_pickles, http, statsd_datagrams, statsd_lines, syslog_connections,
    syslog_datagrams,
};

/// Every listener there is; they take their addresses in this order.
pub(crate) const KINDS: &[Kind] = &[
    http::KIND,
    carbon_lines::KIND,
    carbon_pickles::KIND,
    carbon_datagrams::KIND,
    syslog_connections::KIND,
    syslog_datagrams::KIND,
    statsd_lines::KIND,
    statsd_datagrams::KIND,
    #[cfg(feature = "grpc")]
    otlp_calls::KIND,
];

//! The server as programs see it: requests in, answers and messages out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

mod alertmanager;
mod apart;
mod api_sessions;
mod asking;
mod away;
mod border;
mod browsing;
mod clock;
mod detectors;
mod editing;
mod families;
mod findings;
mod graphite;
mod influxdb;
mod late;
mod lookback;
mod many_groups;
mod many_rules;
mod metrics;
mod models;
mod muting;
mod new_values;
mod nginx;
mod openapi;
mod openfeature;
mod opensearch;
mod page;
mod pages;
mod postgresql;
mod processors;
mod profiles;
mod prometheus;
mod schemathesis;
mod seyren;
mod sources;
mod spine;
mod switch_cases;
mod switch_guard;
mod switch_unwritten;
mod switches;
mod switching;
mod throwing;
mod tls;
mod vitals;

//! The program as people run it: arguments in, text and an exit code out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

mod access;
mod adbox;
mod alone;
mod api;
mod damage;
mod detect;
mod detector;
mod documents;
mod moving;
mod offline;
mod opensearch;
mod profile;
mod program;
mod radar;
mod reading;
mod reload;
mod report;
mod restore;
mod resume;
mod retention;
mod served;
mod service;
mod split;
mod switch;
mod vuln;

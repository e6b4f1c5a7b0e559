//! Receivers against real peers: HTTP and SMTP servers, programs, files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

mod delivery;
mod http;
mod local;
mod mail;
mod peers;
mod services;

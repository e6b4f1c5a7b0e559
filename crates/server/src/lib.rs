//! The server: intake, the HTTP API, the evaluation of rules, and kill switches.
//!
//! ```text
//!  /write, /api/v2/write ─┐                       ┌─ evaluate ──────────────┐
//!  /api/v1/events/... ────┼─▶ intake ─▶ store ─▶  │ plan                    │ ─▶ store (one transaction)
//!  carbon, TCP ───────────┘      └─▶ measures ─▶  │ read, side by side      │        │
//!                              other servers ─▶   │ evaluate, apply         │        ▼
//!                                                 └─────────────────────────┘   notify ─▶ receivers
//! ```
//!
//! Reading order: [`settings`] (what can be set), `services` (who does what), [`http`] (what faces share), [`access`]
//! (who comes in), `intake`, [`evaluate`], [`rules`] (new ones and their past), [`notify`], `processors`, `switches`, `sharing`
//! [`Worker`] and [`Front`] (several servers on one state), `health` (how Lanner itself is), `export` (what a Prometheus is told), then the faces: [`api`], `pages`, `graphite`, `seyren`,
//! `alertmanager`.

pub mod access;
mod actions;
mod alertmanager;
pub mod api;
mod base;
mod clock;
pub mod configuration;
mod consume;
pub mod documents;
pub mod evaluate;
mod export;
mod expressions;
mod findings;
mod front;
mod graphite;
mod health;
pub mod http;
mod intake;
mod listeners;
pub mod metrics;
mod models;
pub mod notify;
mod pages;
mod processors;
mod replaced;
pub mod rules;
mod scrape;
mod services;
pub mod settings;
mod seyren;
mod sharing;
mod shutdown;
pub mod silences;
mod sources;
mod stores;
mod switches;
mod sync;
mod wakeup;
mod worker;

mod router;
mod run;

pub use clock::Clock;
pub use front::Front;
pub use pages::PAGES;
pub use run::{Server, ServerError};
pub use settings::Settings;
pub use worker::Worker;

//! The server: ingest, the HTTP API, and the loop that joins engine and store.
//!
//! ```text
//!  /write, /api/v2/write ─┐                      ┌─ turn (one thread) ─┐
//!  /api/v1/events/... ────┼─▶ ingest ─▶ store ─▶ │ plan                │ ─▶ store (one transaction)
//!  carbon, TCP ───────────┘      └─▶ measures ─▶ │ live: read          │        │
//!                                                │ evaluate, apply     │        ▼
//!                                                └─────────────────────┘   delivery ─▶ receivers
//! ```
//!
//! Reading order: [`settings`] (what can be set), [`app`] (what everything shares), [`access`] (who comes in), [`ingest`], [`live`]
//! (answers what is due), [`turn`] (the loop), [`register`] (new rules and their past), [`vitals`] and
//! [`heartbeat`] (how Lanner itself is), [`api`], [`switches`].

pub mod access;
pub mod api;
pub mod app;
pub mod apply;
mod blocking;
pub mod clock;
pub mod deliver;
pub mod graphite;
pub mod heartbeat;
pub mod history;
pub mod ingest;
pub mod late_samples;
pub mod lateness;
pub mod limits;
pub mod live;
pub mod maintain;
mod metrics;
pub mod outgoing;
pub mod past;
mod powers;
pub mod register;
pub mod reload;
pub mod settings;
pub mod seyren;
pub mod silence;
pub mod stored;
pub mod switches;
pub mod turn;
pub mod unheard;
pub mod vitals;
pub mod watch;
mod windows;

mod run;

pub use app::App;
pub use clock::Clock;
pub use run::{Server, ServerError};
pub use settings::Settings;

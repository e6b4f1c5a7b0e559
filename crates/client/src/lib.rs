//! Kill switches for Rust programs.
//!
//! ```sh
//! cargo add --path lanner/crates/client      # lanner-client, out of a clone of Lanner
//! cargo add tokio --features rt-multi-thread,macros && cargo add serde_json
//! ```
//!
//! ```no_run
//! use lanner_client::{Options, Switches};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), lanner_client::ConnectError> {
//!     let switches = Switches::connect(Options::new("http://127.0.0.1:9797").cache("switches.json")).await?;
//!     let context = serde_json::json!({"WORKFLOW": "PURCHASE", "BANK": "HSBC"});
//!     let verdict = switches.evaluate(context.as_object().expect("an object"));
//!     if verdict.is_blocked() {
//!         println!("{}", verdict.reason().unwrap_or_default());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! The process holds the switches: an evaluation uses no network, takes well below a microsecond, and never fails or waits. A
//! background task keeps them up to date. The server pushes changes; while its stream is disconnected, the client polls every
//! 30 s. The last good switches are on disk, so a program can start while the server is down. Every verdict says for how long
//! nobody confirmed the switches that it used.
//!
//! The client counts what switches blocked, or would have blocked in shadow, and reports it every few seconds.
//!
//! The client never goes back to an older revision, not even if the server was restored from a backup. A snapshot that is
//! damaged or unreadable is rejected completely, and the current switches stay.
//!
//! Reading order: [`Options`], [`Switches`], `state` (what is held), `refresh` (the task in the background), `counts`, `disk`, `signature`,
//! `layer` (tower), [`blocking`] (without a runtime).

pub mod blocking;
mod counts;
mod disk;
mod error;
#[cfg(feature = "tower")]
mod layer;
mod options;
mod refresh;
mod sample;
mod signature;
mod state;
mod status;
mod switches;

pub use error::{ConnectError, FlagError};
pub use lanner_switch::{Answer, OnUnavailable, Snapshot, Staleness, Switch, SwitchSet, Verdict};
#[cfg(feature = "tower")]
pub use layer::{Gate, GateFuture, GateLayer};
pub use options::Options;
pub use status::{Source, Status};
pub use switches::Switches;

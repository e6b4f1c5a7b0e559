//! Kill switches for Rust programs.
//!
//! ```no_run
//! # async fn example() -> Result<(), lanner_client::ConnectError> {
//! use lanner_client::{Options, Switches};
//!
//! let switches = Switches::connect(Options::new("http://127.0.0.1:9797").cache("switches.json")).await?;
//! let context = serde_json::json!({"WORKFLOW": "PURCHASE", "BANK": "HSBC"});
//! let verdict = switches.evaluate(context.as_object().expect("an object"));
//! if verdict.is_blocked() {
//!     println!("{}", verdict.reason().unwrap_or_default());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The switches are held in this process: asking them costs no network, takes well below a microsecond, cannot fail
//! and cannot block. A task in the background keeps them up to date: the server tells of changes as they happen, and
//! where its stream is cut they are fetched every 30 s. The last good switches lie on disk, and a program that starts
//! while the server is away starts with them. Every verdict says how long nobody confirmed what it rests on.
//!
//! What switches blocked, or would have in shadow, is counted and told to the server every few seconds.
//!
//! What is held never becomes older: a server that was restored from an old backup is not believed. What is damaged
//! or cannot be read is refused whole, and what was held stays.
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

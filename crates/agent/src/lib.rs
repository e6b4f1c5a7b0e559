//! An agent on a host: it tells a server which behaviours the host saw, learns which ones other hosts did, and sends findings.
//!
//! ```no_run
//! use std::time::Duration;
//! use lanner_agent::{Agent, Options};
//!
//! # fn tell(mut profile: lanner_profile::Profile) -> Result<(), Box<dyn std::error::Error>> {
//! let options = Options {
//!     url: "http://lanner:9797".to_owned(),
//!     token: None,
//!     profile: "usual".to_owned(),
//!     host: "web-7".to_owned(),
//!     stream: Some("findings-of-hosts".to_owned()),
//! };
//! let agent = Agent::start(options)?;
//! agent.tell(profile.tell(1_767_268_800_000), profile.fleet().map(|fleet| fleet.changed_ms()));
//! if let Some(fleet) = agent.heard() {
//!     profile.learn_of_fleet(&fleet)?;
//! }
//! let _ = agent.close(Duration::from_secs(2));
//! # Ok(())
//! # }
//! ```
//!
//! Reading order: [`Options`], [`Agent`] (what a host does with it), `server` (what is asked over HTTP).
//!
//! Invariants: events never wait for the network; what waits to be sent is bounded, and what is dropped is counted; no message
//! holds a secret.

mod agent;
mod server;

pub use agent::{Agent, State};
pub use server::{AgentError, Options};

//! A plugin for Falco: how usual a behaviour is on this host, as fields of Falco's rules.
//!
//! ```yaml
//! plugins:
//!   - name: lanner
//!     library_path: /usr/share/falco/plugins/liblanner_falco.so
//!     init_config: { state: /var/lib/falco/lanner.profile }
//! load_plugins: [lanner]
//! ```
//!
//! ```yaml
//! - rule: A program never started like this
//!   condition: evt.type in (execve, execveat) and anomaly.rare = true
//!   output: "%proc.cmdline was started by %proc.pname: %anomaly.reason"
//!   priority: WARNING
//! ```
//!
//! Reading order: [`exports`] (what Falco calls), `lanes` (an instance for each of its threads), `plugin` (what an instance does),
//! `shared` (what all of them share), `config`, `profiles` (Lanner's own), `official` (what Falco's plugin
//! `anomalydetection` does), `scene` (what a field is for an event), `field`, `event`, `threads` (Falco's table of processes),
//! `processes` (what stays the same of one), `changes` (when it does not),
//! `state` (the file of what was learned), `fleet` (what other hosts know).
//!
//! Invariants: an event is asked about before it is learned; no event and no configuration ends Falco; memory is that of the
//! configuration; any number of threads may call at once. `unsafe` is only in [`exports`].

mod changes;
mod config;
mod event;
pub mod exports;
mod field;
mod fleet;
mod lanes;
mod official;
mod opening;
mod plugin;
mod processes;
mod profiles;
mod scene;
mod shared;
mod state;
mod threads;

pub use plugin::Anomaly;

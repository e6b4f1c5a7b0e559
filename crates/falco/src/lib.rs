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
//! Reading order: `plugin` (what Falco calls), `config`, `profiles` (Lanner's own), `official` (what Falco's plugin
//! `anomalydetection` does), `scene` (what a field is for an event), `field`, `event`, `threads` (Falco's table of processes),
//! `processes` (what stays the same of one),
//! `state` (the file of what was learned), `fleet` (what other hosts know).
//!
//! Invariants: an event is asked about before it is learned; no event and no configuration ends Falco; memory is that of the
//! configuration. `unsafe` is only in what the SDK makes of [`exports`].

mod config;
mod event;
mod field;
mod fleet;
mod official;
mod plugin;
mod processes;
mod profiles;
mod scene;
mod state;
mod threads;

pub use plugin::Anomaly;

/// The functions that Falco looks for in the library.
#[allow(unsafe_code, missing_docs, clippy::missing_safety_doc, reason = "the SDK's macros write them")]
pub mod exports {
    use falco_plugin::{capture_listen_plugin, extract_plugin, parse_plugin, plugin};

    use crate::Anomaly;

    plugin!(Anomaly);
    parse_plugin!(Anomaly);
    extract_plugin!(Anomaly);
    capture_listen_plugin!(Anomaly);
}

//! Arguments of several commands.

use std::path::PathBuf;

use clap::ValueEnum;
use lanner_profile::read::{FORMATS, Format};

/// A file of profiles.
#[derive(Debug, clap::Args)]
pub(super) struct Kept {
    /// File of profiles.
    #[arg(value_name = "PROFILE")]
    pub(super) profile: PathBuf,
}

/// Where events come from.
#[derive(Debug, clap::Args)]
pub(super) struct Events {
    /// Files of events, gzipped or not; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// How events are written; by default each line tells.
    #[arg(long, value_enum, default_value_t)]
    pub(super) input: Input,
}

/// How events are written.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum Input {
    /// Each line tells its own.
    #[default]
    Auto,
    /// Falco's JSON output.
    Falco,
    /// Tetragon's JSON export.
    Tetragon,
    /// The log of Linux' audit daemon.
    Auditd,
    /// Sysmon and Windows' security log as JSON.
    Sysmon,
    /// JSON with Falco's names of fields.
    Json,
}

impl Input {
    pub(super) fn format(self) -> Format {
        let value = self.to_possible_value();
        let name = value.as_ref().map_or("auto", clap::builder::PossibleValue::get_name);
        FORMATS.iter().find(|(known, _)| *known == name).map_or(Format::Auto, |(_, format)| *format)
    }
}

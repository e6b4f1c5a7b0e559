//! Arguments of several commands.

use std::path::PathBuf;

use clap::ValueEnum;
use lanner_agent::Options;
use lanner_core::TimeRange;
use lanner_core::time::parse_time_ms;
use lanner_profile::Profile;
use lanner_profile::read::{FORMATS, Format};

use crate::user;

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

/// Times of which nothing is learned.
#[derive(Debug, clap::Args)]
pub(super) struct Held {
    /// Learn nothing of this time, such as that of an attack or a test; events in it are judged all the same.
    #[arg(long, value_name = "FROM/TO", value_parser = times)]
    hold: Vec<TimeRange>,
}

impl Held {
    /// Has profiles learn nothing of these times.
    pub(super) fn hold(&self, profiles: &mut [Profile]) {
        for profile in profiles {
            self.hold.iter().for_each(|range| profile.hold(*range));
        }
    }
}

fn times(text: &str) -> Result<TimeRange, String> {
    let (from, to) =
        text.split_once('/').ok_or("should be two times, for example 2026-11-29T10:00Z/2026-11-29T11:00Z")?;
    let (from_ms, to_ms) = (parse_time_ms(from)?, parse_time_ms(to)?);
    if from_ms < to_ms { Ok(TimeRange::new(from_ms, to_ms)) } else { Err("ends before it begins".to_owned()) }
}

/// The fleet that this host belongs to.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Fleet")]
pub(super) struct FleetArgs {
    /// The processor of a server whose profile gathers what the hosts of a fleet saw.
    #[arg(long, value_name = "PROCESSOR")]
    pub(super) fleet: Option<String>,
    /// The server's address.
    #[arg(long, env = "LANNER_URL", default_value = "http://127.0.0.1:9797", value_name = "URL")]
    url: String,
    /// A token with the scope ingest, if the server wants one.
    #[arg(long, env = "LANNER_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// The name of this host; by default its own.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
}

impl FleetArgs {
    /// What an agent needs to know, if there is a fleet.
    pub(super) fn options(&self, stream: Option<&str>) -> Option<Options> {
        Some(Options {
            url: self.url.clone(),
            token: self.token.clone(),
            profile: self.fleet.clone()?,
            host: self.host.clone().unwrap_or_else(user::machine),
            stream: stream.map(str::to_owned),
        })
    }
}

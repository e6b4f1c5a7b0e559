//! What `lanner detector run` is asked for, and when it is asked.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use lanner_core::time::parse_duration_ms;

use crate::adbox::results::Shape;
use crate::adbox::wazuh::DataArgs;
use crate::list::Format;

/// Where detectors live.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct FolderArgs {
    /// Folder of the detectors.
    #[arg(long, value_name = "FOLDER", env = "LANNER_DETECTORS", default_value = "detectors")]
    pub(super) detectors: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Use cases, as YAML; several run side by side.
    #[arg(required = true, value_name = "USE_CASE")]
    pub(super) use_cases: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) folder: FolderArgs,
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// Go on with a run that was interrupted: its rows, the epochs that are done, its detector, its results.
    #[arg(long)]
    pub(super) resume: bool,
    /// Send results to Wazuh's indexer, into a data stream of the detector.
    #[arg(long, short, requires = "url")]
    pub(super) ship: bool,
    /// The form of the files of results.
    #[arg(long, value_enum, default_value = "flat")]
    pub(super) shape: Shape,
    /// Rounds of the modes batch and realtime, which otherwise go on until they are interrupted.
    #[arg(long, value_name = "NUMBER")]
    pub(super) rounds: Option<u64>,
    /// How long documents may take to arrive after the end of their unit.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = delay)]
    pub(super) delay: Delay,
    /// Output format of what is found.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Delay(pub(super) i64);

fn delay(text: &str) -> Result<Delay, String> {
    match text {
        "0" | "0s" => Ok(Delay(0)),
        text => parse_duration_ms(text).map(Delay).map_err(|error| error.to_string()),
    }
}

pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

//! Operations: health, and who changed what.

use serde::{Deserialize, Serialize};

use super::{ApplyResponse, StateCounts, Time};

/// How Lanner is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Status {
    /// The program's version.
    #[cfg_attr(feature = "openapi", schema(example = "0.1.0"))]
    pub version: String,
    /// When it started.
    pub started: Time,
    /// The server's time.
    pub now: Time,
    /// Whether it takes data and evaluates rules.
    pub ready: bool,
    /// What is wrong, a line each: the alerts that Lanner raises about itself.
    #[serde(default)]
    pub problems: Vec<String>,
    /// What is stored.
    pub store: StoreStatus,
    /// What has come in since the start.
    pub ingest: IngestStatus,
    /// The processors, in the order in which events pass them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processors: Vec<ProcessorView>,
    /// Other servers that queries ask, in order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceView>,
    /// Consumers of brokers, in order of their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumers: Vec<ConsumerView>,
    /// How the rules fare.
    pub engine: EngineStatus,
    /// Who shares the work, where several servers do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<SharingStatus>,
    /// Alerts counted by state.
    pub alerts: StateCounts,
    /// Messages.
    pub outbox: OutboxStatus,
    /// Stored documents that cannot be read and are not in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<SetAsideView>,
}

/// Who shares the work, as it was seen last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SharingStatus {
    /// The workers that are there.
    pub workers: Vec<WorkerView>,
    /// Shards that no worker holds: their rules are not evaluated.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub free: u64,
    /// Changes of alerts that workers reported and nobody has been notified of yet.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub news: u64,
}

/// A worker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkerView {
    /// Its process and host.
    #[cfg_attr(feature = "openapi", schema(example = "process 4711 on rules-2"))]
    pub name: String,
    /// How many of the 256 shards it holds.
    #[cfg_attr(feature = "openapi", schema(example = 128))]
    pub shards: u64,
    /// How many rules are in them.
    #[cfg_attr(feature = "openapi", schema(example = 512))]
    pub rules: u64,
    /// For how long it counts as being there if it says nothing more, milliseconds.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = 8200))]
    pub lease_ms: i64,
    /// For how long the longest overdue of its rules was due when it last said so, milliseconds.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub lag_ms: i64,
    /// How many evaluations it had made by then.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = 360_000))]
    pub evaluations: u64,
}

/// A shard: rules that one worker evaluates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ShardView {
    /// Which of the 256.
    #[cfg_attr(feature = "openapi", schema(example = 17))]
    pub shard: u8,
    /// The process and host of the worker that holds it; nothing if nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "process 4711 on rules-2"))]
    pub worker: Option<String>,
    /// Grows whenever somebody takes it; what is written under an earlier one is refused.
    #[cfg_attr(feature = "openapi", schema(example = 12))]
    pub epoch: u64,
    /// How many turns were written.
    #[cfg_attr(feature = "openapi", schema(example = 4300))]
    pub turns: i64,
    /// Its rules.
    #[cfg_attr(feature = "openapi", schema(example = json!(["payments-floor"])))]
    pub rules: Vec<String>,
    /// For how long the longest overdue of them is due, milliseconds.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub lag_ms: i64,
}

/// What became of a configuration file that was read again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReloadView {
    /// Rules, receivers, inhibitions, switches and silences.
    pub applied: ApplyResponse,
    /// Settings that changed and are in force.
    #[cfg_attr(feature = "openapi", schema(example = json!(["server.guard"])))]
    pub settings: Vec<String>,
    /// Settings that changed and wait for a restart.
    #[cfg_attr(feature = "openapi", schema(example = json!(["server.listen"])))]
    pub restart: Vec<String>,
}

/// A stored document that cannot be read and is not in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetAsideView {
    /// What it is, such as `rule`.
    #[cfg_attr(feature = "openapi", schema(example = "rule"))]
    pub kind: String,
    /// The id under which it is stored.
    pub id: String,
    /// Why it is not in force.
    pub problem: String,
}

/// What is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoreStatus {
    /// The file.
    pub path: String,
    /// Where rules, alerts, switches and messages are kept, if not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "PostgreSQL at db.example.org:5432/lanner"))]
    pub state: Option<String>,
    /// The size of everything in the data folder, its write-ahead log included.
    pub bytes: u64,
    /// Series.
    pub series: u64,
    /// Streams of events.
    pub streams: u64,
    /// What is kept for how long.
    #[serde(default)]
    pub retention: RetentionView,
    /// What is stored and cannot be read, a line each: a bad disk damaged it.
    #[serde(default)]
    pub damage: Vec<String>,
    /// Repairs of a damaged file, the oldest first.
    #[serde(default)]
    pub repairs: Vec<RepairView>,
}

/// What was whole of a damaged file was copied into a fresh one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RepairView {
    /// What was found.
    pub reason: String,
    /// The name of the damaged file in the data folder.
    #[cfg_attr(feature = "openapi", schema(example = "lanner.db.damaged-1"))]
    pub kept_as: String,
    /// What was lost, a line each.
    pub lost: Vec<String>,
}

/// What is kept for how long; of the rules of a list the first that matches counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetentionView {
    /// Of series.
    pub series: Vec<SeriesRetentionView>,
    /// Of streams of events.
    pub events: Vec<EventRetentionView>,
}

/// How long series are kept, and how coarsely.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeriesRetentionView {
    /// Which series, by name; `*` stands for any text.
    #[cfg_attr(feature = "openapi", schema(example = "*"))]
    pub pattern: String,
    /// Whether the pattern is a regular expression instead, found anywhere in the name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub regex: bool,
    /// Steps and the age up to which they are kept, from fine to coarse; or `forever` alone.
    #[cfg_attr(feature = "openapi", schema(example = json!(["10s:1d", "1m:30d", "1h:3y"])))]
    pub keep: Vec<String>,
}

/// How long events are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventRetentionView {
    /// Which streams, by name; `*` stands for any text.
    #[cfg_attr(feature = "openapi", schema(example = "*"))]
    pub pattern: String,
    /// The age from which they are dropped.
    #[cfg_attr(feature = "openapi", schema(example = "30d"))]
    pub keep: String,
}

/// What has come in since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IngestStatus {
    /// Samples kept.
    pub samples: u64,
    /// Events kept.
    pub events: u64,
    /// Lines and events refused.
    pub rejected: u64,
}

/// A processor, and what passed it since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProcessorView {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(example = "access"))]
    pub id: String,
    /// The stream whose events it processes.
    #[cfg_attr(feature = "openapi", schema(example = "access-log"))]
    pub stream: String,
    /// Its kind.
    #[cfg_attr(feature = "openapi", schema(example = "parse"))]
    pub kind: String,
    /// Events that passed it.
    pub events: u64,
    /// Those of them that were not what it expects, and stayed as they were.
    pub unmatched: u64,
    /// How it stands, for people, where there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "learning from 120 of 1000 sessions; 3 open"))]
    pub note: Option<String>,
    /// Why it is not in force; no event passes it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Another server that queries ask, and how asking it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "berlin"))]
    pub name: String,
    /// Its kind.
    #[cfg_attr(feature = "openapi", schema(example = "graphite"))]
    pub kind: String,
    /// How it is.
    pub state: SourceState,
    /// Questions that it answered since the server started or its configuration changed.
    pub answered: u64,
    /// Questions that failed since then.
    pub failed: u64,
    /// Why the last question failed, or why it cannot be asked.
    pub problem: Option<String>,
}

/// How a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// Nothing was asked yet.
    Untried,
    /// The last question was answered.
    Answering,
    /// The last question failed.
    Failing,
    /// It failed several times in a row, and is not asked for a while.
    Paused,
    /// It cannot be asked: a secret or a certificate is missing.
    Unusable,
}

impl std::fmt::Display for SourceState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Untried => "untried",
            Self::Answering => "answering",
            Self::Failing => "failing",
            Self::Paused => "paused",
            Self::Unusable => "unusable",
        })
    }
}

/// A consumer of a broker, and how taking its messages goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsumerView {
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(example = "orders"))]
    pub name: String,
    /// The kind of its broker.
    #[cfg_attr(feature = "openapi", schema(example = "nats"))]
    pub kind: String,
    /// How it is.
    pub state: ConsumerState,
    /// Messages that were stored since the server started or its configuration changed.
    pub stored: u64,
    /// Messages that came once more, and were dropped.
    pub doubled: u64,
    /// Messages in which nothing can be read.
    pub refused: u64,
    /// Why it takes nothing at the moment.
    pub problem: Option<String>,
    /// Why the last message was refused, and how that message begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "is empty: "))]
    pub refusal: Option<String>,
}

/// How a consumer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ConsumerState {
    /// There was no connection yet.
    Connecting,
    /// It has a connection.
    Consuming,
    /// It has none, and tries again.
    Failing,
    /// It cannot be run: a secret or a certificate is missing, or the program was built without its broker.
    Unusable,
}

impl std::fmt::Display for ConsumerState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Consuming => "consuming",
            Self::Failing => "failing",
            Self::Unusable => "unusable",
        })
    }
}

/// How the rules fare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EngineStatus {
    /// Rules.
    pub rules: u64,
    /// Evaluations since the start.
    pub evaluations: u64,
    /// How far the oldest window that is due but not evaluated lies back, milliseconds; 0 when there is none.
    pub lag_ms: i64,
    /// When the next evaluation is due.
    pub next: Option<Time>,
}

/// Messages to be sent, and given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OutboxStatus {
    /// To be sent.
    pub pending: u64,
    /// Given up.
    pub dead: u64,
}

/// Something that a person or a program changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditView {
    /// Counted up from 1, without gaps.
    #[serde(default)]
    pub seq: i64,
    /// When.
    pub time: Time,
    /// Who.
    pub actor: String,
    /// What was done, such as `save`.
    #[cfg_attr(feature = "openapi", schema(example = "save"))]
    pub action: String,
    /// To what, such as `rule/payments-floor`.
    pub subject: String,
    /// More about it.
    #[cfg_attr(feature = "openapi", schema(value_type = Value))]
    pub detail: serde_json::Value,
    /// SHA-256 over this entry and the hash of the one before.
    #[serde(default)]
    pub hash: String,
}

//! How a store is set up: what is kept for how long, and how much memory it may use.

use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};

use super::{StoreError, glob};

/// Settings of a store. Every field has a default that suits one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreOptions {
    /// What is kept of series, by name; the first pattern that matches counts.
    /// A series that none matches gets [`RetentionRule::default`].
    pub retention: Vec<RetentionRule>,
    /// What is kept of streams, by name; the first pattern that matches counts; 30 days for the others.
    pub event_retention: Vec<EventRetention>,
    /// How long samples stay exactly as written before the first tier of a rule applies. Default 2 h.
    pub raw_keep_ms: i64,
    /// How much may wait to be written before more is refused. Default 64 MiB.
    pub max_queued_bytes: usize,
    /// How much unsealed data lies in memory, and is read back at start-up. Default 128 MiB.
    pub max_head_bytes: usize,
    /// How long data may stay unsealed. Default 1 h.
    pub seal_after_ms: i64,
    /// How many series may exist. Default 10 million.
    pub max_series: usize,
    /// How much memory decoded blocks may use. Default 32 MiB.
    pub block_cache_bytes: usize,
    /// How long evaluations are kept. Default 35 days.
    pub keep_evaluations_ms: i64,
    /// How long measured values are kept. Default 400 days.
    pub keep_history_ms: i64,
    /// How long messages stay listed after they were sent. Default 7 days.
    pub keep_sent_ms: i64,
    /// For tests: the largest number of pages the file may have, to play a full disk.
    #[doc(hidden)]
    pub max_page_count: Option<u32>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            retention: Vec::new(),
            event_retention: Vec::new(),
            raw_keep_ms: 2 * HOUR_MS,
            max_queued_bytes: 64 << 20,
            max_head_bytes: 128 << 20,
            seal_after_ms: HOUR_MS,
            max_series: 10_000_000,
            block_cache_bytes: 32 << 20,
            keep_evaluations_ms: 35 * DAY_MS,
            keep_history_ms: 400 * DAY_MS,
            keep_sent_ms: 7 * DAY_MS,
            max_page_count: None,
        }
    }
}

/// How long the samples of series are kept, and how coarsely.
///
/// Samples stay as written for [`StoreOptions::raw_keep_ms`]. Older ones are merged into the steps of the
/// first tier until they are older than its `keep_ms`, then into those of the second, and so on; what is
/// older than the last tier is dropped. A step that holds one sample keeps that sample with its time and
/// value, so data that is coarser than a tier loses nothing in it. A change may come later than these
/// times, by at most the time that one block spans, never earlier.
///
/// **No tiers at all means: keep everything as written, for ever.**
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRule {
    /// Which series, by name; `*` stands for any text.
    pub pattern: String,
    /// From fine to coarse; each step a multiple of the one before.
    pub tiers: Vec<Tier>,
}

/// One step width and how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// The width of a step.
    pub step_ms: i64,
    /// The age up to which data has this step.
    pub keep_ms: i64,
}

/// How long the events of streams are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRetention {
    /// Which streams, by name; `*` stands for any text.
    pub pattern: String,
    /// The age from which events are dropped.
    pub keep_ms: i64,
}

impl Default for RetentionRule {
    /// All series: 10 s for a day, 1 min for 30 days, 1 h for 3 years.
    fn default() -> Self {
        let tier = |step_ms, keep_ms| Tier { step_ms, keep_ms };
        Self {
            pattern: "*".to_owned(),
            tiers: vec![
                tier(10 * SECOND_MS, DAY_MS),
                tier(MINUTE_MS, 30 * DAY_MS),
                tier(HOUR_MS, 3 * 365 * DAY_MS),
            ],
        }
    }
}

impl RetentionRule {
    /// Keep the series that match `pattern` as written, for ever.
    pub fn forever(pattern: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), tiers: Vec::new() }
    }
}

const DEFAULT_EVENT_KEEP_MS: i64 = 30 * DAY_MS;

impl StoreOptions {
    /// Refuses settings that contradict themselves.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let bad = |detail: String| Err(StoreError::BadOptions { detail });
        for rule in &self.retention {
            let mut before = Tier { step_ms: 1, keep_ms: self.raw_keep_ms };
            for tier in &rule.tiers {
                if tier.step_ms <= 0 || tier.step_ms % before.step_ms != 0 {
                    let (step, finer) = (tier.step_ms, before.step_ms);
                    let pattern = &rule.pattern;
                    return bad(format!(
                        "retention \"{pattern}\": the step {step} ms is not a multiple of {finer} ms"
                    ));
                }
                if tier.keep_ms < before.keep_ms {
                    return bad(format!(
                        "retention \"{}\": the step {} ms is kept for {} ms, shorter than the finer one",
                        rule.pattern, tier.step_ms, tier.keep_ms
                    ));
                }
                before = *tier;
            }
        }
        if self.max_head_bytes < 1 << 16 || self.max_series == 0 || self.max_queued_bytes == 0 {
            return bad("max_head_bytes, max_series and max_queued_bytes must be positive".to_owned());
        }
        Ok(())
    }

    /// The tiers of the series called `name`.
    pub(super) fn tiers(&self, name: &str) -> Vec<Tier> {
        self.retention
            .iter()
            .find(|rule| glob::matches(&rule.pattern, name))
            .map_or_else(|| RetentionRule::default().tiers, |rule| rule.tiers.clone())
    }

    /// The age from which the events of stream `name` are dropped.
    pub(super) fn event_keep_ms(&self, name: &str) -> i64 {
        self.event_retention
            .iter()
            .find(|rule| glob::matches(&rule.pattern, name))
            .map_or(DEFAULT_EVENT_KEEP_MS, |rule| rule.keep_ms)
    }
}

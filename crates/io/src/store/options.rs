//! The options of a store: retention, and how much memory it may use.

use lanner_core::time::{DAY_MS, HOUR_MS};

use super::StoreError;
use super::retention::{EventRetention, Retention, RetentionRule, Tier};

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

impl StoreOptions {
    /// Refuses settings that contradict themselves.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let bad = |detail: String| Err(StoreError::BadOptions { detail });
        for rule in &self.retention {
            let mut before = Tier { step_ms: 1, keep_ms: self.raw_keep_ms };
            for tier in &rule.tiers {
                if tier.step_ms <= 0 || tier.step_ms % before.step_ms != 0 {
                    let (step, finer) = (tier.step_ms, before.step_ms);
                    let pattern = rule.pattern.as_str();
                    return bad(format!(
                        "retention \"{pattern}\": the step {step} ms is not a multiple of {finer} ms"
                    ));
                }
                if tier.keep_ms < before.keep_ms {
                    return bad(format!(
                        "retention \"{}\": the step {} ms is kept for {} ms, shorter than the finer one",
                        rule.pattern.as_str(),
                        tier.step_ms,
                        tier.keep_ms
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

    /// All rules of retention in force, those that apply where no other does included.
    #[must_use]
    pub fn retention_in_force(&self) -> Retention {
        let mut retention =
            Retention { series: self.retention.clone(), events: self.event_retention.clone() };
        if !retention.series.iter().any(|rule| rule.pattern.matches_all()) {
            retention.series.push(RetentionRule::default());
        }
        if !retention.events.iter().any(|rule| rule.pattern == "*") {
            retention.events.push(EventRetention::default());
        }
        retention
    }
}

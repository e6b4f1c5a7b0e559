//! Housekeeping: sealing the head, rolling up and dropping old data, pruning old state.
//!
//! The server calls [`Store::maintain`] every few seconds. Between two calls a thread of the store's own
//! seals when the head exceeds its limit, so memory stays bounded whatever the caller does.

use std::sync::Arc;

use super::head::Generation;
use super::lock::locked;
use super::sealer::Memory;
use super::{Store, StoreError};
use crate::metrics::METRICS;

/// What one call of [`Store::maintain`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct MaintenanceReport {
    /// Samples that went from memory into blocks.
    pub n_sealed: usize,
    /// Blocks that were rolled up into coarser ones.
    pub n_rolled_up: usize,
    /// Blocks that were dropped because all they held was too old.
    pub n_dropped: usize,
    /// Rows of evaluations, measured values, messages and silences that were dropped.
    pub n_pruned: usize,
}

impl Store {
    pub(super) fn start_sealer(&self) -> std::io::Result<()> {
        let inner = Arc::downgrade(&self.0);
        self.0.sealer.start(move || {
            // None is left to seal for.
            let Some(inner) = inner.upgrade() else { return false };
            if let Err(error) = Self(inner).seal_excess()
                && error != StoreError::Closed
            {
                tracing::error!(%error, "could not seal; new data stays in memory and in the journal");
            }
            true
        })
    }

    /// Seals as long as the head is above its limit.
    fn seal_excess(&self) -> Result<(), StoreError> {
        let core = self.core();
        let mut memory = locked(&core.maintenance);
        self.seal_above(core.options.max_head_bytes / 4 * 3, &mut memory)?;
        Ok(())
    }

    /// Seals the oldest generations until the head has at most `max_bytes`.
    fn seal_above(&self, max_bytes: usize, memory: &mut Memory) -> Result<usize, StoreError> {
        let core = self.core();
        let mut n_sealed = 0;
        while core.head().bytes() > max_bytes {
            if core.head().frozen.is_empty() {
                core.head_mut().freeze();
            }
            n_sealed += self.seal_oldest(memory)?;
        }
        Ok(n_sealed)
    }

    /// Does what is due: seals data that is unsealed for long or that takes too much memory, and every ten
    /// minutes rolls up and drops what is old and prunes old state. Call it every few seconds, on a thread
    /// that may block.
    ///
    /// Cost: nothing most of the time; sealing compresses some million samples a second; the look for old
    /// data costs some 10 µs a series.
    ///
    /// # Errors
    /// Failures of the file. What was not done is tried again by the next call.
    pub fn maintain(&self, now_ms: i64) -> Result<MaintenanceReport, StoreError> {
        let core = self.core();
        let mut memory = locked(&core.maintenance);
        let mut report = MaintenanceReport::default();
        let seal_after_ms = core.options.seal_after_ms;
        let generation_age_ms = seal_after_ms / 4;
        let age_ms = |generation: &Generation| now_ms - *generation.seen_ms.get_or_init(|| now_ms);
        {
            let mut head = core.head_mut();
            if head.current.last_seq != 0 && age_ms(&head.current) >= generation_age_ms {
                head.freeze();
            }
        }
        while core.head().frozen.front().is_some_and(|oldest| age_ms(oldest) >= seal_after_ms) {
            report.n_sealed += self.seal_oldest(&mut memory)?;
        }
        report.n_sealed += self.seal_above(core.options.max_head_bytes / 4 * 3, &mut memory)?;
        self.grow_old(&mut memory, now_ms, &mut report)?;
        self.record_sizes();
        Ok(report)
    }

    /// Writes down how large the store is, for `/metrics`.
    pub fn record_sizes(&self) {
        let core = self.core();
        let (bytes, n_samples) = {
            let head = core.head();
            (head.bytes(), head.n_samples())
        };
        METRICS.head_samples.set(n_samples as f64);
        METRICS.head_bytes.set(bytes as f64);
        METRICS.queued_bytes.set(self.queued_bytes() as f64);
        METRICS.series.set(core.registry.count() as f64);
        if let Ok(file) = std::fs::metadata(core.folder.join(super::open::FILE_NAME)) {
            METRICS.file_bytes.set(file.len() as f64);
        }
    }

    /// Seals everything that is in memory into blocks now. For imports and tests; a running server leaves it
    /// to [`Store::maintain`].
    ///
    /// # Errors
    /// Failures of the file; what was not sealed stays in the journal.
    pub fn seal(&self) -> Result<usize, StoreError> {
        let core = self.core();
        let mut memory = locked(&core.maintenance);
        core.head_mut().freeze();
        let mut n_sealed = 0;
        while !core.head().frozen.is_empty() {
            n_sealed += self.seal_oldest(&mut memory)?;
        }
        Ok(n_sealed)
    }
}

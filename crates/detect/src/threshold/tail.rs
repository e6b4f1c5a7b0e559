//! One tail in a stream: its initial threshold, its peaks, and the threshold that follows from them.

use std::collections::VecDeque;

use super::{PotParams, PotState, ThresholdError, Update, pareto::Pareto};

/// Where a value lies in one tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InTail {
    Bulk,
    Peak,
    Alarm,
}

/// The upper tail. A lower tail is the upper tail of the negated values.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    params: PotParams,
    /// Where the tail begins.
    initial: f64,
    peaks: VecDeque<f64>,
    /// Peaks ever seen; at least as many as are kept.
    pub(super) n_peaks: u64,
    fit: Option<Pareto>,
    pub(super) threshold: f64,
}

impl Tail {
    /// From `values`; the tail begins at the value of rank `rank` (0 is the smallest).
    pub(super) fn new(params: PotParams, values: &[f64], rank: usize) -> Result<Self, ThresholdError> {
        let mut sorted = values.to_vec();
        let rank = rank.min(sorted.len().saturating_sub(1));
        let initial = *sorted.select_nth_unstable_by(rank, f64::total_cmp).1;
        let peaks: VecDeque<f64> =
            values.iter().filter(|value| **value > initial).map(|value| value - initial).collect();
        let n_peaks = peaks.len() as u64;
        let mut tail = Self { params, initial, peaks, n_peaks, fit: None, threshold: initial };
        tail.forget();
        tail.refit(values.len() as u64);
        Ok(tail)
    }

    /// One that goes on where another was.
    pub(super) fn resume(params: PotParams, state: &PotState) -> Self {
        let peaks: VecDeque<f64> = state.peaks.iter().copied().collect();
        let mut tail = Self {
            params,
            initial: state.initial,
            peaks,
            n_peaks: state.n_peaks,
            fit: None,
            threshold: state.threshold,
        };
        tail.forget();
        tail.fit = Pareto::fit(tail.peaks.make_contiguous());
        tail
    }

    /// What it learned of `n` values.
    pub(super) fn state(&self, n: u64) -> PotState {
        PotState {
            initial: self.initial,
            threshold: self.threshold,
            peaks: self.peaks.iter().copied().collect(),
            n_peaks: self.n_peaks,
            n,
        }
    }

    /// Where `value` lies; nothing is learned yet.
    pub(super) fn place(&mut self, value: f64) -> InTail {
        let PotParams { alarms, update, .. } = self.params;
        if update == Update::Collapse && alarms && value > self.initial {
            self.threshold = self.initial;
            return InTail::Alarm;
        }
        if alarms && value > self.threshold {
            InTail::Alarm
        } else if update == Update::Follow && value > self.initial {
            InTail::Peak
        } else {
            InTail::Bulk
        }
    }

    /// Learns `value`, a peak; it is the `n`th value of the stream.
    pub(super) fn learn(&mut self, value: f64, n: u64) {
        self.peaks.push_back(value - self.initial);
        self.n_peaks += 1;
        self.forget();
        self.refit(n);
    }

    /// Whether the stream changes anything.
    pub(super) fn learns(&self) -> bool {
        self.params.update == Update::Follow
    }

    pub(super) fn initial(&self) -> f64 {
        self.initial
    }

    pub(super) fn fit(&self) -> Option<Pareto> {
        self.fit
    }

    fn forget(&mut self) {
        let excess = self.peaks.len().saturating_sub(self.params.max_peaks.unwrap_or(usize::MAX));
        self.peaks.drain(..excess);
    }

    fn refit(&mut self, n: u64) {
        self.fit = Pareto::fit(self.peaks.make_contiguous());
        if let Some(fit) = self.fit {
            let peak_share = self.n_peaks as f64 / n as f64;
            self.threshold = self.initial + fit.excess_at(self.params.risk, peak_share);
        }
    }
}

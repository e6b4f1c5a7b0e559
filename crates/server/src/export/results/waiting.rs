//! What is still to be sent: the newest evaluations in memory, and a time from which on the state has to be read.

use lanner_core::Evaluation;
use lanner_core::time::{HOUR_MS, MINUTE_MS};

use super::super::pending::{Batch, Pending};

/// The longest piece of time for which the state is read at once.
const LONGEST_MS: i64 = HOUR_MS;
/// Evaluations that are read from the state at once.
const LIMIT: usize = 20_000;

/// What is still to be sent.
#[derive(Debug)]
pub(super) struct Waiting {
    pending: Pending<Evaluation>,
    /// Windows that end at this time or later are read from the state, milliseconds since the Unix epoch.
    missed_ms: Option<i64>,
    /// The same, of what was missed since the current piece began to be read, which may have come too late for it.
    missed_meanwhile_ms: Option<i64>,
}

impl Waiting {
    /// Nothing, and never more than `max` evaluations in memory.
    pub(super) const fn new(max: usize) -> Self {
        Self { pending: Pending::new(max), missed_ms: None, missed_meanwhile_ms: None }
    }

    /// Evaluations in memory.
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    /// Adds what was evaluated. Where too many wait, the oldest leave memory: the state has them.
    pub(super) fn add(&mut self, evaluations: &[Evaluation]) {
        for evaluation in evaluations {
            if let Some(oldest) = self.pending.add(evaluation.clone()) {
                self.miss_from(oldest.window.end_ms);
            }
        }
    }

    /// Notes that evaluations are missing whose windows end at this time or later.
    pub(super) fn miss_from(&mut self, from_ms: i64) {
        for missed in [&mut self.missed_ms, &mut self.missed_meanwhile_ms] {
            *missed = Some(missed.map_or(from_ms, |before_ms| before_ms.min(from_ms)));
        }
    }

    /// Where the next piece begins that has to be read from the state.
    pub(super) const fn begin_piece(&mut self) -> Option<i64> {
        self.missed_meanwhile_ms = None;
        self.missed_ms
    }

    /// All windows that end before `to_ms` were read and sent. Those that end after `now_ms` are still to come.
    pub(super) fn end_piece(&mut self, to_ms: i64, now_ms: i64) {
        let rest_ms = (to_ms <= now_ms).then_some(to_ms);
        self.missed_ms = [rest_ms, self.missed_meanwhile_ms].into_iter().flatten().min();
    }

    /// The oldest in memory, at most `n`.
    pub(super) fn batch(&self, n: usize) -> Batch<Evaluation> {
        self.pending.batch(n)
    }

    /// This batch was sent.
    pub(super) fn sent(&mut self, batch: &Batch<Evaluation>) {
        self.pending.done(batch.first + batch.items.len() as u64);
    }
}

/// How much of the state is read at once: as long a time as holds fewer evaluations than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) length_ms: i64,
    pub(super) limit: usize,
}

impl Default for Piece {
    fn default() -> Self {
        Self { length_ms: MINUTE_MS, limit: LIMIT }
    }
}

impl Piece {
    /// The piece to try after one that held `n_found`, and whether that one was whole: as many as the limit may not be all.
    pub(super) fn next(self, n_found: usize) -> (Self, bool) {
        let Self { length_ms, limit } = self;
        match n_found {
            // More end at one time than the limit.
            n if n >= limit && length_ms == 1 => (Self { length_ms, limit: limit.saturating_mul(2) }, false),
            n if n >= limit => (Self { length_ms: length_ms / 2, limit }, false),
            n if n < LIMIT / 4 => (Self { length_ms: (length_ms * 2).min(LONGEST_MS), limit: LIMIT }, true),
            _ => (self, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use lanner_core::{AlertState, Group, Outcome, TimeRange};

    use super::*;

    fn evaluation(end_ms: i64) -> Evaluation {
        let (group, window) = (Group::default(), TimeRange::new(end_ms - 1, end_ms));
        Evaluation {
            id: Evaluation::identity("floor", 1, &group, window),
            rule: "floor".into(),
            version: 1,
            group,
            window,
            value: None,
            base: None,
            lower: None,
            upper: None,
            score: None,
            outcome: Outcome::Normal,
            error: None,
            evidence: None,
            state: AlertState::Normal,
            late: false,
            evaluated_ms: end_ms,
        }
    }

    #[test]
    fn what_does_not_fit_into_memory_is_left_to_the_state() {
        let mut waiting = Waiting::new(3);
        waiting.add(&[5, 6, 7].map(evaluation));
        assert_eq!((waiting.len(), waiting.begin_piece()), (3, None));
        let batch = waiting.batch(2);
        waiting.add(&[8, 9].map(evaluation)); // while the batch is under way
        assert_eq!((waiting.len(), waiting.begin_piece()), (3, Some(5)));
        waiting.sent(&batch);
        assert_eq!(waiting.batch(9).items, [7, 8, 9].map(evaluation));
    }

    #[test]
    fn the_state_is_read_up_to_now_and_again_where_more_was_missed() {
        let mut waiting = Waiting::new(1);
        waiting.miss_from(10);
        assert_eq!(waiting.begin_piece(), Some(10));
        waiting.end_piece(20, 25);
        assert_eq!(waiting.begin_piece(), Some(20));
        // Within the piece, after it was read.
        waiting.add(&[22, 23].map(evaluation));
        waiting.end_piece(30, 25);
        assert_eq!(waiting.begin_piece(), Some(22));
        waiting.miss_from(3);
        waiting.end_piece(30, 25);
        assert_eq!(waiting.begin_piece(), Some(3));
        waiting.end_piece(30, 25);
        assert_eq!(waiting.begin_piece(), None);
    }

    #[test]
    fn a_piece_is_as_long_as_holds_few_enough() {
        let check = |length_ms, limit, n_found, expected| {
            let (next, is_whole) = Piece { length_ms, limit }.next(n_found);
            assert_eq!((next.length_ms, next.limit, is_whole), expected);
        };
        check(60_000, LIMIT, LIMIT, (30_000, LIMIT, false));
        check(60_000, LIMIT, LIMIT - 1, (60_000, LIMIT, true));
        check(60_000, LIMIT, 7, (120_000, LIMIT, true));
        check(HOUR_MS, LIMIT, 7, (HOUR_MS, LIMIT, true));
        check(1, LIMIT, LIMIT, (1, 2 * LIMIT, false));
        check(1, 2 * LIMIT, 2 * LIMIT - 1, (1, 2 * LIMIT, true));
    }
}

//! The largest distance of samples from their forecast, over a limited memory.

use std::collections::VecDeque;

/// Blocks that the memory is forgotten in.
const BLOCKS: usize = 20;
/// Until so many distances are known, the farthest is expected to grow.
const MATURE: f64 = 1_000.0;
/// One distance may raise the limit so many times, and not more: a single outlier must not blind us.
const RAISE: f64 = 3.0;

/// The greatest of the last distances, in blocks, so that forgetting costs nothing.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    /// The greatest of each block, oldest first; never empty.
    blocks: VecDeque<f64>,
    block_length: usize,
    in_last: usize,
    n: f64,
}

impl Limit {
    /// Remembers about `memory` distances.
    pub(super) fn new(memory: usize) -> Self {
        let block_length = memory.div_ceil(BLOCKS).max(1);
        Self { blocks: VecDeque::from([0.0]), block_length, in_last: 0, n: 0.0 }
    }

    /// The most that is usual; more is strange.
    ///
    /// While few distances are known it is more than the greatest of them: if distances have an exponential tail, the
    /// greatest of 1,000 is about `ln(1000) / ln(n)` times the greatest of `n`.
    pub(super) fn most(&self) -> f64 {
        self.greatest() * (MATURE.ln() / (self.n + 2.0).ln()).max(1.0)
    }

    /// Takes in a distance, finite and not negative.
    pub(super) fn learn(&mut self, distance: f64) {
        let greatest = self.greatest();
        let raised = if greatest > 0.0 { distance.min(RAISE * greatest) } else { distance };
        if self.in_last == self.block_length {
            self.in_last = 0;
            self.blocks.push_back(0.0);
            if self.blocks.len() > BLOCKS {
                self.blocks.pop_front();
            }
        }
        if let Some(last) = self.blocks.back_mut() {
            *last = last.max(raised);
        }
        self.in_last += 1;
        self.n = (self.n + 1.0).min(MATURE);
    }

    fn greatest(&self) -> f64 {
        self.blocks.iter().copied().fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(memory: usize, distances: impl IntoIterator<Item = f64>, greatest: f64) {
        let mut limit = Limit::new(memory);
        distances.into_iter().for_each(|distance| limit.learn(distance));
        assert_eq!(limit.greatest(), greatest);
    }

    #[test]
    fn the_greatest_within_memory() {
        check(100, [], 0.0);
        check(100, [1.0, 2.0, 1.0], 2.0);
        check(100, [1.0, 1000.0], 3.0); // an outlier raises it threefold at most
        check(100, [0.0, 1000.0], 1000.0); // but it may come out of nothing
        let after = |n| std::iter::once(2.0).chain(std::iter::repeat_n(1.0, n));
        check(100, after(99), 2.0);
        check(100, after(100), 1.0); // forgotten with its block
        check(0, after(20), 1.0);
    }

    #[test]
    fn more_is_allowed_while_little_is_known() {
        let mut limit = Limit::new(5_000);
        (0..8).for_each(|_| limit.learn(1.0));
        assert!((limit.most() - 3.0).abs() < 1e-12); // ln(1000) / ln(10)
        (0..1_000).for_each(|_| limit.learn(1.0));
        assert_eq!(limit.most(), 1.0);
    }
}

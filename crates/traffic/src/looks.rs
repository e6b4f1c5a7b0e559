//! How a session that lasts is looked at: often at first, then each time it has grown by a quarter, so that looking costs
//! each of its calls the same.

/// Fewer calls say too little of a session that goes on.
const FIRST: u32 = 5;

/// What was seen of a session so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looks {
    /// The call at which it is looked at again.
    next: u32,
    /// The highest score of any look, and the features that made it.
    pub(crate) score: f64,
    pub(crate) features: Vec<(usize, f64)>,
    /// Whether somebody was told that it is flagged.
    pub(crate) is_told: bool,
    /// Whether somebody was told that it has a finding.
    pub(crate) is_named: bool,
}

impl Looks {
    /// Whether it is time to look at a session with so many calls; if so, the next time is later.
    pub(crate) fn is_due(&mut self, n_calls: u32) -> bool {
        if n_calls < self.next.max(FIRST) {
            return false;
        }
        self.next = n_calls + (n_calls / 4).max(1);
        true
    }

    /// Keeps the score of a look, if it is the highest.
    pub(crate) fn note(&mut self, score: f64, features: Vec<(usize, f64)>) {
        if score >= self.score {
            (self.score, self.features) = (score, features);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_grow_rarer() {
        let mut looks = Looks::default();
        let due: Vec<u32> = (1..40).filter(|n| looks.is_due(*n)).collect();
        assert_eq!(due, [5, 6, 7, 8, 10, 12, 15, 18, 22, 27, 33]);
    }
}

//! How much the newest value counts in a mean that forgets.

/// How much the newest of so many counts in a mean over at most so many: at least this part. In time that is all it is, and a
/// product costs a fraction of a division.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share(f64);

impl Share {
    /// In a mean over `most`, at least 1.
    pub(super) const fn over(most: f64) -> Self {
        Self(if most > 1.0 { 1.0 / most } else { 1.0 })
    }

    /// Where it is the `n`th, at least the first.
    pub(super) fn of(self, n: f64) -> f64 {
        if n * self.0 < 1.0 { 1.0 / n.max(1.0) } else { self.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_count_the_same_until_there_are_too_many() {
        let share = Share::over(4.0);
        assert_eq!([1.0, 2.0, 4.0, 9.0].map(|n| share.of(n)), [1.0, 0.5, 0.25, 0.25]);
        assert_eq!(Share::over(0.0).of(7.0), 1.0);
    }
}

//! How asking a source goes.

/// What became of the asks of a source since it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceHealth {
    /// Asks that were answered.
    pub n_answered: u64,
    /// Asks that failed. Those for which the source was not asked, because it kept failing, are not counted.
    pub n_failed: u64,
    /// Why the last one failed; `None` while asking works.
    pub last_error: Option<String>,
    /// Whether the source is left alone for a while, because it failed several times in a row.
    pub is_paused: bool,
}

impl SourceHealth {
    /// Counts an ask.
    pub(super) fn note(&mut self, failed: Option<String>) {
        match &failed {
            None => self.n_answered += 1,
            Some(_) => self.n_failed += 1,
        }
        self.last_error = failed;
    }
}

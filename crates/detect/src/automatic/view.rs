//! What is strange of a sample.

/// What is strange of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// The value itself.
    #[default]
    Value,
    /// The mean of the last values.
    Shift,
    /// How far the last values scatter.
    Spread,
    /// The value has not changed for long.
    Stuck,
    /// Samples before it are missing.
    Missing,
}

//! Scaled rows as networks want them: about from 0 to 1.

/// From there.
pub(crate) fn to_unit(rows: &[f32]) -> Vec<f32> {
    rows.iter().map(|value| 0.25 * value + 0.5).collect()
}

/// Back again.
pub(crate) fn from_unit(rows: &[f32]) -> Vec<f32> {
    rows.iter().map(|value| 4.0 * (value - 0.5)).collect()
}

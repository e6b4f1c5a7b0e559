//! Fast comparison of short strings, which most names and values of events are.

use std::fmt;
use std::sync::Arc;

/// A text that others are often compared with. Cheap to clone.
///
/// `==` of two texts calls the C library, which for a few bytes takes longer than the comparison itself, and a
/// condition compares two texts for every field: its name and its value. Here the first and the last eight bytes
/// are at hand as numbers, which for up to 16 bytes is all of it.
#[derive(Clone)]
pub(crate) struct Short {
    text: Arc<str>,
    ends: (u64, u64),
}

impl Short {
    pub(crate) fn new(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        Self { ends: ends(text.as_bytes()), text }
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// Whether `other` is this text.
    #[inline]
    pub(crate) fn is(&self, other: &str) -> bool {
        let n_bytes = self.text.len();
        other.len() == n_bytes
            && ends(other.as_bytes()) == self.ends
            && (n_bytes <= 16 || other.as_bytes() == self.text.as_bytes())
    }
}

impl fmt::Debug for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The first and the last eight bytes, which overlap where there are fewer than 16; of fewer than eight bytes, the
/// first and the last four. Two texts of one length up to 16 are equal exactly when these are.
#[inline]
fn ends(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u64::from_ne_bytes(*first), u64::from_ne_bytes(*last));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u32::from_ne_bytes(*first).into(), u32::from_ne_bytes(*last).into());
    }
    match *bytes {
        [a, b, c] => (u64::from(a) << 16 | u64::from(b) << 8 | u64::from(c), 0),
        [a, b] => (u64::from(a) << 8 | u64::from(b), 0),
        [a] => (a.into(), 0),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::Short;

    #[test]
    fn every_byte_counts() {
        for length in 0..40 {
            let text = "x".repeat(length);
            let short = Short::new(&*text);
            assert!(short.is(&text), "{length}");
            assert!(!short.is(&format!("{text}x")) && !Short::new(format!("{text}x")).is(&text), "{length}");
            for at in 0..length {
                let mut other = text.clone();
                other.replace_range(at..=at, "y");
                assert!(!short.is(&other) && !Short::new(&*other).is(&text), "{at} of {length}");
            }
        }
    }
}

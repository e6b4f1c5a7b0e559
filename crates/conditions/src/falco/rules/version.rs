//! Versions that rule files require.

use std::fmt::{self, Display, Formatter};

/// A version of three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) [u32; 3]);

/// The rule engine whose reading this is.
pub(super) const ENGINE: Version = Version([0, 63, 0]);

impl Version {
    /// Reads `1.2.3`; what follows a `-` or a `+` is ignored.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let numbers = text.split(['-', '+']).next()?;
        let mut parts = numbers.split('.').map(|part| part.parse().ok());
        let version = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(Self(version))
    }

    /// Whether it has all that `required` has.
    pub(super) fn serves(self, required: Self) -> bool {
        self.0[0] == required.0[0] && self >= required
    }
}

impl Display for Version {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

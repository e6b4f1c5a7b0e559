//! What a condition says of an event, and how a missing field counts.

/// What a condition says of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It holds.
    True,
    /// It does not.
    False,
    /// A field that decides is missing, or is not of a kind that could be asked this. Counts as no match.
    Unknown,
}

impl Verdict {
    /// The verdict of `not x`.
    #[must_use]
    #[inline]
    pub const fn negate_if(self, is_negated: bool) -> Self {
        match (self, is_negated) {
            (Self::True, true) => Self::False,
            (Self::False, true) => Self::True,
            (verdict, _) => verdict,
        }
    }

    /// `true`, `false`, `unknown`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unknown => "unknown",
        }
    }
}

impl From<bool> for Verdict {
    #[inline]
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// What a test of a missing field comes to. `x exists` is `True` or `False` in both modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// `Unknown`, and so is its negation; `and` and `or` follow Kleene's logic.
    Kleene,
    /// `False`, whatever is asked, as Falco has it: `x != 1` and `x not in (1)` are false without `x`, and
    /// `not x == 1` is true. What would be `Unknown` for another reason is `False` as well.
    False,
}

impl Missing {
    /// A test's verdict in this mode.
    #[inline]
    pub(crate) const fn settle(self, verdict: Verdict) -> Verdict {
        match (self, verdict) {
            (Self::False, Verdict::Unknown) => Verdict::False,
            _ => verdict,
        }
    }
}

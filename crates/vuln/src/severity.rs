//! Severities: five levels, and the words and numbers that scanners use for them.

use serde::{Deserialize, Serialize};

/// How bad a finding is, as its scanner or vendor rates it. Ordered: `Critical` is the greatest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No risk in itself: an open port, a detected version, a log entry.
    #[default]
    Info,
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9.
    Medium,
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 to 10.0.
    Critical,
}

impl Severity {
    /// All levels, the worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The level's name in lower case, such as `critical`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The level that a scanner's word means, in any case; `None` for words that name no level.
    ///
    /// ```
    /// # use lanner_vuln::Severity;
    /// assert_eq!(Severity::from_word("Moderate"), Some(Severity::Medium));
    /// assert_eq!(Severity::from_word("UNKNOWN"), None);
    /// ```
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let is = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word.trim()));
        if is(&["critical", "urgent"]) {
            Some(Self::Critical)
        } else if is(&["high", "important", "serious", "error"]) {
            Some(Self::High)
        } else if is(&["medium", "moderate", "warning"]) {
            Some(Self::Medium)
        } else if is(&["low", "minor", "note", "minimal"]) {
            Some(Self::Low)
        } else if is(&["info", "informational", "none", "log", "debug", "negligible", "false positive"]) {
            Some(Self::Info)
        } else {
            None
        }
    }

    /// The level of a CVSS score, by the rating scale of CVSS 3.1 and 4.0. Scores outside `0.0..=10.0` have none.
    #[must_use]
    pub fn from_score(score: f64) -> Option<Self> {
        match score {
            0.0 => Some(Self::Info),
            s if (0.0..4.0).contains(&s) => Some(Self::Low),
            s if (4.0..7.0).contains(&s) => Some(Self::Medium),
            s if (7.0..9.0).contains(&s) => Some(Self::High),
            s if (9.0..=10.0).contains(&s) => Some(Self::Critical),
            _ => None,
        }
    }

    /// 0 for `Info` to 4 for `Critical`, as Nessus counts.
    #[must_use]
    pub fn level(self) -> u8 {
        self as u8
    }

    /// The inverse of [`level`](Self::level).
    #[must_use]
    pub fn from_level(level: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.level() == level)
    }
}

/// Who gave a finding its severity. National databases no longer rate most vulnerabilities, so the source is kept with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rated {
    /// The level.
    pub severity: Severity,
    /// Who said so: `nessus`, `redhat`, `cvss 3.1`, ...; empty if nobody rated the finding.
    pub source: String,
}

impl Rated {
    /// A level and who gave it.
    pub(crate) fn new(severity: Severity, source: impl Into<String>) -> Self {
        Self { severity, source: source.into() }
    }
}

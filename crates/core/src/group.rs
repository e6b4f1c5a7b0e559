//! What a rule speaks of: all that it measures, one group of it, or nobody yet.

use std::fmt;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::Labels;

/// What an evaluation, an alert or a measured value is about.
///
/// As text and JSON a group is its labels, the other two are `{}`: which of them is meant, the rule's `by` says
/// ([`Group::in_rule`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// All of it: the rule has no `by`.
    #[default]
    Whole,
    /// No group is known yet, as when the source of a rule with `by` fails at once.
    Unknown,
    /// The values of the `by` fields. Never without labels: where every field is missing, null or empty it is the
    /// group with the empty label, `{bank=""}`.
    Of(Labels),
}

impl Group {
    /// The group of what has these labels, for a rule with this `by`.
    ///
    /// ```
    /// use lanner_core::{Group, Labels};
    /// let by = ["bank".to_owned()];
    /// assert_eq!(Group::of(&by, Labels::new([("bank", "hsbc")])).to_string(), r#"{bank="hsbc"}"#);
    /// assert_eq!(Group::of(&by, Labels::default()).to_string(), r#"{bank=""}"#);
    /// assert_eq!(Group::of(&[], Labels::default()), Group::Whole);
    /// ```
    #[must_use]
    pub fn of(by: &[String], labels: Labels) -> Self {
        match (by, labels.is_empty()) {
            ([], _) => Self::Whole,
            (by, true) => Self::Of(Labels::with_empty(by.iter().map(|name| (name.as_str(), "")))),
            (_, false) => Self::Of(labels),
        }
    }

    /// What was read back as [`Group::Whole`], in a rule with or without `by`.
    #[must_use]
    pub fn in_rule(self, by: &[String]) -> Self {
        match self {
            Self::Whole if !by.is_empty() => Self::Unknown,
            group => group,
        }
    }

    /// Its labels; those of the whole and of the unknown are none.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        static NONE: std::sync::LazyLock<Labels> = std::sync::LazyLock::new(Labels::default);
        match self {
            Self::Whole | Self::Unknown => &NONE,
            Self::Of(labels) => labels,
        }
    }

    /// The same text for the same group, on every machine and in every release: for keys in a store.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.labels().canonical()
    }
}

/// As labels: `{bank="hsbc"}`, or `{}`.
impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.labels().fmt(f)
    }
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.labels().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let labels = Labels::deserialize_group(deserializer)?;
        Ok(if labels.is_empty() { Self::Whole } else { Self::Of(labels) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_back_as_written() {
        #[track_caller]
        fn check(by: &[&str], labels: &[(&str, &str)], json: &str) {
            let by: Vec<String> = by.iter().map(|name| (*name).to_owned()).collect();
            let group = Group::of(&by, Labels::new(labels.iter().copied()));
            assert_eq!(serde_json::to_string(&group).unwrap(), json);
            assert_eq!(serde_json::from_str::<Group>(json).unwrap().in_rule(&by), group);
        }
        check(&[], &[], "{}");
        check(&["bank"], &[("bank", "hsbc")], r#"{"bank":"hsbc"}"#);
        check(&["bank"], &[], r#"{"bank":""}"#);
        check(&["bank", "app"], &[], r#"{"app":"","bank":""}"#);
        check(&["bank", "app"], &[("app", "pay")], r#"{"app":"pay"}"#);
        // What earlier releases wrote for a rule with groups that knew of none.
        let old: Group = serde_json::from_str("{}").unwrap();
        assert_eq!((old.clone(), old.in_rule(&["bank".to_owned()])), (Group::Whole, Group::Unknown));
    }
}

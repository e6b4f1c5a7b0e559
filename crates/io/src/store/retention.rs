//! How long data is kept, and how coarsely: the rules, how they are written, and what they say of a series or stream.
//!
//! Written as in a configuration file and in the API: `10s:1d` is a step of 10 s up to an age of a day, and a series' rule is
//! a list of such tiers or `forever`.

use std::fmt;
use std::sync::OnceLock;

use lanner_core::glob;
use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_duration, parse_duration_ms};
use regex::Regex;
use serde::{Deserialize, Serialize};

/// A year of retention, which is not a matter of hours.
const YEAR_MS: i64 = 366 * DAY_MS;

/// Which names a rule is for.
#[derive(Debug, Clone)]
pub struct NamePattern {
    text: String,
    /// `None`: the text is the name itself, with `*` for any characters.
    regex: Option<Regex>,
}

impl NamePattern {
    /// Names in which `regex` is found, as carbon's `storage-schemas.conf` means its patterns.
    ///
    /// # Errors
    /// Why it is no regular expression.
    pub fn regex(regex: &str) -> Result<Self, String> {
        let compiled = Regex::new(regex).map_err(|error| error.to_string())?;
        Ok(Self { text: regex.to_owned(), regex: Some(compiled) })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is a regular expression.
    #[must_use]
    pub const fn is_regex(&self) -> bool {
        self.regex.is_some()
    }

    /// Whether `name` is one of them: a regular expression is searched for, any other pattern has to match the whole name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match &self.regex {
            Some(regex) => regex.is_match(name),
            None => glob::matches(&self.text, name),
        }
    }

    pub(super) fn matches_all(&self) -> bool {
        if self.is_regex() { matches!(&*self.text, "" | ".*" | "^.*" | "^.*$") } else { self.text == "*" }
    }

    /// What all names it matches begin with; empty when that cannot be told.
    fn fixed_prefix(&self) -> &str {
        if !self.is_regex() {
            return glob::fixed_prefix(&self.text);
        }
        let Some(anchored) = self.text.strip_prefix('^') else { return "" };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':');
        let length = anchored.bytes().take_while(|byte| is_plain(*byte)).count();
        // What may follow can take the last character back, or offer another beginning.
        let may_vary = anchored[length..].starts_with(['?', '*', '{']);
        if anchored.contains('|') { "" } else { &anchored[..length - usize::from(may_vary && length > 0)] }
    }

    /// Whether no name can match both: only when their beginnings differ.
    #[must_use]
    pub fn is_apart_from(&self, other: &Self) -> bool {
        let (a, b) = (self.fixed_prefix(), other.fixed_prefix());
        !a.starts_with(b) && !b.starts_with(a)
    }
}

impl From<&str> for NamePattern {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), regex: None }
    }
}

impl From<String> for NamePattern {
    fn from(text: String) -> Self {
        Self { text, regex: None }
    }
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.is_regex() == other.is_regex()
    }
}

impl Eq for NamePattern {}

/// How long the samples of series are kept, and how coarsely.
///
/// Samples stay as written for [`StoreOptions::raw_keep_ms`](super::StoreOptions::raw_keep_ms). Older ones are merged into
/// the steps of the first tier until they are older than its `keep_ms`, then into those of the second, and so on; what is
/// older than the last tier is dropped. A step that holds one sample keeps that sample with its time and value, so data that
/// is coarser than a tier loses nothing in it. A change may come later than these times, by at most the time that one block
/// spans, never earlier.
///
/// **No tiers at all means: keep everything as written, for ever.**
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRule", into = "WrittenRule")]
pub struct RetentionRule {
    /// Which series, by name.
    pub pattern: NamePattern,
    /// From fine to coarse; each step a multiple of the one before.
    pub tiers: Vec<Tier>,
}

/// One step width and how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// The width of a step.
    pub step_ms: i64,
    /// The age up to which data has this step.
    pub keep_ms: i64,
}

impl Tier {
    /// Reads `10s:1d`.
    ///
    /// # Errors
    /// A sentence that says what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (step, keep) = text.split_once(':').ok_or("should be step:time, for example 10s:1d")?;
        Ok(Self { step_ms: parse_keep_ms(step)?, keep_ms: parse_keep_ms(keep)? })
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", format_keep(self.step_ms), format_keep(self.keep_ms))
    }
}

/// Reads how long something is kept: `1y` is 366 days here and nowhere else.
///
/// # Errors
/// A sentence that says what to write.
pub fn parse_keep_ms(text: &str) -> Result<i64, String> {
    match text.strip_suffix('y').map(str::parse::<i64>) {
        Some(Ok(years)) if years > 0 => Ok(years.saturating_mul(YEAR_MS)),
        _ => parse_duration_ms(text).map_err(|error| error.to_string()),
    }
}

/// Writes what [`parse_keep_ms`] reads.
#[must_use]
pub fn format_keep(keep_ms: i64) -> String {
    if keep_ms > 0 && keep_ms % YEAR_MS == 0 {
        return format!("{}y", keep_ms / YEAR_MS);
    }
    if keep_ms > 0 && keep_ms % DAY_MS == 0 {
        return format!("{}d", keep_ms / DAY_MS);
    }
    format_duration(keep_ms)
}

/// How long the events of streams are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenEventRule", into = "WrittenEventRule")]
pub struct EventRetention {
    /// Which streams, by name; `*` stands for any text.
    pub pattern: String,
    /// The age from which events are dropped.
    pub keep_ms: i64,
}

impl Default for RetentionRule {
    /// All series: 10 s for a day, 1 min for 30 days, 1 h for 3 years.
    fn default() -> Self {
        let tier = |step_ms, keep_ms| Tier { step_ms, keep_ms };
        Self {
            pattern: "*".into(),
            tiers: vec![
                tier(10 * SECOND_MS, DAY_MS),
                tier(MINUTE_MS, 30 * DAY_MS),
                tier(HOUR_MS, 3 * YEAR_MS),
            ],
        }
    }
}

impl Default for EventRetention {
    /// All streams: 30 days.
    fn default() -> Self {
        Self { pattern: "*".to_owned(), keep_ms: 30 * DAY_MS }
    }
}

impl RetentionRule {
    /// Keep the series that match `pattern` as written, for ever.
    pub fn forever(pattern: impl Into<NamePattern>) -> Self {
        Self { pattern: pattern.into(), tiers: Vec::new() }
    }

    /// The age from which samples are dropped; `None` when they are kept for ever.
    #[must_use]
    pub fn keep_ms(&self) -> Option<i64> {
        self.tiers.last().map(|tier| tier.keep_ms)
    }

    /// Whether data up to the age of `tier` has its step or a finer one.
    #[must_use]
    pub fn keeps(&self, tier: Tier) -> bool {
        let reaches = self.keep_ms().is_none_or(|keep_ms| keep_ms >= tier.keep_ms);
        let mut from_ms = 0;
        reaches
            && self.tiers.iter().all(|own| {
                let is_asked = from_ms < tier.keep_ms;
                from_ms = own.keep_ms;
                !is_asked || own.step_ms <= tier.step_ms
            })
    }

    /// `10s:1d, 1m:30d`, or `forever`.
    #[must_use]
    pub fn keep_text(&self) -> String {
        self.keep_list().join(", ")
    }

    /// `10s:1d` and `1m:30d`, or `forever` alone.
    #[must_use]
    pub fn keep_list(&self) -> Vec<String> {
        match self.tiers.as_slice() {
            [] => vec![FOREVER.to_owned()],
            tiers => tiers.iter().map(Tier::to_string).collect(),
        }
    }
}

/// Written for series that are never dropped.
pub(crate) const FOREVER: &str = "forever";

/// All rules of retention, of which the first that matches counts; the last ones match everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Of series.
    pub series: Vec<RetentionRule>,
    /// Of streams of events.
    pub events: Vec<EventRetention>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { series: vec![RetentionRule::default()], events: vec![EventRetention::default()] }
    }
}

impl Retention {
    /// The rule of the series called `name`: the first that matches, or the default. Cost: one match for each rule before
    /// it.
    #[must_use]
    pub fn of_series(&self, name: &str) -> &RetentionRule {
        static DEFAULT: OnceLock<RetentionRule> = OnceLock::new();
        let found = self.series.iter().find(|rule| rule.pattern.matches(name));
        found.unwrap_or_else(|| DEFAULT.get_or_init(RetentionRule::default))
    }

    /// The rule of the stream called `name`: the first that matches, or the default. Cost: one match for each rule before
    /// it.
    #[must_use]
    pub fn of_stream(&self, name: &str) -> &EventRetention {
        static DEFAULT: OnceLock<EventRetention> = OnceLock::new();
        let found = self.events.iter().find(|rule| glob::matches(&rule.pattern, name));
        found.unwrap_or_else(|| DEFAULT.get_or_init(EventRetention::default))
    }

    /// The age up to which no series at all loses anything altogether; `None` when none ever does.
    #[must_use]
    pub fn shortest_ms(&self) -> Option<i64> {
        self.series.iter().filter_map(RetentionRule::keep_ms).min()
    }
}

#[derive(Serialize, Deserialize)]
struct WrittenRule {
    pattern: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    regex: bool,
    keep: Vec<String>,
}

impl TryFrom<WrittenRule> for RetentionRule {
    type Error = String;

    fn try_from(written: WrittenRule) -> Result<Self, String> {
        let WrittenRule { pattern, regex, keep } = written;
        let pattern = if regex { NamePattern::regex(&pattern)? } else { pattern.into() };
        let tiers = keep.iter().filter(|tier| *tier != FOREVER).map(|tier| Tier::parse(tier));
        Ok(Self { pattern, tiers: tiers.collect::<Result<_, _>>()? })
    }
}

impl From<RetentionRule> for WrittenRule {
    fn from(rule: RetentionRule) -> Self {
        let keep = rule.keep_list();
        Self { regex: rule.pattern.is_regex(), pattern: rule.pattern.text, keep }
    }
}

#[derive(Serialize, Deserialize)]
struct WrittenEventRule {
    pattern: String,
    keep: String,
}

impl TryFrom<WrittenEventRule> for EventRetention {
    type Error = String;

    fn try_from(written: WrittenEventRule) -> Result<Self, String> {
        Ok(Self { pattern: written.pattern, keep_ms: parse_keep_ms(&written.keep)? })
    }
}

impl From<EventRetention> for WrittenEventRule {
    fn from(rule: EventRetention) -> Self {
        Self { pattern: rule.pattern, keep: format_keep(rule.keep_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: &str, tiers: &[&str]) -> RetentionRule {
        let tiers = tiers.iter().map(|tier| Tier::parse(tier).unwrap()).collect();
        RetentionRule { pattern: pattern.into(), tiers }
    }

    #[test]
    fn rules_read_back_as_they_are_written() {
        let retention = Retention {
            series: vec![
                rule("raw.*", &[]),
                RetentionRule {
                    pattern: NamePattern::regex("^app\\.").unwrap(),
                    ..rule("", &["10s:7d", "1h:2y"])
                },
                RetentionRule::default(),
            ],
            events: vec![
                EventRetention { pattern: "payments".to_owned(), keep_ms: 90 * DAY_MS },
                EventRetention::default(),
            ],
        };
        let text = serde_json::to_string(&retention).unwrap();
        assert_eq!(
            text,
            r#"{"series":[{"pattern":"raw.*","keep":["forever"]},{"pattern":"^app\\.","regex":true,"keep":["10s:7d","1h:2y"]},{"pattern":"*","keep":["10s:1d","1m:30d","1h:3y"]}],"events":[{"pattern":"payments","keep":"90d"},{"pattern":"*","keep":"30d"}]}"#
        );
        assert_eq!(serde_json::from_str::<Retention>(&text).unwrap(), retention);
        assert_eq!(retention.of_series("app.x").keep_text(), "10s:7d, 1h:2y");
        assert_eq!(retention.of_series("raw.x").keep_ms(), None);
        assert_eq!(retention.of_stream("other").keep_ms, 30 * DAY_MS);
    }

    #[test]
    fn a_rule_keeps_what_is_asked_or_less() {
        #[track_caller]
        fn check(tiers: &[&str], asked: &str, keeps: bool) {
            assert_eq!(rule("*", tiers).keeps(Tier::parse(asked).unwrap()), keeps, "{tiers:?} {asked}");
        }
        check(&[], "1s:10y", true);
        check(&["10s:7d"], "10s:7d", true);
        check(&["10s:7d"], "10s:8d", false);
        check(&["10s:7d"], "1m:7d", true);
        check(&["10s:1d", "1m:30d"], "10s:7d", false);
        check(&["10s:1d", "1m:30d"], "1m:30d", true);
        check(&["10s:1d", "1m:30d", "1h:3y"], "1m:31d", false);
    }

    #[test]
    fn patterns_with_other_beginnings_are_apart() {
        #[track_caller]
        fn check(glob: &str, regex: &str, apart: bool) {
            let (glob, regex) = (NamePattern::from(glob), NamePattern::regex(regex).unwrap());
            assert_eq!((glob.is_apart_from(&regex), regex.is_apart_from(&glob)), (apart, apart));
        }
        check("app.*", "^app\\.", false);
        check("app.*", "^db\\.", true);
        check("*", "^db\\.", false);
        check("app.*", "\\.count$", false);
        check("db", "^dbs?$", false);
        check("app", "^(app|db)", false);
        check("db.*", "^app|^db", false);
    }
}

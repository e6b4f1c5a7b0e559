//! Rules with more groups than allowed, and what each leaves out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use lanner_engine::source::Unjudged;
use lanner_engine::stream::MAX_GROUPS;
use lanner_engine::vitals::RECENT_MS;

use crate::sync::locked;

/// What was left out, by rule.
#[derive(Debug, Default)]
pub(crate) struct Limits(Mutex<HashMap<Arc<str>, Limited>>);

/// What a rule left out of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// So many events or series, which would have made more groups than a rule may have.
    Groups(u64, &'static str),
    /// Groups that the model of the rule has no detector for.
    Unjudged(Unjudged),
}

impl LeftOut {
    pub(crate) fn n(&self) -> u64 {
        match self {
            Self::Groups(n, _) => *n,
            Self::Unjudged(unjudged) => unjudged.n,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Groups(n, what) => format!(
                "more than {MAX_GROUPS} groups: {n} {what} of other groups are left out; group by fewer labels, \
                 or narrow the query"
            ),
            Self::Unjudged(Unjudged { n, model, by, some }) => {
                let more = n.saturating_sub(some.len() as u64);
                let some = some.join(", ");
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!(
                    "the model {model} has no detector for {by} {some}{more}, so they are not judged; train it again with \
                     their rows"
                )
            }
        }
    }
}

#[derive(Debug)]
struct Limited {
    /// Events or series left out of the latest window, 0 where all was counted again.
    n_left_out: u64,
    text: String,
    /// When something was last left out, milliseconds since the Unix epoch.
    seen_ms: i64,
    /// When the log last told it.
    logged_ms: i64,
}

impl Limits {
    /// Notes that so many events or series of a rule's latest window belong to groups beyond the limit, or groups to no detector. The
    /// log tells it at most once an hour and rule.
    pub(crate) fn note(&self, rule: &Arc<str>, left_out: &LeftOut, now_ms: i64) {
        let n_left_out = left_out.n();
        let mut limits = locked(&self.0);
        if n_left_out == 0 {
            if let Some(limited) = limits.get_mut(rule) {
                limited.n_left_out = 0;
            }
            return;
        }
        let text = left_out.text();
        let logged_ms = limits.get(rule).map(|limited| limited.logged_ms);
        let is_news = logged_ms.is_none_or(|logged_ms| now_ms - logged_ms >= RECENT_MS);
        if is_news {
            tracing::warn!(rule = &**rule, "{text}");
        }
        let logged_ms = logged_ms.filter(|_| !is_news).unwrap_or(now_ms);
        limits.insert(rule.clone(), Limited { n_left_out, text, seen_ms: now_ms, logged_ms });
    }

    /// What was left out of a rule's latest window, if something was.
    #[must_use]
    pub(crate) fn of(&self, rule: &str) -> Option<String> {
        locked(&self.0).get(rule).filter(|limited| limited.n_left_out > 0).map(|limited| limited.text.clone())
    }

    /// How much was left out of the latest windows, by rule.
    #[must_use]
    pub(crate) fn counts(&self) -> BTreeMap<Arc<str>, u64> {
        let limits = locked(&self.0);
        let limited = limits.iter().filter(|(_, limited)| limited.n_left_out > 0);
        limited.map(|(rule, limited)| (rule.clone(), limited.n_left_out)).collect()
    }

    /// What was left out of windows of the last hour, by rule; what is older, or of rules that are gone, is forgotten.
    pub(crate) fn recent(&self, now_ms: i64, is_rule: impl Fn(&str) -> bool) -> BTreeMap<Arc<str>, String> {
        let mut limits = locked(&self.0);
        limits.retain(|rule, limited| now_ms - limited.seen_ms < RECENT_MS && is_rule(rule));
        limits.iter().map(|(rule, limited)| (rule.clone(), limited.text.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said_while_it_is_and_remembered_for_an_hour() {
        let (limits, rule) = (Limits::default(), Arc::from("wide"));
        limits.note(&rule, &LeftOut::Groups(0, "events"), 0);
        assert_eq!((limits.of("wide"), limits.recent(0, |_| true).len()), (None, 0));
        limits.note(&rule, &LeftOut::Groups(7, "events"), 10);
        assert!(limits.of("wide").unwrap().contains("7 events"));
        assert_eq!(limits.counts()[&rule], 7);
        limits.note(&rule, &LeftOut::Groups(0, "events"), 20);
        assert_eq!((limits.of("wide"), limits.counts().len()), (None, 0));
        assert!(limits.recent(9 + RECENT_MS, |_| true)[&rule].contains("group by fewer labels"));
        assert!(limits.recent(9 + RECENT_MS, |_| false).is_empty()); // the rule is gone
        assert!(limits.recent(9 + RECENT_MS, |_| true).is_empty());
        let some = ["web-7", "web-8"].map(str::to_owned).to_vec();
        let unjudged = Unjudged { n: 3, model: "web".to_owned(), by: "host".to_owned(), some };
        limits.note(&rule, &LeftOut::Unjudged(unjudged), 30);
        let said = limits.of("wide").unwrap();
        assert!(
            said.starts_with("the model web has no detector for host web-7, web-8 and 1 more, so"),
            "{said}"
        );
    }
}

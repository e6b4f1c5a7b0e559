//! Switches as flags of OpenFeature: each is true while it blocks, or gives values of its own.
//!
//! The flag [`ALL`] stands for all of them. Variant and reason are always given, as clients stumble without. That a
//! context is not matched has the reason `DEFAULT`, which clients accept though the specification's list lacks it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::flag::{Choice, Reason};
use crate::set::SwitchSet;
use crate::switch::Switch;
use crate::verdict::Verdict;

/// The flag that stands for all switches.
pub const ALL: &str = "blocked";
/// The name of the caller's own default.
const OF_CALLER: &str = "default";

/// What a context gets of one flag.
#[derive(Debug, Clone, Serialize)]
pub struct FlagAnswer<'a> {
    /// The flag's name.
    pub key: &'a str,
    /// OpenFeature's word for why.
    pub reason: &'static str,
    /// The name of the value.
    pub variant: &'a str,
    /// A disabled switch that has values of its own has none to give: the caller's default counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<&'a Value>,
    /// What is said besides.
    pub metadata: Metadata<'a>,
}

/// What is said of a flag besides.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Metadata<'a> {
    /// A flag with values of its own says what its author wrote, and nothing else.
    Own(&'a Map<String, Value>),
    /// A switch.
    One {
        /// Of all switches.
        revision: u64,
        /// The switch's.
        priority: i64,
        /// What it does now.
        phase: &'static str,
        /// Whom to ask.
        #[serde(skip_serializing_if = "Option::is_none")]
        owner: Option<&'a str>,
        /// What its author gives as reason.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// All switches.
    All {
        /// Theirs.
        revision: u64,
        /// How many block.
        switches: usize,
        /// The first of them.
        #[serde(skip_serializing_if = "Option::is_none")]
        switch: Option<&'a str>,
        /// What its author gives as reason.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
}

impl FlagAnswer<'_> {
    /// As JSON text.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Cannot fail: text, numbers and JSON values, in memory.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl SwitchSet {
    /// Whether there is a flag `key`: a switch, or [`ALL`]. Cost: O(log n).
    #[must_use]
    pub fn has_flag(&self, key: &str) -> bool {
        key == ALL || self.get(key).is_some()
    }

    /// What `context` gets of the flag `key` at `now_ms`, milliseconds since the Unix epoch: of a switch, or of [`ALL`].
    /// `verdict` is this set's on the same context. `None` where there is no such flag. Cost: O(log n).
    ///
    /// ```
    /// use lanner_switch::{Snapshot, SwitchSet};
    /// use serde_json::json;
    ///
    /// let switch = json!({"id": "block-bank", "when": "BANK == HSBC", "reason": "outage"});
    /// let set = SwitchSet::compile(&Snapshot::new(1, vec![switch])).unwrap();
    /// let context = json!({"BANK": "HSBC"});
    /// let context = context.as_object().unwrap();
    /// let verdict = set.evaluate(context, 0);
    /// for key in ["block-bank", "blocked"] {
    ///     assert_eq!(set.flag(key, &verdict, context, 0).unwrap().value, Some(&json!(true)));
    /// }
    /// assert!(set.flag("other", &verdict, context, 0).is_none());
    /// ```
    #[must_use]
    pub fn flag<'s>(
        &'s self,
        key: &str,
        verdict: &'s Verdict,
        context: &Map<String, Value>,
        now_ms: i64,
    ) -> Option<FlagAnswer<'s>> {
        match key {
            ALL => Some(all(verdict)),
            _ => Some(one(self.get(key)?, verdict, context, now_ms)),
        }
    }

    /// The same of all flags: the switches in their order, and [`ALL`].
    pub fn flags<'s>(
        &'s self,
        verdict: &'s Verdict,
        context: &'s Map<String, Value>,
        now_ms: i64,
    ) -> impl Iterator<Item = FlagAnswer<'s>> {
        let switches = self.switches().iter().map(move |switch| one(switch, verdict, context, now_ms));
        switches.chain([all(verdict)])
    }
}

/// One switch as a flag.
fn one<'s>(
    switch: &'s Arc<Switch>,
    verdict: &Verdict,
    context: &Map<String, Value>,
    now_ms: i64,
) -> FlagAnswer<'s> {
    let Some(flag) = &switch.flag else { return one_that_blocks(switch, verdict, now_ms) };
    let Choice { variant, reason } = switch.choice(flag, context, now_ms);
    let value = variant.map(|variant| &variant.value).filter(|_| reason != Reason::Disabled);
    let variant = variant.map_or(OF_CALLER, |variant| &variant.name);
    FlagAnswer {
        key: &switch.id,
        reason: reason.name(),
        variant,
        value,
        metadata: Metadata::Own(&flag.metadata),
    }
}

fn one_that_blocks<'s>(switch: &'s Arc<Switch>, verdict: &Verdict, now_ms: i64) -> FlagAnswer<'s> {
    let is_on = verdict.is_closed || verdict.blocking().iter().any(|blocking| Arc::ptr_eq(blocking, switch));
    let metadata = Metadata::One {
        revision: verdict.revision(),
        priority: switch.priority,
        phase: switch.phase(now_ms).name(),
        owner: switch.owner.as_deref(),
        reason: switch.reason.as_deref(),
    };
    let reason = switch.why(is_on, now_ms).name();
    FlagAnswer { key: &switch.id, reason, variant: variant(is_on), value: Some(truth(is_on)), metadata }
}

/// All switches as one flag.
fn all(verdict: &Verdict) -> FlagAnswer<'_> {
    let is_blocked = verdict.is_blocked();
    let metadata = Metadata::All {
        revision: verdict.revision(),
        switches: verdict.blocking().len(),
        switch: verdict.first().map(|first| &*first.id),
        reason: verdict.reason(),
    };
    FlagAnswer {
        key: ALL,
        reason: if is_blocked { Reason::TargetingMatch } else { Reason::Default }.name(),
        variant: variant(is_blocked),
        value: Some(truth(is_blocked)),
        metadata,
    }
}

const fn variant(is_blocked: bool) -> &'static str {
    if is_blocked { "blocked" } else { "open" }
}

const fn truth(is_on: bool) -> &'static Value {
    if is_on { &Value::Bool(true) } else { &Value::Bool(false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OnUnavailable, Snapshot, Staleness};
    use serde_json::json;

    fn set() -> SwitchSet {
        let switches = vec![
            json!({"id": "north", "when": "bank == north", "reason": "outage"}),
            json!({"id": "shop", "when": "bank == north", "flag": {"on": "new", "off": "old", "metadata": {"team": "a"}}}),
        ];
        SwitchSet::compile(&Snapshot::new(7, switches)).unwrap()
    }

    #[test]
    fn flags_read_as_openfeature_says() {
        let (set, context) = (set(), json!({"bank": "north"}));
        let context = context.as_object().unwrap();
        let verdict = set.evaluate(context, 0);
        let flags: Vec<String> =
            set.flags(&verdict, context, 0).map(|flag| String::from_utf8(flag.to_json()).unwrap()).collect();
        assert_eq!(
            flags,
            [
                r#"{"key":"north","reason":"TARGETING_MATCH","variant":"blocked","value":true,"metadata":{"revision":7,"priority":0,"phase":"blocking","reason":"outage"}}"#,
                r#"{"key":"shop","reason":"TARGETING_MATCH","variant":"on","value":"new","metadata":{"team":"a"}}"#,
                r#"{"key":"blocked","reason":"TARGETING_MATCH","variant":"blocked","value":true,"metadata":{"revision":7,"switches":1,"switch":"north","reason":"outage"}}"#,
            ]
        );
    }

    #[test]
    fn where_nothing_is_known_the_policy_is_the_flag() {
        let (set, context) = (set(), Map::new());
        for (policy, value) in [(OnUnavailable::Open, false), (OnUnavailable::Closed, true)] {
            let verdict = Verdict::unavailable(policy, 7, Staleness { for_ms: 9_000, is_too_old: true });
            for key in ["north", ALL] {
                let flag = set.flag(key, &verdict, &context, 0).unwrap();
                assert_eq!(flag.value, Some(&json!(value)), "{policy:?} {key}");
            }
        }
    }
}

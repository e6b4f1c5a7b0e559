//! What a profile says of an event.

use lanner_core::time::format_time;
use lanner_sketch::{Count, Recent};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::part::Part;
use crate::spec::WINDOWS;

/// How complete a profile is: what "never seen" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It has not seen enough yet.
    Learning,
    /// What it has not seen is new.
    Active,
    /// It has seen no events for long; what is usual may have changed.
    Stale,
    /// Events were lost or its memory is too small, so "never seen" may be wrong either way.
    Incomplete,
}

impl Status {
    /// Its name in events and output: `learning`, `active`, `stale` or `incomplete`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Learning => "learning",
            Self::Active => "active",
            Self::Stale => "stale",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What the other hosts of a fleet know of a behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InFleet {
    /// On how many hosts it was seen in the last quarter, this one included: never too few.
    pub seen_on: u32,
    /// How many hosts there are.
    #[serde(rename = "hosts")]
    pub n_hosts: u32,
    /// Whether it was seen on as many hosts as make it common.
    #[serde(rename = "common")]
    pub is_common: bool,
}

/// What a profile says of an event, before it learned it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<'p> {
    /// The profile.
    pub profile: &'p str,
    /// What makes a behaviour.
    pub parts: &'p [Part],
    /// Whether it may be relied on.
    pub status: Status,
    /// How often the behaviour was seen before, in each of [`WINDOWS`].
    pub seen: Recent,
    /// When it was first seen before, milliseconds since 1970.
    pub first_seen_ms: Option<i64>,
    /// When it was last seen before.
    pub last_seen_ms: Option<i64>,
    /// -log2 of the share of events that behave like that: 0 for all, 10 for one in a thousand.
    pub rarity_bits: f64,
    /// The share of events that are new, of late, from 0 to 1.
    pub novelty_rate: f64,
    /// How many different behaviours its group had before, such as its image; about 6 % off when there are many.
    pub n_distinct: Option<u64>,
    /// Whether it is of a version of its image that came less than an hour ago; none where groups are no images.
    pub is_new_image: Option<bool>,
    /// Of a behaviour that is new: which parts were never seen with that value.
    pub new_values: Vec<&'p str>,
    /// Of a behaviour that is new and whose values are all known: parts without which it would be known.
    pub new_with: Vec<&'p str>,
    /// Whether the profile is active and saw the behaviour less often than it takes.
    pub is_rare: bool,
    /// What the fleet knows of the behaviour, if there is one.
    pub fleet: Option<InFleet>,
}

impl InFleet {
    /// `none of 40 hosts`, `12 of 40 hosts`
    #[must_use]
    pub fn in_words(self) -> String {
        let seen_on = if self.seen_on == 0 { "none".to_owned() } else { self.seen_on.to_string() };
        format!("{seen_on} of {} host{}", self.n_hosts, if self.n_hosts == 1 { "" } else { "s" })
    }
}

impl Answer<'_> {
    /// How often the behaviour was seen before, ever.
    #[must_use]
    pub fn ever(&self) -> Count {
        self.seen.count(WINDOWS.len() - 1)
    }

    /// Why, in one sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        let last =
            || self.last_seen_ms.map_or_else(String::new, |at| format!(", last at {}", format_time(at)));
        let here = match (self.ever().is_never(), &self.new_values[..], &self.new_with[..]) {
            (false, _, _) => format!("seen {} before{}", times(self.ever()), last()),
            (true, [], []) => "this combination was never seen".to_owned(),
            (true, [], with) => format!("never seen with this {}", with.join(", ")),
            (true, values, _) => format!("never seen: {}", values.join(", ")),
        };
        match self.fleet.filter(|fleet| fleet.n_hosts > 0) {
            Some(fleet) => format!("{here}; in the fleet on {}", fleet.in_words()),
            None => here,
        }
    }

    /// As fields that are added to the event at `time_ms`.
    #[must_use]
    pub fn to_fields(&self, time_ms: i64) -> Map<String, Value> {
        let seen = WINDOWS
            .iter()
            .enumerate()
            .map(|(at, (name, _))| ((*name).to_owned(), Value::from(self.seen.count(at).value())));
        let mut fields = Map::new();
        fields.insert("status".to_owned(), self.status.name().into());
        fields.insert("rare".to_owned(), self.is_rare.into());
        fields.insert("seen".to_owned(), Value::Object(seen.collect()));
        if let Some(first_ms) = self.first_seen_ms {
            fields.insert("first_seen".to_owned(), format_time(first_ms).into());
        }
        if let Some(last_ms) = self.last_seen_ms {
            fields.insert("last_seen".to_owned(), format_time(last_ms).into());
            fields.insert("age_s".to_owned(), json!((time_ms - last_ms).max(0) / 1_000));
        }
        fields.insert("rarity".to_owned(), json!(round(self.rarity_bits)));
        fields.insert("novelty_rate".to_owned(), json!(round(self.novelty_rate)));
        if let Some(n_distinct) = self.n_distinct {
            fields.insert("distinct".to_owned(), n_distinct.into());
        }
        if let Some(is_new) = self.is_new_image {
            fields.insert("new_image".to_owned(), is_new.into());
        }
        if self.ever().is_never() {
            fields.insert("new_values".to_owned(), json!(self.new_values));
            fields.insert("new_with".to_owned(), json!(self.new_with));
        }
        if let Some(fleet) = self.fleet {
            fields.insert("fleet".to_owned(), json!(fleet));
        }
        fields.insert("reason".to_owned(), self.reason().into());
        fields
    }
}

/// To three places after the point: more would be noise.
fn round(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

/// `once`, `3 times`, `at least 15 times`.
fn times(count: Count) -> String {
    if count.value() == 1 { "once".to_owned() } else { format!("{count} times") }
}

//! Several profiles, one after the other: each may look at what those above it said.
//!
//! `where: 'exec.rare == true'` has a profile judge only the events that the profile `exec` flags, and learn only those.

use std::borrow::Cow;

use lanner_conditions::Condition;
use lanner_profile::{Answer, Profile};
use serde_json::{Map, Value};

/// Of each profile, whether one below it looks at what it says.
pub(super) struct Cascade(Vec<bool>);

impl Cascade {
    /// Of these profiles, in order.
    pub(super) fn of(profiles: &[Profile]) -> Self {
        let named = |id: &str, below: &Profile| {
            let text = below.spec().filter.as_ref().map(|(text, _)| text);
            let condition = text.and_then(|text| Condition::compile(text).ok());
            let fields = condition.iter().flat_map(Condition::fields);
            fields
                .into_iter()
                .any(|field| field.as_str().strip_prefix(id).is_some_and(|rest| rest.starts_with('.')))
        };
        let is_named = |(at, one): (usize, &Profile)| {
            profiles[at + 1..].iter().any(|below| named(&one.spec().id, below))
        };
        Self(profiles.iter().enumerate().map(is_named).collect())
    }

    /// Whether any of them looks at what another says.
    pub(super) fn is_one(&self) -> bool {
        self.0.contains(&true)
    }

    /// Asks each profile about an event, and teaches it if it `learns`. `on_answer` is called with what each says.
    pub(super) fn pass(
        &self,
        profiles: &mut [Profile],
        event: &Map<String, Value>,
        time_ms: i64,
        learns: bool,
        mut on_answer: impl FnMut(&Answer<'_>),
    ) {
        let mut fields = Cow::Borrowed(event);
        for (profile, is_named) in profiles.iter_mut().zip(&self.0) {
            let answer =
                if learns { profile.observe(&fields, time_ms) } else { profile.ask(&fields, time_ms) };
            let Some(answer) = answer else { continue };
            on_answer(&answer);
            if *is_named {
                let said = Value::Object(answer.to_fields(time_ms));
                fields.to_mut().insert(answer.profile.to_owned(), said);
            }
        }
    }
}

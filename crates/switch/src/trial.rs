//! Evaluates a switch on past contexts before it blocks any.

use lanner_conditions::{Buffer, FieldPath, Reader};
use serde_json::{Map, Value};

use crate::switch::{MISSING, Switch};

/// How many contexts that would be blocked are kept, to be shown.
const MAX_EXAMPLES: usize = 3;

/// What a switch would have done to contexts, were it on when they were asked. Status, validity and windows do not
/// count; condition and share do.
///
/// Cost: one pass over each context's text; only those that the condition matches become a tree.
///
/// ```
/// use lanner_switch::{Switch, Trial};
/// let document = serde_json::json!({"id": "a", "when": "BANK == HSBC", "status": "inactive"});
/// let switch = Switch::from_json(&document).unwrap();
/// let mut trial = Trial::new(&switch);
/// trial.ask(0, r#"{"BANK": "HSBC"}"#);
/// trial.ask(1_000, r#"{"BANK": "ING"}"#);
/// assert_eq!((trial.n_contexts, trial.n_blocked, trial.share()), (2, 1, 0.5));
/// ```
#[derive(Debug)]
pub struct Trial<'s> {
    switch: &'s Switch,
    reader: Reader,
    buffer: Buffer,
    /// How many contexts were asked; what is no JSON object is none.
    pub n_contexts: u64,
    /// How many of them it would have blocked.
    pub n_blocked: u64,
    /// The times of the first and the last one, milliseconds since the Unix epoch.
    pub span_ms: Option<(i64, i64)>,
    /// The last few that it would have blocked.
    pub examples: Vec<Map<String, Value>>,
}

impl<'s> Trial<'s> {
    /// A trial of `switch` that has seen no context yet. Only the fields that its condition names are read.
    #[must_use]
    pub fn new(switch: &'s Switch) -> Self {
        let fields: Vec<FieldPath> = switch.condition.fields();
        Self {
            switch,
            reader: Reader::new(&fields),
            buffer: Buffer::default(),
            n_contexts: 0,
            n_blocked: 0,
            span_ms: None,
            examples: Vec::new(),
        }
    }

    /// Asks one more context, a JSON object, of `time_ms`.
    pub fn ask(&mut self, time_ms: i64, text: &str) {
        let Ok(fields) = self.reader.read(text, &mut self.buffer) else { return };
        self.n_contexts += 1;
        let (first_ms, last_ms) = self.span_ms.unwrap_or((time_ms, time_ms));
        self.span_ms = Some((first_ms.min(time_ms), last_ms.max(time_ms)));
        if !self.switch.condition.matches(&fields, MISSING) {
            return;
        }
        let Ok(context) = serde_json::from_str(text) else { return };
        if self.switch.is_rolled_out_to(&context) {
            self.n_blocked += 1;
            if self.examples.len() == MAX_EXAMPLES {
                self.examples.remove(0);
            }
            self.examples.push(context);
        }
    }

    /// Which share of them it would have blocked, 0 to 1; 0 of none.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.n_contexts == 0 { 0.0 } else { self.n_blocked as f64 / self.n_contexts as f64 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn switch(document: &Value) -> Switch {
        Switch::from_json(document).unwrap()
    }

    #[test]
    fn a_trial_counts_what_would_be_blocked() {
        let off = switch(&json!({
            "id": "a", "when": "user.id exists and amount > 5", "status": "inactive", "valid": {"to": "2020-01-01"},
            "rollout": {"share": "50%", "by": "user.id"},
        }));
        let mut trial = Trial::new(&off);
        assert_eq!((trial.share(), trial.span_ms), (0.0, None));
        for n in 0..2_000 {
            trial.ask(n, &json!({"user": {"id": n}, "amount": n % 10}).to_string());
        }
        for broken in ["", "[]", "{\"amount\": 9", "7"] {
            trial.ask(5_000, broken);
        }
        assert_eq!((trial.n_contexts, trial.span_ms), (2_000, Some((0, 1_999))));
        assert!((0.17..0.23).contains(&trial.share()), "{}", trial.share());
        assert_eq!(trial.examples.len(), MAX_EXAMPLES);
        assert!(trial.examples.iter().all(|context| context["amount"].as_i64() > Some(5)));
    }

    proptest! {
        #[test]
        fn a_trial_says_what_the_switch_says(
            contexts in prop::collection::vec(("[a-c]", 0..4_i64, any::<bool>()), 0..40), share in 1..=100_u32,
        ) {
            let on = switch(&json!({
                "id": "a", "when": "k == a or n in (1, 3) and not gone exists",
                "rollout": {"share": format!("{share}%"), "by": "n"},
            }));
            let mut trial = Trial::new(&on);
            let mut n_blocked = 0;
            for (key, number, gone) in contexts {
                let mut context = json!({"k": key, "n": number});
                if gone {
                    context["gone"] = json!(null);
                }
                let fields = context.as_object().unwrap();
                n_blocked += u64::from(on.matches(fields) && on.is_rolled_out_to(fields));
                trial.ask(0, &context.to_string());
            }
            prop_assert_eq!(trial.n_blocked, n_blocked);
        }
    }
}

//! Finds out whether a switch blocks everything, by evaluating it on contexts that nobody would send.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::switch::Switch;

/// Contexts that mix values by chance, after those in which all fields have the same one.
const N_MIXED: usize = 200;
/// So many words of a condition are tried as values.
const MAX_WORDS: usize = 40;

impl Switch {
    /// Whether its condition is true of every context that has the fields it reads, as far as trying finds out: made-up
    /// contexts with values of every type, among them those that the condition names. Status, validity, windows and share
    /// do not count. Cost: for most conditions, which refuse one of the first contexts, next to nothing.
    ///
    /// ```
    /// let always = |when: &str| {
    ///     let document = serde_json::json!({"id": "a", "when": when});
    ///     lanner_switch::Switch::from_json(&document).unwrap().matches_everything()
    /// };
    /// assert!(always("true") && always("x == 1 or x != 1") && always("n < 5 or n >= 5"));
    /// assert!(always("not (n > 5 and n < 3)") && !always("n != 5") && !always("n != 5 and BANK != HSBC"));
    /// assert!(!always("x != 1") && !always("BANK == HSBC") && !always("amount >= 0"));
    /// assert!(!always("BANK1 != HSBC") && !always("BANK != \"5\""));
    /// ```
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        let fields: Vec<String> = self.condition.fields().iter().map(ToString::to_string).collect();
        let condition = self.condition.expr().to_string();
        let all = values(&condition);
        let of_kind =
            |is_kind: fn(&Value) -> bool| all.iter().filter(|value| is_kind(value)).cloned().collect();
        // A condition on numbers, or on texts, may be true of all of these, and of nothing else.
        let mut kinds: Vec<Vec<Value>> = vec![all.clone()];
        let outside_quotes = condition.split('"').step_by(2);
        if outside_quotes.flat_map(words).any(|word| number(word).is_some()) {
            kinds.push(of_kind(Value::is_number));
        }
        if condition.contains('"') {
            kinds.push(of_kind(Value::is_string));
        }
        kinds.iter().any(|values| self.matches_all(&fields, values))
    }

    fn matches_all(&self, fields: &[String], values: &[Value]) -> bool {
        let same = values.iter().map(|value| context(fields, || value.clone()));
        let mut chance = 0x9e37_79b9_u64;
        let mixed = (0..N_MIXED).map(|_| {
            context(fields, || {
                chance =
                    chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                values[(chance >> 33) as usize % values.len()].clone()
            })
        });
        same.chain(mixed).all(|context| self.matches(&context))
    }
}

fn context(fields: &[String], mut value: impl FnMut() -> Value) -> Map<String, Value> {
    fields.iter().map(|field| (field.clone(), value())).collect()
}

/// Values of every type, and the words and numbers of a condition, with their neighbours.
fn values(condition: &str) -> Vec<Value> {
    let mut values = vec![json!("-"), json!(0), json!(-1), json!(1e15), json!(0.5), json!("")];
    values.extend([json!(true), json!(false), json!("2026-01-01T00:00:00Z"), json!(["-"]), json!({"-": 0})]);
    let words: BTreeSet<&str> = words(condition).collect();
    for word in words.into_iter().take(MAX_WORDS) {
        values.push(json!(word));
        if let Some(number) = number(word) {
            values.extend([json!(number), json!(number - 1.0), json!(number + 1.0)]);
            values.extend(word.parse::<i64>().ok().map(Value::from));
        }
    }
    values
}

fn words(condition: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric() || "._-:/@*".contains(c);
    condition.split(move |c: char| !is_word(c)).filter(|word| !word.is_empty())
}

fn number(word: &str) -> Option<f64> {
    word.parse().ok().filter(|number: &f64| number.is_finite())
}

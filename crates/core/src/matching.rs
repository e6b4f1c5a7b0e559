//! Matchers at work: one label, compared.

use crate::{Labels, MatchOp, Matcher};

/// The largest a compiled regular expression may be, in bytes.
const MAX_EXPRESSION_BYTES: usize = 1 << 20;

/// A matcher that is ready to match.
///
/// ```
/// use lanner_core::matching::LabelTest;
/// use lanner_core::{Labels, MatchOp, Matcher};
/// let matcher = Matcher { label: "bank".to_owned(), op: MatchOp::Regex, value: "hs.*|ing".to_owned() };
/// let test = LabelTest::new(&matcher)?;
/// assert!(test.accepts(&Labels::new([("bank", "hsbc")])));
/// assert!(!test.accepts(&Labels::default()));
/// # Ok::<(), regex::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LabelTest {
    label: String,
    expected: Expected,
    /// Whether the value is to be as expected, or other than that.
    wanted: bool,
}

#[derive(Debug, Clone)]
enum Expected {
    Text(String),
    /// Anchored at both ends.
    Expression(regex::Regex),
}

impl LabelTest {
    /// Compiles a matcher. A regular expression matches the whole value, in time linear in it.
    ///
    /// # Errors
    /// The expression is wrong, or too large.
    pub fn new(matcher: &Matcher) -> Result<Self, regex::Error> {
        let (expected, wanted) = match matcher.op {
            MatchOp::Equal => (Expected::Text(matcher.value.clone()), true),
            MatchOp::NotEqual => (Expected::Text(matcher.value.clone()), false),
            MatchOp::Regex => (Expected::Expression(whole(&matcher.value)?), true),
            MatchOp::NotRegex => (Expected::Expression(whole(&matcher.value)?), false),
        };
        Ok(Self { label: matcher.label.clone(), expected, wanted })
    }

    /// Whether it accepts these labels. An absent label is empty.
    #[must_use]
    pub fn accepts(&self, labels: &Labels) -> bool {
        self.accepts_value(labels.get(&self.label).unwrap_or_default())
    }

    /// Whether it accepts this value of its label.
    #[must_use]
    pub fn accepts_value(&self, value: &str) -> bool {
        let is_as_expected = match &self.expected {
            Expected::Text(text) => value == text,
            Expected::Expression(expression) => expression.is_match(value),
        };
        is_as_expected == self.wanted
    }
}

fn whole(expression: &str) -> Result<regex::Regex, regex::Error> {
    let built = |text: &str| regex::RegexBuilder::new(text).size_limit(MAX_EXPRESSION_BYTES).build();
    // By itself first: `a)|(b` is none, and would become one within the anchors.
    built(expression)?;
    built(&format!("^(?:{expression})$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_values_are_compared() {
        #[track_caller]
        fn check(op: MatchOp, value: &str, bank: &str, accepted: bool) {
            let matcher = Matcher { label: "bank".to_owned(), op, value: value.to_owned() };
            let labels = Labels::new([("bank", bank)]);
            assert_eq!(LabelTest::new(&matcher).unwrap().accepts(&labels), accepted, "{value} on {bank}");
        }
        check(MatchOp::Equal, "hsbc", "hsbc", true);
        check(MatchOp::Equal, "hs", "hsbc", false);
        check(MatchOp::NotEqual, "hs", "hsbc", true);
        check(MatchOp::Regex, "hs", "hsbc", false);
        check(MatchOp::Regex, "hs.*|ing", "hsbc", true);
        check(MatchOp::Regex, "ing|hs", "hsbc", false); // both sides of the bar are anchored
        check(MatchOp::NotRegex, "hs.*", "hsbc", false);
        check(MatchOp::NotRegex, ".+", "", true); // absent is empty
        check(MatchOp::Regex, "hs.*", "hs\nbc", false); // a point is no line break
    }

    #[test]
    fn wrong_expressions_are_refused() {
        for value in ["(", "a)|(b", "(?:(?:a{1000}){1000}){1000}"] {
            let matcher = Matcher { label: "bank".to_owned(), op: MatchOp::Regex, value: value.to_owned() };
            assert!(LabelTest::new(&matcher).is_err(), "{value}");
        }
    }
}

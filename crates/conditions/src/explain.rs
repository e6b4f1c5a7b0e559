//! Explains the verdict of a condition on an event.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use crate::condition::{Condition, Node};
use crate::field::{Fields, View};
use crate::{Expr, FieldPath, Literal, Missing, Op, Verdict};

/// A value is shown up to this many characters.
const MAX_SHOWN_CHARS: usize = 80;

/// The verdict of a condition with all that led to it. `Display` writes one line per part, indented.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The condition's verdict.
    pub verdict: Verdict,
    /// Each part of the condition, the whole first, members behind what they are members of.
    pub steps: Vec<Step>,
    /// Fields that a test needed and did not find, each once, in order of their names.
    pub missing: Vec<FieldPath>,
}

/// One part of a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// How deep it stands: 0 for the whole, one more for each of its members.
    pub depth: usize,
    /// The test as it is written, or `all of`, `any of`, `not`.
    pub text: String,
    /// What it came to, in the mode for missing fields that was asked for.
    pub verdict: Verdict,
    /// The fields that a test read, and the value of each as JSON, cut where it is long; `None`: missing.
    pub found: Vec<(FieldPath, Option<String>)>,
}

impl Condition {
    /// Why it says what it says: every test, the values it saw, and what was missing.
    ///
    /// ```
    /// use lanner_conditions::{Condition, Missing};
    /// let condition = Condition::compile("bank in (hsbc, ing) and not amount < 100").unwrap();
    /// let event = serde_json::json!({"bank": "ing"});
    /// let explanation = condition.explain(event.as_object().unwrap(), Missing::Kleene);
    /// assert_eq!(explanation.to_string(), r#"unknown: all of
    ///   true: bank in ("hsbc", "ing") [bank is "ing"]
    ///   unknown: not
    ///     unknown: amount < 100 [amount is missing]"#);
    /// assert_eq!(explanation.missing[0].as_str(), "amount");
    /// ```
    ///
    /// Cost: every test is asked, and all is written out; for people, not for every event.
    #[must_use]
    pub fn explain(&self, fields: &impl Fields, missing: Missing) -> Explanation {
        Explanation::new(self.expr(), fields, missing)
    }
}

impl Explanation {
    pub(crate) fn new(expr: &Expr, fields: &impl Fields, missing: Missing) -> Self {
        let mut telling = Telling { fields, missing, steps: Vec::new(), absent: BTreeSet::new() };
        let verdict = telling.tell(expr, 0);
        Self { verdict, steps: telling.steps, missing: telling.absent.into_iter().collect() }
    }
}

struct Telling<'f, F> {
    fields: &'f F,
    missing: Missing,
    steps: Vec<Step>,
    absent: BTreeSet<FieldPath>,
}

impl<F: Fields> Telling<'_, F> {
    fn tell(&mut self, expr: &Expr, depth: usize) -> Verdict {
        let (text, members) = match expr {
            Expr::Not(inner) => ("not".to_owned(), std::slice::from_ref(&**inner)),
            Expr::And(members) => ("all of".to_owned(), &members[..]),
            Expr::Or(members) => ("any of".to_owned(), &members[..]),
            Expr::Test(_) | Expr::Constant(_) => (expr.to_string(), &[][..]),
        };
        let place = self.steps.len();
        let found = self.found(expr);
        self.steps.push(Step { depth, text, verdict: Verdict::Unknown, found });
        let verdicts: Vec<Verdict> = members.iter().map(|member| self.tell(member, depth + 1)).collect();
        let any = |wanted| verdicts.contains(&wanted).then_some(wanted);
        let verdict = match expr {
            Expr::Not(_) => verdicts[0].negate_if(true),
            Expr::And(_) => any(Verdict::False).or(any(Verdict::Unknown)).unwrap_or(Verdict::True),
            Expr::Or(_) => any(Verdict::True).or(any(Verdict::Unknown)).unwrap_or(Verdict::False),
            Expr::Test(_) | Expr::Constant(_) => Node::of(expr).verdict(self.fields, self.missing),
        };
        self.steps[place].verdict = verdict;
        verdict
    }

    fn found(&mut self, expr: &Expr) -> Vec<(FieldPath, Option<String>)> {
        let mut found: Vec<(FieldPath, Option<String>)> = Vec::new();
        let Expr::Test(predicate) = expr else { return found };
        predicate.each_field(&mut |field| {
            if found.iter().any(|(known, _)| known == field) {
                return;
            }
            let value = field.view(self.fields);
            if value.is_none() && predicate.op != Op::Exists {
                self.absent.insert(field.clone());
            }
            found.push((field.clone(), value.map(shown)));
        });
        found
    }
}

/// A value as JSON, cut to [`MAX_SHOWN_CHARS`].
fn shown(value: View<'_>) -> String {
    let mut text = match value {
        View::Null => "null".to_owned(),
        View::Bool(value) => value.to_string(),
        View::Number(number) => number.to_string(),
        // Cut before it is quoted: an event may be long.
        View::Text(text) => {
            let end = text.char_indices().nth(MAX_SHOWN_CHARS).map_or(text.len(), |(at, _)| at);
            Literal::Text(text[..end].to_owned()).to_string()
        }
        View::List(items) => format!("a list of {}", items.len()),
        View::Object(object) => format!("an object of {}", object.len()),
    };
    if let Some((end, _)) = text.char_indices().nth(MAX_SHOWN_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            let line_break = if at > 0 { "\n" } else { "" };
            let indent = 2 * step.depth;
            write!(f, "{line_break}{:indent$}{}: {}", "", step.verdict.word(), step.text)?;
            for (at, (field, value)) in step.found.iter().enumerate() {
                f.write_str(if at > 0 { ", " } else { " [" })?;
                match value {
                    Some(value) => write!(f, "{field} is {value}")?,
                    None => write!(f, "{field} is missing")?,
                }
            }
            if !step.found.is_empty() {
                f.write_str("]")?;
            }
        }
        Ok(())
    }
}

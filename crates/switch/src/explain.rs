//! Explains the verdict of a switch on a context.

use lanner_conditions::{Condition, Expr, Verdict};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::switch::{MISSING, Phase, Switch};

/// Why a switch does or does not block a context.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The switch.
    pub id: String,
    /// Whether it blocks the context.
    pub blocks: bool,
    /// What it does at that time: `blocking`, `shadow`, `inactive`, `waiting`, `expired`, `paused`.
    pub phase: &'static str,
    /// Its condition: `true`, `false`, or `unknown` where a field is missing or of another kind.
    pub condition: &'static str,
    /// Whether the context belongs to the share that is blocked.
    pub rolled_out: bool,
    /// Each test of the condition, in the order written.
    pub tests: Vec<Predicate>,
    /// Fields that the condition mentions and the context lacks.
    pub missing: Vec<String>,
}

/// One test of a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Predicate {
    /// In canonical form.
    pub test: String,
    /// `true`, `false` or `unknown`.
    pub verdict: &'static str,
    /// The values that it looked at, by field; what is missing is left out.
    pub values: Map<String, Value>,
}

impl Explanation {
    pub(crate) fn new(switch: &Switch, context: &Map<String, Value>, now_ms: i64) -> Self {
        let condition = switch.condition.verdict(context, MISSING);
        let phase = switch.phase(now_ms);
        let rolled_out = switch.is_rolled_out_to(context);
        let mut tests = Vec::new();
        collect(switch.condition.expr(), context, &mut tests);
        let missing = switch.condition.fields().into_iter().filter(|field| field.find(context).is_none());
        Self {
            id: switch.id.to_string(),
            blocks: condition == Verdict::True
                && phase == Phase::Blocking
                && rolled_out
                && switch.flag.is_none(),
            phase: phase.name(),
            condition: word(condition),
            rolled_out,
            tests,
            missing: missing.map(|field| field.to_string()).collect(),
        }
    }
}

/// A condition is at most a few hundred levels deep, so this is as well.
fn collect(expr: &Expr, context: &Map<String, Value>, tests: &mut Vec<Predicate>) {
    match expr {
        Expr::Not(inner) => collect(inner, context, tests),
        Expr::And(members) | Expr::Or(members) => {
            members.iter().for_each(|member| collect(member, context, tests));
        }
        Expr::Test(_) | Expr::Constant(_) => {
            let condition = Condition::from_expr(expr.clone());
            let values = condition
                .fields()
                .into_iter()
                .filter_map(|field| Some((field.to_string(), field.find(context)?.clone())));
            let verdict = word(condition.verdict(context, MISSING));
            tests.push(Predicate { test: expr.to_string(), verdict, values: values.collect() });
        }
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::True => "true",
        Verdict::False => "false",
        Verdict::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_test_shows_its_value() {
        let document = json!({"id": "a", "when": ["BANK == HSBC or not amount > 5", "user.id exists"]});
        let switch = Switch::from_json(&document).unwrap();
        let context = json!({"BANK": "ING", "user": {"id": 7}});
        let told = Explanation::new(&switch, context.as_object().unwrap(), 0);
        assert_eq!((told.blocks, told.condition, told.phase), (false, "unknown", "blocking"));
        let tests: Vec<_> = told.tests.iter().map(|it| (it.test.as_str(), it.verdict)).collect();
        assert_eq!(
            tests,
            [("BANK == \"HSBC\"", "false"), ("amount > 5", "unknown"), ("user.id exists", "true")]
        );
        assert_eq!(
            (&told.tests[0].values["BANK"], &told.missing),
            (&json!("ING"), &vec!["amount".to_owned()])
        );
    }
}

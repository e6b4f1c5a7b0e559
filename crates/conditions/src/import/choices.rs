//! The targeting of a flag as an ordered list of conditions, each with its variant.

use serde_json::Value;

use super::json_logic::{Arguments, Logic, Side, below, is_null, only};
use super::n_tests;
use super::share::Shares;
use super::terms::{of_field, test};
use super::two_valued::is_there_as;
use crate::expr::Right;
use crate::{Comparison, Expr, Function, Literal, Number, Op, Predicate};

/// What a context gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome<'f> {
    /// The variant of that name.
    Variant(&'f str),
    /// The flag's default.
    Default,
    /// What the calling program has in its code: there is no such variant.
    Caller,
}

/// The first case whose condition holds counts, then the last outcome.
#[derive(Debug, Clone)]
pub(super) struct Choices<'f> {
    pub(super) cases: Vec<(Expr, Outcome<'f>)>,
    pub(super) last: Outcome<'f>,
}

impl<'f> Choices<'f> {
    const fn always(last: Outcome<'f>) -> Self {
        Self { cases: Vec::new(), last }
    }

    /// How many tests they have.
    fn n_tests(&self) -> usize {
        self.cases.iter().map(|(expr, _)| n_tests(expr)).sum()
    }

    /// As few cases as say the same where `default` is the default.
    pub(super) fn reduced(self, default: Option<&'f str>) -> Self {
        let meant = |outcome| match (outcome, default) {
            (Outcome::Default, Some(name)) => Outcome::Variant(name),
            (Outcome::Default, None) => Outcome::Caller,
            (other, _) => other,
        };
        let mut cases: Vec<(Expr, Outcome<'f>)> = Vec::new();
        let mut last = meant(self.last);
        for (expr, outcome) in self.cases {
            let outcome = meant(outcome);
            match cases.last_mut() {
                _ if expr == Expr::Constant(false) => {}
                _ if expr == Expr::Constant(true) => {
                    last = outcome;
                    break;
                }
                Some((same, known)) if *known == outcome => {
                    *same = Expr::or(vec![std::mem::replace(same, Expr::Constant(false)), expr]);
                }
                _ => cases.push((expr, outcome)),
            }
        }
        while cases.pop_if(|(_, outcome)| *outcome == last).is_some() {}
        Self { cases, last }
    }
}

impl<'l> Logic<'l> {
    /// What `targeting` comes to, among the variants of these names.
    pub(super) fn choices<'f>(
        &mut self,
        variants: &'f [String],
        targeting: &'l Value,
        at: &str,
    ) -> Option<Choices<'f>> {
        match targeting {
            Value::Null => Some(Choices::always(Outcome::Default)),
            Value::Bool(value) => self.variant(variants, truth(*value), at).map(Choices::always),
            Value::Number(number) => self.variant(variants, &number.to_string(), at).map(Choices::always),
            Value::String(name) => self.variant(variants, name, at).map(Choices::always),
            Value::Array(_) => self.refuse(at, "targeting names a variant", ""),
            Value::Object(operation) => {
                let Some((name, arguments)) = only(operation) else {
                    return self.refuse(at, "an operation is an object with one key", "");
                };
                let place = &below(at, name);
                let arguments = Arguments::new(arguments, place);
                self.deeper(at, |logic| match name {
                    "if" | "?:" => logic.chain(variants, &arguments),
                    "fractional" => logic.chosen_by_share(variants, &arguments),
                    "$ref" => logic.shared(&arguments, |logic, part, at| logic.choices(variants, part, at)),
                    "var" => logic.named_by_field(variants, targeting, at),
                    _ if is_truth(targeting) => logic.chosen_by_truth(variants, targeting, at),
                    "and" | "or" | "missing" => logic.refuse(
                        place,
                        "this names no variant",
                        "write `{\"if\": [..., \"on\", \"off\"]}`",
                    ),
                    _ => logic.unsupported(name, place),
                })
            }
        }
    }

    /// Adds `choices` where `when` holds to others, unless that would become too large.
    fn add<'f>(
        &mut self,
        at: &str,
        when: &Expr,
        choices: &Choices<'f>,
        to: &mut Vec<(Expr, Outcome<'f>)>,
    ) -> Option<()> {
        self.grow(at, choices.n_tests() + n_tests(when) * (choices.cases.len() + 1))?;
        let joined = |expr: &Expr| Expr::and(vec![when.clone(), expr.clone()]);
        to.extend(choices.cases.iter().map(|(expr, outcome)| (joined(expr), *outcome)));
        to.push((when.clone(), choices.last));
        Some(())
    }

    fn variant<'f>(&mut self, variants: &'f [String], name: &str, at: &str) -> Option<Outcome<'f>> {
        match variants.iter().find(|variant| *variant == name) {
            Some(variant) => Some(Outcome::Variant(variant)),
            None => self.refuse(at, format!("there is no variant `{name}`"), ""),
        }
    }

    /// `if`: conditions and what follows from each, in turn.
    fn chain<'f>(&mut self, variants: &'f [String], arguments: &Arguments<'l, '_>) -> Option<Choices<'f>> {
        let parts: Vec<(&'l Value, String)> = arguments.each().collect();
        let mut read = Vec::new();
        for pair in parts.chunks(2) {
            match pair {
                [(asked, at), (outcome, outcome_at)] => {
                    let asked = self.condition(asked, at);
                    read.push((asked, self.choices(variants, outcome, outcome_at)));
                }
                [(last, at)] => read.push((Some(Expr::Constant(true)), self.choices(variants, last, at))),
                _ => {}
            }
        }
        let mut chain = Choices::always(Outcome::Default);
        for (asked, outcome) in read {
            let (asked, outcome) = (asked?, outcome?);
            if asked == Expr::Constant(true) {
                chain.cases.extend(outcome.cases);
                chain.last = outcome.last;
                break;
            }
            self.add(arguments.at(), &asked, &outcome, &mut chain.cases)?;
        }
        Some(chain)
    }

    fn chosen_by_share<'f>(
        &mut self,
        variants: &'f [String],
        arguments: &Arguments<'l, '_>,
    ) -> Option<Choices<'f>> {
        let Shares { keys, parts } = self.shares(arguments)?;
        let mut read = Vec::with_capacity(parts.len());
        for part in &parts {
            read.push((part.hashes_end(), self.choices(variants, part.outcome, &part.at)?));
        }
        let mut choices = Choices::always(Outcome::Default);
        for key in keys {
            for (hashes_end, outcome) in &read {
                if let Some(is_below) = key.is_below(*hashes_end) {
                    self.add(arguments.at(), &is_below, outcome, &mut choices.cases)?;
                }
            }
        }
        Some(choices)
    }

    /// The variant whose name a field holds.
    fn named_by_field<'f>(
        &mut self,
        variants: &'f [String],
        var: &'l Value,
        at: &str,
    ) -> Option<Choices<'f>> {
        let field = match self.side(var, at)? {
            Side::Field(field) => field,
            Side::Literal(Literal::Text(name)) => {
                return self.variant(variants, &name, at).map(Choices::always);
            }
            Side::Literal(_) => return self.refuse(at, "this names no variant", ""),
        };
        let is = |literal| test(field.clone(), Op::Compare(Comparison::Equal, Right::Literal(literal)));
        let mut cases = Vec::new();
        for name in variants {
            let mut ways = vec![is(Literal::Text(name.clone()))];
            ways.extend(
                ["true", "false"]
                    .iter()
                    .filter(|word| *word == name)
                    .map(|word| is(Literal::Bool(*word == "true"))),
            );
            ways.extend(name.parse().ok().map(|number: i64| is(Literal::Number(Number::from(number)))));
            cases.push((Expr::or(ways), Outcome::Variant(name.as_str())));
        }
        cases.push((is_null(&field), Outcome::Default));
        Some(Choices { cases, last: Outcome::Caller })
    }

    /// The variants `true` and `false`; the default where an operation has no answer.
    fn chosen_by_truth<'f>(
        &mut self,
        variants: &'f [String],
        logic: &'l Value,
        at: &str,
    ) -> Option<Choices<'f>> {
        let (yes, no) = (self.variant(variants, "true", at), self.variant(variants, "false", at));
        let asked = self.condition(logic, at);
        let answers = self.has_answer(logic, at);
        let (yes, no, asked) = (yes?, no?, asked?);
        Some(match answers {
            None => Choices { cases: vec![(asked, yes)], last: no },
            Some(answers) => Choices { cases: vec![(asked, yes), (answers, no)], last: Outcome::Default },
        })
    }

    /// When an operation has an answer, if it has not always one.
    fn has_answer(&mut self, logic: &'l Value, at: &str) -> Option<Expr> {
        let (name, arguments) = only(logic.as_object()?)?;
        if !matches!(name, "starts_with" | "ends_with" | "sem_ver") {
            return None;
        }
        let place = below(at, name);
        let mut fields = Vec::new();
        for (argument, at) in Arguments::new(arguments, &place).each() {
            if let Some(Side::Field(field)) = self.side(argument, &at) {
                fields.push(field);
            }
        }
        let is_asked = |field| match name {
            "sem_ver" => {
                let left = of_field(Function::Semver, field);
                Expr::Test(Predicate { left, op: Op::Exists })
            }
            _ => is_there_as(field, "text"),
        };
        Some(Expr::and(fields.iter().map(is_asked).collect()))
    }
}

const fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// Whether an operation comes to true or false, and to no variant's name.
fn is_truth(logic: &Value) -> bool {
    let Value::Object(operation) = logic else { return logic.is_boolean() };
    match only(operation) {
        Some(("and" | "or", Value::Array(members))) => members.iter().all(is_truth),
        Some((name, _)) => matches!(
            name,
            "==" | "==="
                | "!="
                | "!=="
                | "<"
                | "<="
                | ">"
                | ">="
                | "!"
                | "!!"
                | "in"
                | "starts_with"
                | "ends_with"
                | "sem_ver"
        ),
        None => false,
    }
}

//! flagd's `fractional`: shares of users, chosen by a hash of a text.
//!
//! The text's hash h of 32 bits falls into the bucket (h * total) >> 32 of `total`, the sum of all weights; so a share that
//! ends at the bucket n has the hashes below n * 2^32 / total, rounded up.
//!
//! Source: flagd's evaluator, release 0.16 of its core: <https://flagd.dev/reference/custom-operations/fractional-operation/>.

use serde_json::Value;

use super::json_logic::{Arguments, Logic, Side, below, is_null, only};
use super::terms::{of_field, test};
use crate::expr::Right;
use crate::murmur3::murmur3;
use crate::{Argument, Call, Comparison, Expr, FieldPath, Function, Literal, Number, Op, Operand, Predicate};

/// The field whose value stands for the user where nothing else is said.
const TARGETING_KEY: &str = "targetingKey";
/// More fields in one key would become too many conditions.
const MAX_FIELDS: usize = 2;

/// Shares, and by what they are chosen.
pub(super) struct Shares<'l> {
    pub(super) keys: Vec<Key>,
    /// Those that have a weight.
    pub(super) parts: Vec<Part<'l>>,
}

/// One share.
pub(super) struct Part<'l> {
    /// What those who are in it get.
    pub(super) outcome: &'l Value,
    pub(super) at: String,
    /// Which hashes are in it.
    hashes: std::ops::Range<u64>,
}

/// What is hashed, and when.
pub(super) struct Key {
    when: Vec<Expr>,
    text: KeyText,
}

enum KeyText {
    /// The hash of something in the context.
    Hash(Operand),
    /// Always the same text.
    Fixed(String),
}

/// Beyond the last hash.
const END: u64 = 1 << 32;

impl Key {
    /// When a context that has this key is in a share; of the shares the first that it is in counts.
    pub(super) fn is_below(&self, hashes_end: u64) -> Option<Expr> {
        let mut members = self.when.clone();
        match &self.text {
            KeyText::Hash(hash) if hashes_end == END => members.push(asked(hash, Op::Exists)),
            KeyText::Hash(hash) => members.push(asked(hash, order(Comparison::Less, hashes_end))),
            KeyText::Fixed(text) if u64::from(murmur3(text.as_bytes())) < hashes_end => {}
            KeyText::Fixed(_) => return None,
        }
        Some(Expr::and(members))
    }

    /// When a context that has this key is in this share.
    fn is_in(&self, part: &Part<'_>) -> Option<Expr> {
        let below = self.is_below(part.hashes.end)?;
        match &self.text {
            KeyText::Hash(_) if part.hashes.start == 0 => Some(below),
            KeyText::Hash(hash) => {
                let from = asked(hash, order(Comparison::GreaterEqual, part.hashes.start));
                Some(Expr::and(vec![from, below]))
            }
            KeyText::Fixed(text) => {
                part.hashes.contains(&u64::from(murmur3(text.as_bytes()))).then_some(below)
            }
        }
    }
}

impl Part<'_> {
    /// The first hash behind it.
    pub(super) const fn hashes_end(&self) -> u64 {
        self.hashes.end
    }
}

fn asked(operand: &Operand, op: Op) -> Expr {
    Expr::Test(Predicate { left: operand.clone(), op })
}

fn order(comparison: Comparison, number: u64) -> Op {
    Op::Compare(comparison, Right::Literal(Literal::Number(Number::from(number))))
}

impl<'l> Logic<'l> {
    /// Whether what a share gets is true.
    pub(super) fn share(&mut self, arguments: &Arguments<'l, '_>) -> Option<Expr> {
        let Shares { keys, parts } = self.shares(arguments)?;
        let mut ways = Vec::new();
        for part in &parts {
            let holds = self.condition(part.outcome, &part.at)?;
            let is_in = keys.iter().filter_map(|key| key.is_in(part));
            ways.extend(is_in.map(|is_in| match &holds {
                Expr::Constant(false) => Expr::Constant(false),
                Expr::Constant(true) => is_in,
                other => Expr::and(vec![is_in, other.clone()]),
            }));
        }
        ways.retain(|way| *way != Expr::Constant(false));
        Some(Expr::or(ways))
    }

    /// The shares, and by what they are chosen.
    pub(super) fn shares(&mut self, arguments: &Arguments<'l, '_>) -> Option<Shares<'l>> {
        let parts: Vec<(&'l Value, String)> = arguments.each().collect();
        let (keys, weighted) = match parts.split_first() {
            Some(((Value::Array(_), _), _)) => (vec![self.targeting_key(Vec::new())], &parts[..]),
            Some(((Value::Null, _), rest)) => (vec![self.targeting_key(Vec::new())], rest),
            Some(((key, at), rest)) => (self.keys(key, at)?, rest),
            None => return self.refuse(arguments.at(), "there are no shares", "write [\"on\", 25]"),
        };
        let mut weights = Vec::with_capacity(weighted.len());
        for (part, at) in weighted {
            weights.push(self.weight(part, at)?);
        }
        let total: u64 = weights.iter().sum();
        if total > i32::MAX as u64 {
            return self.refuse(arguments.at(), "the weights are more than 2147483647 together", "");
        }
        let mut parts = Vec::new();
        let (mut before, mut start) = (0, 0);
        for ((part, at), weight) in weighted.iter().zip(weights).filter(|(_, weight)| *weight > 0) {
            before += weight;
            let end = (before << 32).div_ceil(total);
            let outcome = part.get(0).unwrap_or(&Value::Null);
            parts.push(Part { outcome, at: below(at, "0"), hashes: start..end });
            start = end;
        }
        Some(Shares { keys, parts })
    }

    /// How much of the whole a part is; 1 if it does not say, and nothing where it says less.
    fn weight(&mut self, part: &'l Value, at: &str) -> Option<u64> {
        let Value::Array(part) = part else {
            return self.refuse(at, "a share is a list", "write [\"on\", 25]");
        };
        match (part.len(), part.get(1)) {
            (0, _) => self.refuse(at, "a share names a variant", "write [\"on\", 25]"),
            (1, _) | (_, Some(Value::Null)) => Some(1),
            (_, Some(Value::Number(weight))) => match (weight.as_i64(), weight.as_f64()) {
                (Some(weight), _) => Some(u64::try_from(weight).unwrap_or(0)),
                (_, Some(weight)) if weight.fract() == 0.0 && weight.abs() < 1e18 => {
                    Some(weight.max(0.0) as u64)
                }
                _ => self.refuse(&below(at, "1"), "a weight is a whole number", ""),
            },
            (_, Some(Value::Object(_))) => {
                self.refuse(&below(at, "1"), "a weight that is calculated is not supported", "write a number")
            }
            _ => self.refuse(&below(at, "1"), "a weight is a number", ""),
        }
    }

    /// The flag and the user, if the context says who that is.
    fn targeting_key(&self, mut when: Vec<Expr>) -> Key {
        let Ok(field) = FieldPath::parse(TARGETING_KEY) else {
            return Key { when: vec![Expr::Constant(false)], text: KeyText::Fixed(String::new()) };
        };
        let is_text = Op::Compare(Comparison::Greater, Right::Literal(Literal::Text(String::new())));
        when.push(test(field.clone(), is_text));
        let parts = vec![KeyPart::Text(self.flag().to_owned()), KeyPart::Field(field)];
        Key { when, text: KeyText::Hash(hash(parts)) }
    }

    /// What is hashed, by the first argument.
    fn keys(&mut self, key: &'l Value, at: &str) -> Option<Vec<Key>> {
        let parts = match key.as_object().and_then(only) {
            Some(("cat", parts)) => {
                let mut read = Vec::new();
                for (part, at) in Arguments::new(parts, &below(at, "cat")).each() {
                    read.push(self.key_part(part, &at)?);
                }
                read
            }
            _ => match self.key_part(key, at)? {
                KeyPart::Text(text) => {
                    return Some(vec![Key { when: Vec::new(), text: KeyText::Fixed(text) }]);
                }
                // A user is taken by name where the field says nothing.
                KeyPart::Field(field) => {
                    let by_field = KeyText::Hash(of_field(Function::Murmur3, &field));
                    let is_null = is_null(&field);
                    return Some(vec![
                        Key { when: Vec::new(), text: by_field },
                        self.targeting_key(vec![is_null]),
                    ]);
                }
            },
        };
        let fields: Vec<FieldPath> = parts.iter().filter_map(KeyPart::field).cloned().collect();
        if fields.len() > MAX_FIELDS {
            let message = format!("a key of more than {MAX_FIELDS} fields is not supported");
            return self.refuse(at, message, "");
        }
        // What is missing, or `null`, is an empty text in a `cat`.
        let sets = 0..1_usize << fields.len();
        let without = |set: usize| {
            let is_null_in = |field: &FieldPath| {
                fields.iter().position(|f| f == field).is_some_and(|at| set >> at & 1 == 1)
            };
            let left = parts.iter().filter(|part| !part.field().is_some_and(is_null_in)).cloned();
            let when = fields.iter().filter(|field| is_null_in(field)).map(is_null);
            Key { when: when.collect(), text: key_text(left.collect()) }
        };
        Some(sets.map(without).collect())
    }

    fn key_part(&mut self, part: &'l Value, at: &str) -> Option<KeyPart> {
        match self.side(part, at)? {
            Side::Field(field) => Some(KeyPart::Field(field)),
            Side::Literal(Literal::Text(text)) => Some(KeyPart::Text(text)),
            Side::Literal(Literal::Number(number)) => Some(KeyPart::Text(number.to_string())),
            Side::Literal(_) => self.refuse(at, "a key is made of texts", ""),
        }
    }
}

/// A part of what is hashed.
#[derive(Clone)]
enum KeyPart {
    Text(String),
    Field(FieldPath),
}

impl KeyPart {
    const fn field(&self) -> Option<&FieldPath> {
        match self {
            Self::Field(field) => Some(field),
            Self::Text(_) => None,
        }
    }
}

fn key_text(parts: Vec<KeyPart>) -> KeyText {
    let fixed: Option<String> = parts
        .iter()
        .map(|part| match part {
            KeyPart::Text(text) => Some(text.as_str()),
            KeyPart::Field(_) => None,
        })
        .collect();
    fixed.map_or_else(|| KeyText::Hash(hash(parts)), KeyText::Fixed)
}

/// The hash of texts and fields, one after the other.
fn hash(parts: Vec<KeyPart>) -> Operand {
    let call = |function, arguments| Operand::Call(Box::new(Call { function, arguments, key: None }));
    let argument = |part| match part {
        KeyPart::Text(text) => Argument::Literal(Literal::Text(text)),
        KeyPart::Field(field) => Argument::Operand(Operand::Field(field)),
    };
    let text = call(Function::Concat, parts.into_iter().map(argument).collect());
    call(Function::Murmur3, vec![Argument::Operand(text)])
}

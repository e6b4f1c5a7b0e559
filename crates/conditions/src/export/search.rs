//! Conditions in the query language of OpenSearch and Elasticsearch: documents are events.
//!
//! An index does not keep that a field is `null`, so such a field is missing. What a missing field comes to is what it comes to here: no test of it
//! holds, and neither does `!=` or `not in`; but `not x` does where `x` does not.
//!
//! | a field mapped as | is |
//! | --- | --- |
//! | `keyword`, or a text with a keyword beside it | that text, compared byte by byte; missing where it is longer than `ignore_above` |
//! | `long`, `integer`, `short`, `byte` | that whole number |
//! | `double` | that number |
//! | `boolean` | `true` or `false` |
//!
//! Others are refused: a `text` is cut into words, a `float` has lost digits.

use std::collections::BTreeMap;

use lanner_core::nearest;
use serde_json::{Value, json};

use super::Refused;
use crate::atom::each_of;
use crate::{Comparison, Expr, Literal, Number, Op, Operand, Predicate, Quantifier, Right, Set, TextOp};

/// How a field is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapping {
    /// Texts as they are, in the field of this name, which may be one beside it.
    Keyword(String),
    /// Whole numbers of 64 bits or fewer.
    Whole,
    /// Floating-point numbers of 64 bits.
    Double,
    /// True or false.
    Truth,
    /// Something else, by its type.
    Other(String),
}

/// The fields that a condition can ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// Nobody has looked: each is there, and indexed as it is asked.
    Assumed,
    /// Those of an index.
    Of {
        /// Its name, for people.
        index: String,
        /// Their mappings by name.
        mappings: BTreeMap<String, Mapping>,
    },
}

impl Fields {
    /// How a field is indexed.
    fn find(&self, name: &str, assumed: Mapping) -> Result<Mapping, Refused> {
        let Self::Of { index, mappings } = self else { return Ok(assumed) };
        mappings.get(name).cloned().ok_or_else(|| {
            let hint = match nearest(name, mappings.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "no document has had it yet, or it is not indexed".to_owned(),
            };
            Refused::new(format!("{index} has no field `{name}`"), hint)
        })
    }

    /// The field whose values form groups, or are counted as different ones.
    ///
    /// # Errors
    /// That it is not there, or has no exact values.
    pub fn exact(&self, name: &str) -> Result<String, Refused> {
        match self.find(name, Mapping::Keyword(name.to_owned()))? {
            Mapping::Keyword(field) => Ok(field),
            Mapping::Whole | Mapping::Truth => Ok(name.to_owned()),
            mapping => Err(Refused::new(
                format!("`{name}` is {}, and its values form no groups", mapping.phrase(name)),
                "group by keywords, whole numbers or truth values",
            )),
        }
    }

    /// The field whose numbers are measured.
    ///
    /// # Errors
    /// That it is not there, or holds no numbers that are exact.
    pub fn number(&self, name: &str) -> Result<String, Refused> {
        match self.find(name, Mapping::Double)? {
            Mapping::Whole | Mapping::Double => Ok(name.to_owned()),
            mapping => Err(Refused::new(
                format!("`{name}` is {}, and no exact number", mapping.phrase(name)),
                "measure a field that is mapped as long or double",
            )),
        }
    }

    /// A condition as a query.
    ///
    /// # Errors
    /// What cannot be said with the same meaning.
    pub fn condition(&self, expr: &Expr) -> Result<Value, Refused> {
        Ok(match expr {
            Expr::Constant(true) => json!({ "match_all": {} }),
            Expr::Constant(false) => json!({ "match_none": {} }),
            Expr::Test(predicate) => self.test(predicate)?,
            Expr::Not(inner) => not(&self.condition(inner)?),
            Expr::And(members) => {
                all(&members.iter().map(|member| self.condition(member)).collect::<Result<Vec<_>, _>>()?)
            }
            Expr::Or(members) => {
                any(&members.iter().map(|member| self.condition(member)).collect::<Result<Vec<_>, _>>()?)
            }
        })
    }

    fn test(&self, predicate: &Predicate) -> Result<Value, Refused> {
        let refused = |what: &str, hint: &str| {
            Err(Refused::new(format!("`{}`: {what}", Expr::Test(predicate.clone())), hint))
        };
        let Operand::Field(field) = &predicate.left else {
            return refused("OpenSearch has no function that means the same", "index its result as a field");
        };
        let name = field.holders().next().unwrap_or_else(|| field.as_str());
        match &predicate.op {
            Op::Truthy => self.truthy(name),
            Op::Exists => {
                let mapping = self.find(name, Mapping::Keyword(name.to_owned()))?;
                Ok(exists(mapping.field(name)))
            }
            Op::Compare(comparison, Right::Literal(literal)) => self.compared(name, *comparison, literal),
            Op::In(Set::Items(items)) | Op::Intersects(Set::Items(items)) => self.among(name, items),
            Op::NotIn(Set::Items(items)) => {
                let among = self.among(name, items)?;
                self.present_without(name, &among)
            }
            Op::Holds(Literal::Text(part)) => self.found(name, TextOp::Contains, part),
            Op::NotHolds(Literal::Text(part)) => {
                let found = self.found(name, TextOp::Contains, part)?;
                self.present_without(name, &found)
            }
            Op::Text(
                op @ (TextOp::Contains | TextOp::StartsWith | TextOp::EndsWith),
                Right::Literal(Literal::Text(part)),
            ) => self.found(name, *op, part),
            Op::Each(quantifier, _) => match (quantifier, each_of(predicate)) {
                (_, Some((_, members))) if members.is_empty() => Ok(json!({ "match_none": {} })),
                (Quantifier::All, Some((_, members))) => Ok(all(&self.tests(&members)?)),
                (_, Some((_, members))) => Ok(any(&self.tests(&members)?)),
                (_, None) => {
                    refused("no engine counts how many of several tests hold", "write anyof or allof")
                }
            },
            Op::Match(pattern) if pattern.op().is_regex() => refused(
                "regular expressions mean something else in OpenSearch",
                "write ==, startswith, endswith or contains, or index a field that says it",
            ),
            _ => refused(
                "OpenSearch has nothing that means the same",
                "write ==, in, startswith, endswith or contains, or index a field that says it",
            ),
        }
    }

    fn tests(&self, predicates: &[Predicate]) -> Result<Vec<Value>, Refused> {
        predicates.iter().map(|predicate| self.test(predicate)).collect()
    }

    fn truthy(&self, name: &str) -> Result<Value, Refused> {
        match self.find(name, Mapping::Truth)? {
            Mapping::Truth => Ok(json!({ "term": { name: true } })),
            Mapping::Keyword(field) => Ok(all(&[exists(&field), not(&json!({ "term": { field: "" } }))])),
            Mapping::Whole => Ok(all(&[exists(name), not(&json!({ "term": { name: 0 } }))])),
            Mapping::Double => Ok(all(&[exists(name), not(&zero(name))])),
            mapping => Err(mapping.unfit(name)),
        }
    }

    /// The field is there, and this does not hold.
    fn present_without(&self, name: &str, query: &Value) -> Result<Value, Refused> {
        let mapping = self.find(name, Mapping::Keyword(name.to_owned()))?;
        Ok(all(&[exists(mapping.field(name)), not(query)]))
    }

    fn compared(&self, name: &str, comparison: Comparison, literal: &Literal) -> Result<Value, Refused> {
        match comparison {
            Comparison::Equal => self.equal(name, literal),
            Comparison::NotEqual => {
                let equal = self.equal(name, literal)?;
                self.present_without(name, &equal)
            }
            Comparison::Less => self.ordered(name, "lt", literal),
            Comparison::LessEqual => self.ordered(name, "lte", literal),
            Comparison::Greater => self.ordered(name, "gt", literal),
            Comparison::GreaterEqual => self.ordered(name, "gte", literal),
        }
    }

    fn equal(&self, name: &str, literal: &Literal) -> Result<Value, Refused> {
        if literal == &Literal::Null {
            return Err(Refused::new(
                format!("`{name}` and null: an index does not keep that a field is null"),
                format!("write not {name} exists"),
            ));
        }
        if literal.network().is_some() {
            return Err(Refused::new(
                format!("`{name}` and {literal}: that is a network, which equals every address in it"),
                "index a field that says whether an address is in it",
            ));
        }
        match (self.find(name, assumed(name, literal))?, literal) {
            (Mapping::Keyword(field), Literal::Text(text)) => Ok(json!({ "term": { field: text } })),
            (Mapping::Truth, Literal::Bool(wanted)) => Ok(json!({ "term": { name: wanted } })),
            (Mapping::Whole, Literal::Number(number)) => match number.as_i64() {
                Some(number) => Ok(json!({ "term": { name: number } })),
                None => Ok(json!({ "match_none": {} })),
            },
            (Mapping::Double, Literal::Number(number)) => match exact(name, *number)? {
                0.0 => Ok(zero(name)),
                number => Ok(json!({ "term": { name: number } })),
            },
            (mapping, _) => Err(mapping.unlike(name, literal)),
        }
    }

    /// Whether a value is one of several; of many texts in one clause, as there may be some hundreds of clauses only.
    fn among(&self, name: &str, items: &[Literal]) -> Result<Value, Refused> {
        let each = items.iter().map(|item| self.equal(name, item)).collect::<Result<Vec<_>, _>>()?;
        let texts: Option<Vec<&str>> = items
            .iter()
            .map(|item| match item {
                Literal::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        match (texts, self.find(name, Mapping::Keyword(name.to_owned()))?) {
            (Some(texts), Mapping::Keyword(field)) => Ok(json!({ "terms": { field: texts } })),
            _ => Ok(any(&each)),
        }
    }

    fn ordered(&self, name: &str, bound: &str, literal: &Literal) -> Result<Value, Refused> {
        if matches!(literal, Literal::Null | Literal::Bool(_)) {
            return Ok(json!({ "match_none": {} }));
        }
        match (self.find(name, assumed(name, literal))?, literal) {
            (Mapping::Keyword(field), Literal::Text(text)) => {
                Ok(json!({ "range": { field: { bound: text } } }))
            }
            (Mapping::Whole, Literal::Number(number)) => match number.as_i64() {
                Some(number) => Ok(json!({ "range": { name: { bound: number } } })),
                None => Ok(json!({ "range": { name: { bound: exact(name, *number)? } } })),
            },
            // Zero has two signs there, of which the negative one is smaller.
            (Mapping::Double, Literal::Number(number)) => match (exact(name, *number)?, bound) {
                (0.0, "lt" | "gte") => Ok(json!({ "range": { name: { bound: -0.0 } } })),
                (0.0, _) => Ok(json!({ "range": { name: { bound: 0.0 } } })),
                (number, _) => Ok(json!({ "range": { name: { bound: number } } })),
            },
            (mapping, _) => Err(mapping.unlike(name, literal)),
        }
    }

    fn found(&self, name: &str, op: TextOp, part: &str) -> Result<Value, Refused> {
        let Mapping::Keyword(field) = self.find(name, Mapping::Keyword(name.to_owned()))? else {
            return Err(self.find(name, Mapping::Truth)?.unfit(name));
        };
        let literal: String = part.chars().flat_map(escaped).collect();
        Ok(match op {
            _ if part.is_empty() => exists(&field),
            TextOp::StartsWith => json!({ "prefix": { field: part } }),
            TextOp::EndsWith => json!({ "wildcard": { field: format!("*{literal}") } }),
            _ => json!({ "wildcard": { field: format!("*{literal}*") } }),
        })
    }
}

/// Refuses a condition that no index could be asked, however its fields are mapped.
///
/// # Errors
/// What cannot be said there with the same meaning.
pub fn check(expr: &Expr) -> Result<(), Refused> {
    Fields::Assumed.condition(expr).map(drop)
}

impl Mapping {
    /// The field that is asked.
    #[must_use]
    pub fn field<'n>(&'n self, name: &'n str) -> &'n str {
        match self {
            Self::Keyword(field) => field,
            _ => name,
        }
    }

    fn phrase(&self, name: &str) -> String {
        match self {
            Self::Keyword(_) => "a text".to_owned(),
            Self::Whole | Self::Double => "a number".to_owned(),
            Self::Truth => "true or false".to_owned(),
            Self::Other(kind) if kind == "text" => {
                format!("cut into words, without {name}.keyword beside it")
            }
            Self::Other(kind) => format!("mapped as {kind}"),
        }
    }

    fn unfit(&self, name: &str) -> Refused {
        let what = format!("`{name}` is {}, and cannot be asked this", self.phrase(name));
        Refused::new(what, "index it as keyword, long, double or boolean")
    }

    fn unlike(&self, name: &str, literal: &Literal) -> Refused {
        if matches!(self, Self::Other(_)) {
            return self.unfit(name);
        }
        let hint = match (self, literal) {
            (Self::Keyword(_), Literal::Number(_) | Literal::Bool(_)) => {
                format!("write \"{literal}\" in quotes")
            }
            (Self::Whole | Self::Double, Literal::Text(text)) if text.parse::<f64>().is_ok() => {
                format!("write {text} without quotes")
            }
            _ => "compare it with a value of its own kind".to_owned(),
        };
        Refused::new(format!("`{name}` is {}, and {literal} is none", self.phrase(name)), hint)
    }
}

fn assumed(name: &str, literal: &Literal) -> Mapping {
    match literal {
        Literal::Bool(_) => Mapping::Truth,
        Literal::Number(_) => Mapping::Whole,
        Literal::Null | Literal::Text(_) => Mapping::Keyword(name.to_owned()),
        Literal::Time(_) => Mapping::Other("a time".to_owned()),
    }
}

/// A number that JSON hands over without losing digits.
fn exact(name: &str, number: Number) -> Result<f64, Refused> {
    let float = number.to_f64();
    if Number::from_f64(float) == Some(number) {
        return Ok(float);
    }
    Err(Refused::new(format!("`{name}` cannot be compared with {number} exactly"), format!("write {float}")))
}

fn zero(name: &str) -> Value {
    json!({ "terms": { name: [0.0, -0.0] } })
}

fn exists(field: &str) -> Value {
    json!({ "exists": { "field": field } })
}

fn not(query: &Value) -> Value {
    json!({ "bool": { "must_not": [query] } })
}

fn all(queries: &[Value]) -> Value {
    json!({ "bool": { "filter": queries } })
}

/// One of them; none of them if there are none.
fn any(queries: &[Value]) -> Value {
    if queries.is_empty() {
        return json!({ "match_none": {} });
    }
    json!({ "bool": { "should": queries, "minimum_should_match": 1 } })
}

/// A character of a wildcard that stands for itself.
fn escaped(c: char) -> impl Iterator<Item = char> {
    matches!(c, '*' | '?' | '\\').then_some('\\').into_iter().chain([c])
}

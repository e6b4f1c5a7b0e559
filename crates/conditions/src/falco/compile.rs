//! From the tree of a filter to what is asked of events: which operators and values fit which field.

use std::fmt::{self, Display, Formatter};

use lanner_core::nearest;

use super::compare::Ask;
use super::event_names::{event_types, is_event_type};
use super::fields::{ArgumentUse, FieldKind, Kind, kind_of, names};
use super::node::{Asked, Check, Node, Source};
use super::place::Places;
use super::tree::{self, Field, Filter, HowMany, Operand, Operator, Right, Transformed, Transformer};

/// What does not fit, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mismatch {
    /// Bytes from the start of the text in which the check was read.
    pub(super) offset: usize,
    /// What stands there.
    pub(super) part: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// Whether something is not known here, which another version or a plugin may know.
    pub(super) is_unknown: bool,
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

type Made<T> = Result<T, Mismatch>;

/// Compiles a filter.
///
/// # Errors
/// All checks that do not fit their fields. A macro that was not replaced is one of them.
pub(super) fn compile(filter: &Filter) -> Result<Node, Vec<Mismatch>> {
    let mut mismatches = Vec::new();
    match node(filter, &mut mismatches) {
        Some(node) if mismatches.is_empty() => Ok(node),
        _ => Err(mismatches),
    }
}

fn node(filter: &Filter, mismatches: &mut Vec<Mismatch>) -> Option<Node> {
    let mut all = |members: &[Filter]| -> Option<Box<[Node]>> {
        let nodes: Vec<_> = members.iter().map(|member| node(member, mismatches)).collect();
        nodes.into_iter().collect()
    };
    let made = match filter {
        Filter::And(members) => return all(members).map(Node::And),
        Filter::Or(members) => return all(members).map(Node::Or),
        Filter::Not(inner) => return node(inner, mismatches).map(|inner| Node::Not(Box::new(inner))),
        Filter::Macro(name) => {
            Err(mismatch(name.offset, &name.text, format!("there is no macro `{}`", name.text)))
        }
        Filter::Check(check) => compiled(check).map(Node::Check),
    };
    made.map_err(|mismatch| mismatches.push(mismatch)).ok()
}

fn mismatch(offset: usize, part: impl Display, message: String) -> Mismatch {
    Mismatch { offset, part: part.to_string(), message, hint: None, is_unknown: false }
}

fn compiled(check: &tree::Check) -> Made<Check> {
    let left = side(&check.left)?;
    let op = check.op;
    let wrong = |message: String| mismatch(check.offset, &check.left, message);
    if op == Operator::Exists {
        return Ok(Check { left: left.source, ask: Asked::Exists });
    }
    if !fits(op, left.kind, left.is_list) {
        let what = if left.is_list { "a list" } else { left.kind.phrase() };
        let message = format!("`{}` is {what}, of which `{}` cannot be asked", check.left, op.word());
        return Err(Mismatch { hint: Some(operators_hint(left.kind, left.is_list)), ..wrong(message) });
    }
    let ask = match &check.right {
        Right::Nothing => return Err(wrong(format!("`{}` needs a right side", op.word()))),
        Right::Field { field, behind: None } => {
            asked_of_right(op, &check.left, &left, field_side(field)?, field)?
        }
        Right::Field { field, behind: Some(_) } => {
            return Err(mismatch(
                field.offset,
                field,
                "nothing in `[...]` may stand behind `val(...)`".to_owned(),
            ));
        }
        Right::Transformed(transformed) => {
            asked_of_right(op, &check.left, &left, transformed_side(transformed)?, transformed)?
        }
        Right::Value(_) | Right::List(_) | Right::HowMany(..) | Right::HowManyNamed(..) => {
            asked_of_values(check, left.kind)?
        }
    };
    Ok(Check { left: left.source, ask })
}

fn asked_of_values(check: &tree::Check, kind: Kind) -> Made<Asked> {
    let op = check.op;
    let values = match &check.right {
        Right::Value(value) | Right::HowManyNamed(_, value) => std::slice::from_ref(value),
        Right::List(values) | Right::HowMany(_, values) => values.as_slice(),
        _ => &[],
    };
    if let Operand::Field(Field { name, .. }) = &check.left
        && name == "evt.type"
        && let Some(unknown) = values.iter().find(|value| !is_event_type(value))
    {
        let message = format!("unknown event type `{unknown}`");
        let hint = nearest(unknown, event_types()).map(|name| format!("did you mean `{name}`?"));
        return Err(Mismatch { hint, is_unknown: true, ..mismatch(check.offset, unknown, message) });
    }
    let ask = match &check.right {
        Right::Value(value) => Ask::of_value(op, kind, value),
        Right::List(values) => Ask::of_list(op, kind, values),
        Right::HowMany(how_many, _) | Right::HowManyNamed(how_many, _) => {
            Ask::of_several(*how_many, op, kind, values)
        }
        _ => Err("a right side is missing".to_owned()),
    };
    let is_unequal = op == Operator::NotEqual && !matches!(check.right, Right::HowMany(HowMany::Any, _));
    match ask {
        Ok(ask) => Ok(Asked::Value(ask, is_unequal)),
        Err(why) => Err(mismatch(check.offset, &check.left, format!("`{}`: {why}", check.left))),
    }
}

fn asked_of_right(
    op: Operator,
    written: &Operand,
    left: &Side,
    right: Side,
    part: impl Display,
) -> Made<Asked> {
    let wrong = |message: String| Err(mismatch(right.offset, &part, message));
    if matches!(op, Operator::Pmatch | Operator::Regex) {
        return wrong(format!("`{}` cannot be held against a field", op.word()));
    }
    if !left.on_right || left.kind == Kind::Network {
        return wrong(format!("`{written}` cannot be compared with another field"));
    }
    if !right.on_right {
        return wrong(format!("`{part}` cannot stand on the right"));
    }
    if (left.kind, left.is_list) != (right.kind, right.is_list) {
        let kind = |side: &Side| if side.is_list { "a list" } else { side.kind.phrase() };
        let kinds = (kind(left), kind(&right));
        return wrong(format!(
            "`{written}` is {} and `{part}` is {}: they cannot be compared",
            kinds.0, kinds.1
        ));
    }
    Ok(Asked::Right(op, right.source))
}

/// Where the value of a field or transformer comes from.
pub(super) fn source(operand: &Operand) -> Result<Source, Mismatch> {
    side(operand).map(|side| side.source)
}

/// One side of a check.
struct Side {
    source: Source,
    kind: Kind,
    is_list: bool,
    on_right: bool,
    is_transformable: bool,
    offset: usize,
}

fn side(operand: &Operand) -> Made<Side> {
    match operand {
        Operand::Field(field) => field_side(field),
        Operand::Transformed(transformed) => transformed_side(transformed),
        Operand::Text(text) => Ok(Side::made(Source::Text(text.clone()), Kind::Text, false, 0)),
        Operand::List(members) => {
            let members: Result<Vec<_>, _> = members.iter().map(side).collect();
            let sources = members?.into_iter().map(|side| side.source).collect();
            Ok(Side::made(Source::List(sources), Kind::Text, true, 0))
        }
    }
}

impl Side {
    const fn made(source: Source, kind: Kind, is_list: bool, offset: usize) -> Self {
        Self { source, kind, is_list, on_right: true, is_transformable: true, offset }
    }
}

fn field_side(field: &Field) -> Made<Side> {
    let wrong = |message: String| mismatch(field.offset, &field.name, message);
    let Some(FieldKind { kind, is_list, argument, on_right, is_transformable }) = kind_of(&field.name) else {
        let hint = nearest(&field.name, names()).map(|name| format!("did you mean `{name}`?"));
        return Err(Mismatch { hint, is_unknown: true, ..wrong(format!("unknown field `{}`", field.name)) });
    };
    let given = field.argument.as_deref();
    match (argument, given) {
        (ArgumentUse::None, Some(_)) => {
            return Err(wrong(format!("`{}` takes nothing in `[...]`", field.name)));
        }
        (ArgumentUse::Required, None) => {
            return Err(wrong(format!("`{0}` needs to know which one: `{0}[...]`", field.name)));
        }
        _ => {}
    }
    let is_level = given.is_none_or(|given| given.bytes().all(|c| c.is_ascii_digit()) && !given.is_empty());
    if !is_level && Places::is_lineage(&field.name) {
        return Err(wrong(format!("`{field}`: an ancestor is a number, such as `{}[2]`", field.name)));
    }
    let source = Source::Field(Places::of(&field.name, given), kind);
    Ok(Side { source, kind, is_list, on_right, is_transformable, offset: field.offset })
}

fn transformed_side(transformed: &Transformed) -> Made<Side> {
    let Transformed { by, given, argument, offset } = transformed;
    let wrong = |message: String| mismatch(*offset, transformed, message);
    let sides: Vec<Side> = given.iter().map(side).collect::<Result<_, _>>()?;
    let word = by.word();
    if let Some(at) = sides.iter().position(|side| !side.is_transformable) {
        return Err(wrong(format!("`{}` cannot be transformed", given[at])));
    }
    let is_right = match (by, &*sides) {
        (Transformer::Join, [separator, list]) => !separator.is_list && list.is_list,
        (Transformer::Concat, [_, _, ..]) => {
            sides.iter().all(|side| side.kind == Kind::Text && !side.is_list)
        }
        (Transformer::Getopt, [words, spec]) => {
            words.is_list && !spec.is_list && words.kind == Kind::Text && spec.kind == Kind::Text
        }
        (Transformer::Len, [one]) => one.is_list || matches!(one.kind, Kind::Text | Kind::Bytes),
        (Transformer::B64, [one]) => matches!(one.kind, Kind::Text | Kind::Bytes),
        (Transformer::ToLower | Transformer::ToUpper | Transformer::Basename, [one]) => {
            one.kind == Kind::Text
        }
        _ => false,
    };
    if !is_right {
        return Err(Mismatch {
            hint: Some(how_to(*by).to_owned()),
            ..wrong(format!("`{word}` cannot be given this"))
        });
    }
    let key = match (by, argument) {
        (_, None) => None,
        (Transformer::Getopt, Some(key)) if key.len() == 1 => Some(key.clone()),
        (Transformer::Getopt, Some(_)) => return Err(wrong("an option is one letter".to_owned())),
        (_, Some(_)) => return Err(wrong(format!("nothing in `[...]` may stand behind `{word}(...)`"))),
    };
    let (kind, is_list) = match by {
        Transformer::Len => (Kind::U64, false),
        Transformer::Getopt => (Kind::Text, key.is_none()),
        Transformer::Join | Transformer::Concat => (Kind::Text, false),
        _ => (sides[0].kind, sides[0].is_list),
    };
    let given = sides.into_iter().map(|side| side.source).collect();
    Ok(Side::made(Source::Made { by: *by, given, key, kind }, kind, is_list, *offset))
}

const fn how_to(by: Transformer) -> &'static str {
    match by {
        Transformer::Join => "write `join(\"-\", (field, field))`",
        Transformer::Concat => "write `concat(field, \"text\", field)`",
        Transformer::Getopt => "write `getopt((\"-n\", field), \"n:\")[n]`",
        Transformer::Len => "it takes one text or list",
        _ => "it takes one text",
    }
}

/// Whether an operator can be asked of such values.
fn fits(op: Operator, kind: Kind, is_list: bool) -> bool {
    use Operator as O;
    if is_list {
        return matches!(op, O::In | O::Intersects);
    }
    let is_equal = matches!(op, O::Equal | O::EqualTwice | O::NotEqual | O::In | O::Intersects);
    match kind {
        Kind::Text => !matches!(op, O::Bcontains | O::BstartsWith),
        Kind::Bytes => {
            let in_bytes =
                matches!(op, O::Contains | O::StartsWith | O::EndsWith | O::Bcontains | O::BstartsWith);
            is_equal || in_bytes
        }
        Kind::Bool | Kind::Address | Kind::Network => is_equal,
        Kind::Any => true,
        _ => is_equal || O::OF_ORDER.contains(&op),
    }
}

fn operators_hint(kind: Kind, is_list: bool) -> String {
    let all = [
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::LessEqual,
        Operator::Greater,
        Operator::GreaterEqual,
        Operator::Contains,
        Operator::Icontains,
        Operator::Bcontains,
        Operator::StartsWith,
        Operator::BstartsWith,
        Operator::EndsWith,
        Operator::Glob,
        Operator::Iglob,
        Operator::Regex,
        Operator::In,
        Operator::Intersects,
        Operator::Pmatch,
        Operator::Exists,
    ];
    let words: Vec<_> = all
        .into_iter()
        .filter(|op| *op == Operator::Exists || fits(*op, kind, is_list))
        .map(|op| format!("`{}`", op.word()))
        .collect();
    format!("use one of {}", words.join(", "))
}

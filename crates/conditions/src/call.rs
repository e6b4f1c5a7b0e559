//! What functions accept and what they answer.

use serde_json::Value;

use crate::encoding::from_base64;
use crate::field::{Fields, View};
use crate::getopt::{getopt, words};
use crate::murmur3::murmur3;
use crate::operand::{Argument, Call, Held};
use crate::version::{is_version, version_key};
use crate::{Function, Literal};

/// A function's result may take this many bytes.
const MAX_RESULT_BYTES: usize = 1 << 20;

impl Function {
    /// Whether it can be given `arguments`; `Err` says what it wants.
    ///
    /// # Errors
    /// How it is written.
    pub fn accepts(self, arguments: &[Argument]) -> Result<(), &'static str> {
        let is_list = |argument: &Argument| matches!(argument, Argument::List(_));
        if arguments.iter().any(Argument::is_version) {
            return Err("a version can only be compared: `semver(field) < \"1.10.0\"`");
        }
        match (self, arguments) {
            (Self::Join, [separator, _]) if !is_list(separator) => Ok(()),
            (Self::Join, _) => Err("write `join(\"-\", (field, field))`"),
            (Self::Concat, [_, ..]) if !arguments.iter().any(is_list) => Ok(()),
            (Self::Concat, _) => Err("write `concat(field, \"text\", field)`"),
            (Self::Getopt, [words, spec]) if !is_list(spec) && !matches!(words, Argument::Literal(_)) => {
                Ok(())
            }
            (Self::Getopt, _) => Err("write `getopt(field, \"ab:\")[b]`"),
            (Self::Semver, [Argument::Literal(literal)]) => match literal {
                Literal::Text(text) if version_key(text).is_some() => Ok(()),
                _ => Err("write a version in quotes, such as \"1.10.0\""),
            },
            (_, [only]) if !is_list(only) => Ok(()),
            _ => Err("it takes one field"),
        }
    }
}

impl Call {
    pub(crate) fn value<'v>(&'v self, fields: &'v impl Fields) -> Option<Held<'v>> {
        let first = self.arguments.first();
        match self.function {
            Function::Len => first?.value(fields)?.view().length().map(Held::Number),
            Function::Concat => joined("", &self.arguments, fields),
            Function::Join => match first?.value(fields)?.view() {
                View::Text(separator) => joined(separator, &self.arguments[1..], fields),
                _ => None,
            },
            Function::Getopt => {
                let spec = self.arguments.get(1)?.value(fields)?;
                let View::Text(spec) = spec.view() else { return None };
                getopt(&words(first?, fields)?, spec, self.key.as_deref())
            }
            Function::Type => Some(Held::View(View::Text(first?.value(fields)?.view().kind()))),
            Function::Murmur3 => match first?.value(fields)?.view() {
                View::Text(text) => Some(Held::Number(u64::from(murmur3(text.as_bytes())).into())),
                _ => None,
            },
            Function::Semver => match first?.value(fields)?.view() {
                View::Text(text) => version_key(text).map(Held::Text),
                View::Number(number) => version_key(&number.to_string()).map(Held::Text),
                _ => None,
            },
            text_function => match first?.value(fields)?.view() {
                View::Text(text) => text_function.of_text(text).map(Held::Text),
                View::List(items) => {
                    let each = |item: &Value| text_function.of_text(item.as_str()?).map(Value::String);
                    items.iter().map(each).collect::<Option<_>>().map(Held::List)
                }
                _ => None,
            },
        }
    }
}

impl Function {
    fn of_text(self, text: &str) -> Option<String> {
        match self {
            Self::ToLower => Some(text.to_ascii_lowercase()),
            Self::ToUpper => Some(text.to_ascii_uppercase()),
            Self::Basename => Some(text.rsplit('/').next().unwrap_or_default().to_owned()),
            Self::B64 => String::from_utf8(from_base64(text)?).ok(),
            _ => None,
        }
    }
}

impl Argument {
    /// Whether it is a version, or a list with one.
    fn is_version(&self) -> bool {
        match self {
            Self::Operand(operand) => is_version(operand),
            Self::Literal(_) => false,
            Self::List(members) => members.iter().any(Self::is_version),
        }
    }

    /// `None` for a list as well: `join` and `getopt`, which take one, ask for its members.
    pub(crate) fn value<'v>(&'v self, fields: &'v impl Fields) -> Option<Held<'v>> {
        match self {
            Self::Operand(operand) => operand.value(fields),
            Self::Literal(Literal::Text(text)) => Some(Held::View(View::Text(text))),
            Self::Literal(Literal::Number(number)) => Some(Held::Number(*number)),
            Self::Literal(_) | Self::List(_) => None,
        }
    }
}

fn joined<'v>(separator: &str, arguments: &'v [Argument], fields: &'v impl Fields) -> Option<Held<'v>> {
    let mut joint = Joint { separator, text: String::new(), is_first: true };
    joint.add_all(arguments, fields)?;
    Some(Held::Text(joint.text))
}

/// A text that grows part by part.
struct Joint<'s> {
    separator: &'s str,
    text: String,
    is_first: bool,
}

impl Joint<'_> {
    fn add_all(&mut self, arguments: &[Argument], fields: &impl Fields) -> Option<()> {
        for argument in arguments {
            match argument {
                Argument::List(members) => self.add_all(members, fields)?,
                _ => self.add(argument.value(fields)?.view())?,
            }
        }
        Some(())
    }

    fn add(&mut self, part: View<'_>) -> Option<()> {
        match part {
            View::Text(part) => self.push(part),
            View::Number(part) => self.push(&part.to_string()),
            View::List(items) => items.iter().try_for_each(|item| self.add(View::of(item)?)),
            View::Null | View::Bool(_) | View::Object(_) => None,
        }
    }

    fn push(&mut self, part: &str) -> Option<()> {
        if !std::mem::take(&mut self.is_first) {
            self.text.push_str(self.separator);
        }
        self.text.push_str(part);
        (self.text.len() <= MAX_RESULT_BYTES).then_some(())
    }
}

//! A message in either encoding: its fields by number, each with accessors for what OTLP has there.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::error::OtlpError;
use crate::protobuf;

/// The numbers of fields that are looked at, and what JSON calls them.
pub(super) type Names = &'static [(u32, &'static str)];

/// A message of OTLP.
#[derive(Debug, Clone, Copy)]
pub(super) enum Message<'a> {
    Protobuf(&'a [u8]),
    Json(&'a Map<String, Value>),
}

/// A field of a message; of one that repeats, one of its values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    Protobuf(protobuf::Value<'a>),
    Json(&'a Value),
}

impl<'a> Message<'a> {
    /// Calls `on_field` for each field that `names` lists, and each value of those that repeat.
    pub(super) fn each(
        self,
        names: &[(u32, &str)],
        mut on_field: impl FnMut(u32, Field<'a>) -> Result<(), OtlpError>,
    ) -> Result<(), OtlpError> {
        match self {
            Self::Protobuf(bytes) => {
                for field in protobuf::fields(bytes) {
                    let (number, value) = field?;
                    if names.iter().any(|(known, _)| *known == number) {
                        on_field(number, Field::Protobuf(value))?;
                    }
                }
            }
            Self::Json(fields) => {
                for (number, name) in names {
                    match fields.get(*name) {
                        None | Some(Value::Null) => {}
                        Some(Value::Array(values)) => {
                            values.iter().try_for_each(|value| on_field(*number, Field::Json(value)))?;
                        }
                        Some(value) => on_field(*number, Field::Json(value))?,
                    }
                }
            }
        }
        Ok(())
    }
}

impl<'a> Field<'a> {
    pub(super) fn message(self) -> Result<Message<'a>, OtlpError> {
        match self {
            Self::Protobuf(protobuf::Value::Bytes(bytes)) => Ok(Message::Protobuf(bytes)),
            Self::Json(Value::Object(fields)) => Ok(Message::Json(fields)),
            _ => Err(OtlpError::WrongType),
        }
    }

    /// A text. Bytes that are not UTF-8 become U+FFFD, so that no record is lost for one.
    pub(super) fn text(self) -> Result<Cow<'a, str>, OtlpError> {
        match self {
            Self::Protobuf(protobuf::Value::Bytes(bytes)) => Ok(String::from_utf8_lossy(bytes)),
            Self::Json(Value::String(text)) => Ok(Cow::Borrowed(text)),
            _ => Err(OtlpError::WrongType),
        }
    }

    /// An identifier, as hexadecimal digits.
    pub(super) fn id(self) -> Result<String, OtlpError> {
        match self {
            Self::Protobuf(protobuf::Value::Bytes(bytes)) => {
                Ok(bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect())
            }
            Self::Json(Value::String(text)) => Ok(text.to_ascii_lowercase()),
            _ => Err(OtlpError::WrongType),
        }
    }

    pub(super) fn truth(self) -> Result<bool, OtlpError> {
        match self {
            Self::Protobuf(protobuf::Value::Varint(bits)) => Ok(bits != 0),
            Self::Json(Value::Bool(truth)) => Ok(*truth),
            _ => Err(OtlpError::WrongType),
        }
    }

    /// A number of the types `int64`, `sfixed64` and of enumerations.
    pub(super) fn whole(self) -> Result<i64, OtlpError> {
        match self {
            Self::Protobuf(protobuf::Value::Varint(bits) | protobuf::Value::Fixed64(bits)) => {
                Ok(bits.cast_signed())
            }
            Self::Json(Value::Number(number)) => number.as_i64().ok_or(OtlpError::WrongType),
            Self::Json(Value::String(text)) => text.parse().map_err(|_| OtlpError::WrongType),
            _ => Err(OtlpError::WrongType),
        }
    }

    /// A number of the type `sint32`, of which protocol buffers write small ones short.
    pub(super) fn zigzag(self) -> Result<i64, OtlpError> {
        match self {
            Self::Protobuf(protobuf::Value::Varint(bits)) => {
                Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed())
            }
            Self::Protobuf(_) => Err(OtlpError::WrongType),
            Self::Json(_) => self.whole(),
        }
    }

    /// A number of the types `fixed64`, `uint64`, `fixed32` and `uint32`.
    pub(super) fn count(self) -> Result<u64, OtlpError> {
        match self {
            Self::Protobuf(protobuf::Value::Varint(bits) | protobuf::Value::Fixed64(bits)) => Ok(bits),
            Self::Protobuf(protobuf::Value::Fixed32(bits)) => Ok(bits.into()),
            Self::Json(Value::Number(number)) => number.as_u64().ok_or(OtlpError::WrongType),
            Self::Json(Value::String(text)) => text.parse().map_err(|_| OtlpError::WrongType),
            _ => Err(OtlpError::WrongType),
        }
    }

    pub(super) fn number(self) -> Result<f64, OtlpError> {
        match self {
            Self::Protobuf(value) => value.double().ok_or(OtlpError::WrongType),
            Self::Json(Value::Number(number)) => number.as_f64().ok_or(OtlpError::WrongType),
            // NaN, Infinity and -Infinity as well.
            Self::Json(Value::String(text)) => text.parse().map_err(|_| OtlpError::WrongType),
            Self::Json(_) => Err(OtlpError::WrongType),
        }
    }

    /// Adds what a repeated field of type `double` holds: one number or, packed, all of them.
    pub(super) fn numbers(self, all: &mut Vec<f64>) -> Result<(), OtlpError> {
        match self.packed() {
            Some(bits) => all.extend(bits?.map(f64::from_bits)),
            None => all.push(self.number()?),
        }
        Ok(())
    }

    /// The same for the type `fixed64`.
    pub(super) fn fixed_counts(self, all: &mut Vec<u64>) -> Result<(), OtlpError> {
        match self.packed() {
            Some(bits) => all.extend(bits?),
            None => all.push(self.count()?),
        }
        Ok(())
    }

    /// The same for the type `uint64`.
    pub(super) fn counts(self, all: &mut Vec<u64>) -> Result<(), OtlpError> {
        match self {
            Self::Protobuf(protobuf::Value::Bytes(list)) => {
                for count in protobuf::varints(list) {
                    all.push(count?);
                }
                Ok(())
            }
            _ => self.count().map(|count| all.push(count)),
        }
    }

    /// Numbers of eight bytes that are packed, if this is a list of such.
    fn packed(self) -> Option<Result<impl Iterator<Item = u64> + use<'a>, OtlpError>> {
        let Self::Protobuf(protobuf::Value::Bytes(list)) = self else { return None };
        let (numbers, rest) = list.as_chunks::<8>();
        let numbers = numbers.iter().map(|bytes| u64::from_le_bytes(*bytes));
        Some(if rest.is_empty() { Ok(numbers) } else { Err(OtlpError::WrongType) })
    }
}

fn digit(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or_default()
}

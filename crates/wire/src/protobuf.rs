//! Protocol buffers, read as they lie: the fields of a message in order, without a schema and without copies.
//!
//! What a field means is up to whoever knows its number. Fields may repeat, come in any order, and be unknown.

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtobufError {
    /// They end within a field.
    #[error("the message ends within a field")]
    Truncated,
    /// A number has more than 64 bits.
    #[error("a number of the message is longer than 64 bits")]
    LongNumber,
    /// A field has the number 0, or a kind that is no longer used.
    #[error("the message has a field that cannot be")]
    NoField,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A whole number or truth value.
    Varint(u64),
    /// A number of eight bytes.
    Fixed64(u64),
    /// A number of four bytes.
    Fixed32(u32),
    /// A text, a message, or a packed list of numbers.
    Bytes(&'a [u8]),
}

impl Value<'_> {
    /// The number that a field of type `double` holds.
    #[must_use]
    pub const fn double(self) -> Option<f64> {
        match self {
            Self::Fixed64(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    /// The number that a field of type `int64` holds.
    #[must_use]
    pub const fn int64(self) -> Option<i64> {
        match self {
            Self::Varint(bits) => Some(bits.cast_signed()),
            _ => None,
        }
    }
}

/// The fields of a message, each with its number; nothing after an error. Cost: O(1) each.
///
/// ```
/// use lanner_wire::protobuf::{Value, fields};
/// let message = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i'];
/// let fields: Vec<_> = fields(&message).collect::<Result<_, _>>()?;
/// assert_eq!(fields, [(1, Value::Varint(150)), (2, Value::Bytes(b"hi"))]);
/// # Ok::<(), lanner_wire::protobuf::ProtobufError>(())
/// ```
#[must_use]
pub const fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

/// See [`fields`].
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), ProtobufError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = field(&mut self.rest);
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

fn field<'a>(rest: &mut &'a [u8]) -> Result<(u32, Value<'a>), ProtobufError> {
    let tag = varint(rest)?;
    let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0).ok_or(ProtobufError::NoField)?;
    let value = match tag & 7 {
        0 => Value::Varint(varint(rest)?),
        1 => Value::Fixed64(u64::from_le_bytes(array(rest)?)),
        2 => {
            let length = usize::try_from(varint(rest)?).map_err(|_| ProtobufError::Truncated)?;
            Value::Bytes(take(rest, length)?)
        }
        5 => Value::Fixed32(u32::from_le_bytes(array(rest)?)),
        _ => return Err(ProtobufError::NoField),
    };
    Ok((number, value))
}

/// The numbers of a packed list; nothing after an error.
pub fn varints(mut list: &[u8]) -> impl Iterator<Item = Result<u64, ProtobufError>> {
    std::iter::from_fn(move || {
        if list.is_empty() {
            return None;
        }
        let number = varint(&mut list);
        if number.is_err() {
            list = &[];
        }
        Some(number)
    })
}

/// Seven bits a byte, the lowest first, until a byte below 128.
fn varint(rest: &mut &[u8]) -> Result<u64, ProtobufError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = array(rest)?;
        number |= u64::from(byte & 127) << shift;
        if byte < 128 {
            // Of the tenth byte, one bit is left.
            return if shift == 63 && byte > 1 { Err(ProtobufError::LongNumber) } else { Ok(number) };
        }
    }
    Err(ProtobufError::LongNumber)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], ProtobufError> {
    let (found, after) = rest.split_first_chunk().ok_or(ProtobufError::Truncated)?;
    *rest = after;
    Ok(*found)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], ProtobufError> {
    let (found, after) = rest.split_at_checked(length).ok_or(ProtobufError::Truncated)?;
    *rest = after;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(message: &[u8], expected: Result<&[(u32, Value<'_>)], ProtobufError>) {
        let found: Result<Vec<_>, _> = fields(message).collect();
        assert_eq!(found.as_deref().map_err(|error| *error), expected, "{message:x?}");
    }

    #[test]
    fn messages() {
        check(&[], Ok(&[]));
        check(&[0x08, 0x00], Ok(&[(1, Value::Varint(0))]));
        check(&[0x0d, 1, 0, 0, 0], Ok(&[(1, Value::Fixed32(1))]));
        let minus_one = [0x10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        check(&minus_one, Ok(&[(2, Value::Varint(u64::MAX))]));
        assert_eq!(Value::Varint(u64::MAX).int64(), Some(-1));
        let one = [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
        check(&one, Ok(&[(1, Value::Fixed64(1f64.to_bits()))]));
        assert_eq!(Value::Fixed64(1f64.to_bits()).double(), Some(1.0));
        check(&[0x12, 0], Ok(&[(2, Value::Bytes(b""))]));
        check(&one[..5], Err(ProtobufError::Truncated));
        check(&[0x12, 2, b'h'], Err(ProtobufError::Truncated));
        check(&[0x12, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1], Err(ProtobufError::Truncated));
        check(&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2], Err(ProtobufError::LongNumber));
        check(&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255], Err(ProtobufError::LongNumber));
        check(&[0x08], Err(ProtobufError::Truncated));
        check(&[0x00, 1], Err(ProtobufError::NoField));
        check(&[0x0b], Err(ProtobufError::NoField));
    }

    #[test]
    fn packed_numbers() {
        let numbers = |list: &[u8]| varints(list).collect::<Result<Vec<_>, _>>();
        assert_eq!(numbers(&[1, 0x96, 1, 0]), Ok(vec![1, 150, 0]));
        assert_eq!(numbers(&[]), Ok(vec![]));
        assert_eq!(numbers(&[1, 0x96]), Err(ProtobufError::Truncated));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let n_fields = fields(&bytes).filter(Result::is_ok).count();
            prop_assert!(2 * n_fields <= bytes.len());
            prop_assert!(varints(&bytes).count() <= bytes.len());
        }
    }
}

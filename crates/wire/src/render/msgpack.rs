//! `/render` as `MessagePack`: the same list of maps as in the pickle.
//!
//! Source: the `MessagePack` specification, <https://github.com/msgpack/msgpack/blob/master/spec.md>.

use super::Rendered;
use super::series_info::{Encoder, encode};

/// A list of `{name, pathExpression, consolidationFunc, start, end, step, valuesPerPoint, xFilesFactor, values}`,
/// appended to `out`; gaps are nil.
pub fn write(series: &[Rendered<'_>], out: &mut Vec<u8>) {
    encode(series, &mut Packer { out });
}

struct Packer<'a> {
    out: &'a mut Vec<u8>,
}

impl Packer<'_> {
    /// The head of something with a length: in one byte if it is below `n_fixed`, else behind a tag for two bytes,
    /// after which comes the tag for four. A length beyond 32 bits does not occur.
    fn head(&mut self, length: usize, (fixed, n_fixed): (u8, usize), tag: u8) {
        if length < n_fixed {
            self.out.push(fixed | length as u8);
        } else if let Ok(short) = u16::try_from(length) {
            self.out.push(tag);
            self.out.extend_from_slice(&short.to_be_bytes());
        } else {
            self.out.push(tag + 1);
            self.out.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
}

impl Encoder for Packer<'_> {
    fn begin_list(&mut self, n_items: usize) {
        self.head(n_items, (0x90, 16), 0xdc);
    }

    fn end_list(&mut self) {}

    fn begin_map(&mut self, n_pairs: usize) {
        self.head(n_pairs, (0x80, 16), 0xde);
    }

    fn end_map(&mut self) {}

    fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(length) if length >= 32 => self.out.extend_from_slice(&[0xd9, length]),
            _ => self.head(text.len(), (0xa0, 32), 0xda),
        }
        self.out.extend_from_slice(text.as_bytes());
    }

    fn integer(&mut self, integer: i64) {
        match integer {
            -32..=127 => self.out.push(integer as u8),
            _ => match i32::try_from(integer) {
                Ok(short) => {
                    self.out.push(0xd2);
                    self.out.extend_from_slice(&short.to_be_bytes());
                }
                Err(_) => {
                    self.out.push(0xd3);
                    self.out.extend_from_slice(&integer.to_be_bytes());
                }
            },
        }
    }

    fn float(&mut self, float: f64) {
        self.out.push(0xcb);
        self.out.extend_from_slice(&float.to_be_bytes());
    }

    fn null(&mut self) {
        self.out.push(0xc0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::python;

    /// Rows from the tables of the specification.
    #[test]
    fn formats() {
        #[track_caller]
        fn check(write: impl FnOnce(&mut Packer<'_>), expected: &[u8]) {
            let mut out = Vec::new();
            write(&mut Packer { out: &mut out });
            assert_eq!(out[..expected.len().min(out.len())], *expected);
        }
        check(|to| to.null(), &[0xc0]);
        check(|to| to.integer(0), &[0x00]);
        check(|to| to.integer(127), &[0x7f]);
        check(|to| to.integer(-1), &[0xff]);
        check(|to| to.integer(-32), &[0xe0]);
        check(|to| to.integer(-33), &[0xd2, 0xff, 0xff, 0xff, 0xdf]);
        check(|to| to.integer(128), &[0xd2, 0, 0, 0, 128]);
        check(|to| to.integer(1 << 31), &[0xd3, 0, 0, 0, 0, 0x80, 0, 0, 0]);
        check(|to| to.float(1.5), &[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]);
        check(|to| to.text(""), &[0xa0]);
        check(|to| to.text(&"a".repeat(31)), &[0xbf, b'a']);
        check(|to| to.text(&"a".repeat(32)), &[0xd9, 32, b'a']);
        check(|to| to.text(&"a".repeat(255)), &[0xd9, 255, b'a']);
        check(|to| to.text(&"a".repeat(256)), &[0xda, 1, 0, b'a']);
        check(|to| to.text(&"a".repeat(65_536)), &[0xdb, 0, 1, 0, 0, b'a']);
        check(|to| to.begin_list(15), &[0x9f]);
        check(|to| to.begin_list(16), &[0xdc, 0, 16]);
        check(|to| to.begin_list(65_536), &[0xdd, 0, 1, 0, 0]);
        check(|to| to.begin_map(15), &[0x8f]);
        check(|to| to.begin_map(16), &[0xde, 0, 16]);
    }

    #[test]
    fn python_reads_it() {
        let (tags, values) = (BTreeMap::new(), [1.5, f64::NAN, f64::INFINITY, -0.0]);
        let long = "x".repeat(300);
        let first =
            Rendered { x_files_factor: 0.5, end_s: 1_737_331_237, ..Rendered::new("ü", &tags, &values) };
        let second = Rendered {
            path_expression: &long,
            start_s: -500,
            end_s: 1 << 40,
            ..Rendered::new("a", &tags, &[])
        };
        let mut out = Vec::new();
        write(&[first, second], &mut out);
        let script = "import msgpack, sys\n\
            for s in msgpack.unpack(sys.stdin.buffer): print(sorted(s.items()))";
        let Some(printed) = python::run("msgpack", script, &out) else { return };
        let expected = format!(
            "[('consolidationFunc', 'average'), ('end', 1737331237), ('name', 'ü'), ('pathExpression', 'ü'), \
            ('start', 0), ('step', 1), ('values', [1.5, None, inf, -0.0]), ('valuesPerPoint', 1), \
            ('xFilesFactor', 0.5)]\n\
            [('consolidationFunc', 'average'), ('end', 1099511627776), ('name', 'a'), ('pathExpression', '{long}'), \
            ('start', -500), ('step', 1), ('values', []), ('valuesPerPoint', 1), ('xFilesFactor', 0.0)]\n"
        );
        assert_eq!(String::from_utf8(printed).unwrap(), expected);
    }
}

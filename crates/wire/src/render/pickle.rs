//! `/render` as a pickle of protocol 2, which every Python reads: a list with a dictionary for each series.

use super::Rendered;
use super::series_info::{Encoder, encode};

/// A list of `{name, pathExpression, consolidationFunc, start, end, step, valuesPerPoint, xFilesFactor, values}`,
/// appended to `out`; gaps are `None`.
pub fn write(series: &[Rendered<'_>], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x80\x02");
    encode(series, &mut Pickler { out });
    out.push(b'.');
}

struct Pickler<'a> {
    out: &'a mut Vec<u8>,
}

impl Encoder for Pickler<'_> {
    fn begin_list(&mut self, _: usize) {
        self.out.extend_from_slice(b"](");
    }

    fn end_list(&mut self) {
        self.out.push(b'e');
    }

    fn begin_map(&mut self, _: usize) {
        self.out.extend_from_slice(b"}(");
    }

    fn end_map(&mut self) {
        self.out.push(b'u');
    }

    /// A text longer than 4 GiB, which nothing here makes, would be cut.
    fn text(&mut self, text: &str) {
        let n_bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.out.push(b'X');
        self.out.extend_from_slice(&n_bytes.to_le_bytes());
        self.out.extend_from_slice(&text.as_bytes()[..n_bytes as usize]);
    }

    fn integer(&mut self, integer: i64) {
        if let Ok(short) = i32::try_from(integer) {
            self.out.push(b'J');
            self.out.extend_from_slice(&short.to_le_bytes());
        } else {
            self.out.extend_from_slice(&[0x8a, 8]);
            self.out.extend_from_slice(&integer.to_le_bytes());
        }
    }

    fn float(&mut self, float: f64) {
        self.out.push(b'G');
        self.out.extend_from_slice(&float.to_be_bytes());
    }

    fn null(&mut self) {
        self.out.push(b'N');
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::python;

    #[test]
    fn python_reads_it() {
        let (tags, values) = (BTreeMap::new(), [1.5, f64::NAN, f64::INFINITY, -0.0, 5e-324]);
        let first =
            Rendered { x_files_factor: 0.5, values_per_point: 7, ..Rendered::new("ü,\"", &tags, &values) };
        let second = Rendered {
            path_expression: "f(a)",
            start_s: -5,
            end_s: 1 << 40,
            ..Rendered::new("a", &tags, &[])
        };
        let mut out = Vec::new();
        write(&[first, second], &mut out);
        let script = "import pickle, sys\n\
            for s in pickle.load(sys.stdin.buffer): print(sorted(s.items()))";
        let Some(printed) = python::run("pickle", script, &out) else { return };
        let expected = "[('consolidationFunc', 'average'), ('end', 5), ('name', 'ü,\"'), ('pathExpression', 'ü,\"'), \
            ('start', 0), ('step', 1), ('values', [1.5, None, inf, -0.0, 5e-324]), ('valuesPerPoint', 7), \
            ('xFilesFactor', 0.5)]\n\
            [('consolidationFunc', 'average'), ('end', 1099511627776), ('name', 'a'), ('pathExpression', 'f(a)'), \
            ('start', -5), ('step', 1), ('values', []), ('valuesPerPoint', 1), ('xFilesFactor', 0.0)]\n";
        assert_eq!(String::from_utf8(printed).unwrap(), expected);
    }

    #[test]
    fn operations() {
        #[track_caller]
        fn check(write: impl FnOnce(&mut Pickler<'_>), expected: &[u8]) {
            let mut out = Vec::new();
            write(&mut Pickler { out: &mut out });
            assert_eq!(out, expected);
        }
        check(|to| to.integer(-2), b"J\xfe\xff\xff\xff");
        check(|to| to.integer(1 << 31), b"\x8a\x08\0\0\0\x80\0\0\0\0");
        check(|to| to.float(1.5), b"G\x3f\xf8\0\0\0\0\0\0");
        check(|to| to.text("ü"), b"X\x02\0\0\0\xc3\xbc");
    }
}

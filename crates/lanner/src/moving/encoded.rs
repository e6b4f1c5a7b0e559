//! Texts as attackers hide them in a command: as UTF-16, in base64, or both. Sigma writes the text, and events hold what became of it.
//!
//! Source: "Sigma Modifiers", release 2.1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One step, as a modifier names it.
#[derive(Clone, Copy)]
pub(super) enum Encoding {
    /// Each character becomes two bytes, the lower one first; `true` for the higher one first.
    Utf16 {
        big_endian: bool,
        with_mark: bool,
    },
    Base64,
    /// Base64 of a longer text with this one anywhere in it.
    Base64Offset,
}

impl Encoding {
    pub(super) fn named(modifier: &str) -> Option<Self> {
        Some(match modifier {
            "wide" | "utf16le" => Self::Utf16 { big_endian: false, with_mark: false },
            "utf16be" => Self::Utf16 { big_endian: true, with_mark: false },
            "utf16" => Self::Utf16 { big_endian: false, with_mark: true },
            "base64" => Self::Base64,
            "base64offset" => Self::Base64Offset,
            _ => return None,
        })
    }

    /// What a text becomes by all steps in turn: several texts, one of which an event holds.
    pub(super) fn all(steps: &[Self], text: &str) -> Vec<String> {
        let mut variants = vec![text.as_bytes().to_vec()];
        for step in steps {
            variants = variants.iter().flat_map(|bytes| step.of(bytes)).collect();
        }
        variants.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    fn of(self, bytes: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Utf16 { big_endian, with_mark } => vec![utf16(bytes, big_endian, with_mark)],
            Self::Base64 => vec![STANDARD.encode(bytes).into_bytes()],
            Self::Base64Offset => (0..3).map(|before| within(bytes, before)).collect(),
        }
    }
}

fn utf16(bytes: &[u8], big_endian: bool, with_mark: bool) -> Vec<u8> {
    let mark = if with_mark { "\u{feff}" } else { "" };
    let text = format!("{mark}{}", String::from_utf8_lossy(bytes));
    let two = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
    text.encode_utf16().flat_map(two).collect()
}

/// The letters that say nothing but these bytes, if `before` others come before them, of three that belong together, and anything after them.
fn within(bytes: &[u8], before: usize) -> Vec<u8> {
    let padded = [&b"   "[..before], bytes].concat();
    let letters = STANDARD.encode(&padded).into_bytes();
    // Six bits are a letter: the first whole one, and behind the last whole one.
    let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
    letters.get(first..end).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(modifiers: &str, text: &str) -> Vec<String> {
        let steps: Vec<Encoding> = modifiers.split('|').map(|name| Encoding::named(name).unwrap()).collect();
        Encoding::all(&steps, text)
    }

    /// The values are those of the specification and of its Python implementation.
    #[test]
    fn texts_become_what_sigma_says() {
        assert_eq!(all("base64", "IEX"), ["SUVY"]);
        assert_eq!(all("base64offset", "/bin/bash"), ["L2Jpbi9iYXNo", "9iaW4vYmFza", "vYmluL2Jhc2"]);
        assert_eq!(all("base64offset", "http://"), ["aHR0cDovL", "h0dHA6Ly", "odHRwOi8v"]);
        assert_eq!(all("wide|base64", "ping"), ["cABpAG4AZwA="]);
        assert_eq!(all("utf16be|base64", "ping"), ["AHAAaQBuAGc="]);
        assert_eq!(all("utf16|base64", "ping"), ["//5wAGkAbgBnAA=="]);
    }

    /// Whatever stands around a text, its letters are among those of the whole.
    #[test]
    fn a_text_is_found_wherever_it_stands() {
        for text in ["a", "ab", "abc", "http://", "\u{e9}t\u{e9}"] {
            for (before, after) in [("", ""), ("x", "y"), ("xy", "z"), ("xyz", ""), ("x", "yzx")] {
                let whole = STANDARD.encode(format!("{before}{text}{after}"));
                assert!(
                    all("base64offset", text).iter().any(|part| whole.contains(part)),
                    "{before}{text}{after}"
                );
            }
        }
    }
}

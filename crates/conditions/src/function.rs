//! The functions of a condition by their names. To add one: a variant and its name here; what it accepts and does in `call`.

/// A function of fields.
///
/// A text function asked of a list works on each of its texts. What it cannot be asked of (a number, broken
/// base64) counts as missing, and so does a result of more than a mebibyte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// ASCII letters made small.
    ToLower,
    /// ASCII letters made large.
    ToUpper,
    /// The text that a text of base64 stands for.
    B64,
    /// What follows the last `/`.
    Basename,
    /// Characters of a text, items of a list, keys of an object.
    Len,
    /// `join("-", (a, b))`: texts and numbers with a separator between them; a list's items one by one.
    Join,
    /// `concat(a, "/", b)`: texts and numbers one after the other.
    Concat,
    /// `getopt(args, "nt:")[t]`: the value of the option `-t` on a command line, as Falco finds it; without a key the list
    /// of all options and their values. A `:` after a letter means that it takes a value.
    Getopt,
    /// `semver(version) < "1.10.0"`: a version as semver.org has them. What is no version counts as missing.
    Semver,
    /// A hash of a text, from 0 to 2^32 - 1: `MurmurHash3_x86_32`.
    Murmur3,
    /// The kind of a value: `null`, `bool`, `number`, `text`, `list` or `object`.
    Type,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::ToLower,
        Self::ToUpper,
        Self::B64,
        Self::Basename,
        Self::Len,
        Self::Join,
        Self::Concat,
        Self::Getopt,
        Self::Semver,
        Self::Murmur3,
        Self::Type,
    ];

    /// The function's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ToLower => "tolower",
            Self::ToUpper => "toupper",
            Self::B64 => "b64",
            Self::Basename => "basename",
            Self::Len => "len",
            Self::Join => "join",
            Self::Concat => "concat",
            Self::Getopt => "getopt",
            Self::Semver => "semver",
            Self::Murmur3 => "murmur3",
            Self::Type => "type",
        }
    }

    /// The function of that name, in any case.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.word().eq_ignore_ascii_case(word))
    }
}

//! One line and its parts, how it is to be read, and why it may be refused.

use crate::report::shown;

/// The longest measurement with its tags, in bytes.
pub const MAX_SERIES_BYTES: usize = 64 * 1024;

/// The unit of the timestamps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// Nanoseconds.
    #[default]
    Nanoseconds,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
}

impl Precision {
    /// Reads the query parameter `precision`: `ns`, `us`, `ms`, `s`, or of version 1 `n`, `u`, `m`, `h`.
    ///
    /// # Errors
    /// A sentence that lists what can be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "" | "ns" | "n" => Self::Nanoseconds,
            "us" | "u" | "µ" | "µs" => Self::Microseconds,
            "ms" => Self::Milliseconds,
            "s" => Self::Seconds,
            "m" => Self::Minutes,
            "h" => Self::Hours,
            _ => return Err(format!("precision \"{}\" is unknown; write ns, us, ms or s", shown(text))),
        })
    }

    /// `number` of this unit in milliseconds, rounded down; `None` when that overflows.
    pub(super) const fn to_ms(self, number: i64) -> Option<i64> {
        match self {
            Self::Nanoseconds => Some(number.div_euclid(1_000_000)),
            Self::Microseconds => Some(number.div_euclid(1_000)),
            Self::Milliseconds => Some(number),
            Self::Seconds => number.checked_mul(1_000),
            Self::Minutes => number.checked_mul(60_000),
            Self::Hours => number.checked_mul(3_600_000),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "nanoseconds",
            Self::Microseconds => "microseconds",
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
        }
    }
}

/// How a batch is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The unit of the timestamps.
    pub precision: Precision,
    /// The time of lines without a timestamp, milliseconds since the Unix epoch.
    pub received_ms: i64,
}

/// One field that holds a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field<'a> {
    /// The field's name as written, escapes included.
    pub raw_key: &'a str,
    /// Its value: finite.
    pub value: f64,
}

/// One line with at least one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line<'a> {
    /// Measurement and tags as written, escapes included: `cpu,host=a,region=eu`.
    pub raw_series: &'a str,
    /// The fields that hold numbers, in the order written; never empty.
    pub fields: &'a [Field<'a>],
    /// Milliseconds since the Unix epoch, rounded down.
    pub time_ms: i64,
}

/// What is called for each good line; `dyn`, so that the code that reads is made here, once, and for speed.
pub(super) type OnLine<'a> = &'a mut dyn FnMut(&Line<'_>) -> Result<(), String>;

/// Why a line was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// A byte that is not text.
    #[error("not UTF-8 text; send line protocol encoded as UTF-8")]
    NotUtf8,
    /// The line begins with a comma or a space.
    #[error("the measurement has no name; write for example cpu,host=a usage=12.5")]
    NoMeasurement,
    /// Nothing after measurement and tags.
    #[error("there are no fields; write a space and for example usage=12.5 after the tags")]
    NoFields,
    /// Measurement and tags exceed [`MAX_SERIES_BYTES`].
    #[error("measurement and tags are longer than 64 KiB")]
    SeriesTooLong,
    /// A tag without `=`, name or value.
    #[error("a tag is not name=value; leave tags without a value out, and write \\, for a comma in a name")]
    MalformedTag,
    /// A tag's value with an unescaped `=`.
    #[error("a tag's value holds an equals sign; write it as \\=")]
    EqualsInTagValue,
    /// A field without `=` or name.
    #[error("a field is not name=value; write for example usage=12.5, and \\  for a space in a name")]
    MalformedField,
    /// A text that does not end.
    #[error("the text has no closing quote")]
    UnclosedText,
    /// Something right after a closing quote.
    #[error("after the closing quote must come a comma, a space or the line's end; write \\\" for a quote")]
    AfterText,
    /// No value after `=`.
    #[error("the field has no value")]
    NoValue,
    /// NaN.
    #[error("NaN is not a value that can be kept; leave the field out")]
    Nan,
    /// Infinity.
    #[error("infinity is not a value that can be kept; leave the field out")]
    Infinite,
    /// Neither number, boolean nor text.
    #[error("\"{text}\" is not a value; write a number, 12i, 12u, true, false, or text in double quotes")]
    NotAValue {
        /// What was written.
        text: String,
    },
    /// A number that is too large for its type.
    #[error("{text} is too large")]
    TooLarge {
        /// What was written.
        text: String,
    },
    /// A timestamp that is not an integer.
    #[error("\"{text}\" is not a timestamp; write an integer, or write \\  for a space in a name")]
    NotATimestamp {
        /// What was written.
        text: String,
    },
    /// A timestamp outside 1900 to 2200.
    #[error("the time {text} is outside 1900 to 2200 when read in {unit}; is precision right?")]
    TimeOutside {
        /// What was written.
        text: String,
        /// The unit it was read in.
        unit: &'static str,
    },
    /// Something after the timestamp.
    #[error("there is something after the timestamp; begin a new line")]
    AfterTimestamp,
}

//! Instants of the API: RFC 3339 in UTC outwards; inwards also seconds or milliseconds since 1970.

use lanner_core::time::{format_time, parse_duration_ms, parse_time_ms};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::report::shown;

/// An instant, in milliseconds since the Unix epoch; written as RFC 3339 in UTC.
///
/// ```
/// use lanner_wire::api::Time;
/// assert_eq!(serde_json::to_string(&Time(1_767_225_600_000))?, r#""2026-01-01T00:00:00Z""#);
/// assert_eq!(serde_json::from_str::<Time>("1767225600")?, Time(1_767_225_600_000));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_time(self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| parse_time_ms(text).map(Self);
        deserializer.deserialize_any(TextOrNumber { read, expected: "a time such as 2026-12-01T08:00:00Z" })
    }
}

/// An instant, or a distance back from now: `-1h`, `now-1h` or `now`.
///
/// ```
/// use lanner_wire::api::When;
/// assert_eq!(When::parse("now-1h")?.resolve(7_200_000), 3_600_000);
/// assert_eq!(When::parse("1970-01-02")?.resolve(7_200_000), 86_400_000);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Milliseconds since the Unix epoch.
    At(i64),
    /// Milliseconds before now.
    Ago(i64),
}

impl When {
    /// Reads an instant or a distance.
    ///
    /// # Errors
    /// A sentence that says what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let distance = match text.strip_prefix("now") {
            Some("") => return Ok(Self::Ago(0)),
            Some(rest) => rest.trim_start().strip_prefix('-').map(str::trim),
            // A number alone is an instant before 1970, not a distance.
            None => text.strip_prefix('-').filter(|rest| rest.ends_with(|c: char| c.is_ascii_alphabetic())),
        };
        match distance {
            Some(distance) => parse_duration_ms(distance).map(Self::Ago).map_err(|error| error.to_string()),
            None if text.starts_with("now") => {
                Err(format!("\"{}\" is not a time; write for example now-1h", shown(text)))
            }
            None => parse_time_ms(text).map(Self::At),
        }
    }

    /// The instant it means at `now_ms`.
    #[must_use]
    pub const fn resolve(self, now_ms: i64) -> i64 {
        match self {
            Self::At(time_ms) => time_ms,
            Self::Ago(distance_ms) => now_ms.saturating_sub(distance_ms),
        }
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(time_ms) => Time(*time_ms).serialize(serializer),
            Self::Ago(0) => serializer.serialize_str("now"),
            Self::Ago(ms) => {
                serializer.serialize_str(&format!("now-{}", lanner_core::time::format_duration(*ms)))
            }
        }
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a time such as 2026-12-01T08:00:00Z, or now-1h";
        deserializer.deserialize_any(TextOrNumber { read: Self::parse, expected })
    }
}

/// Reads text with `read`, and whole numbers as the text of their digits.
struct TextOrNumber<F> {
    read: F,
    expected: &'static str,
}

impl<T, F: Fn(&str) -> Result<T, String>> Visitor<'_> for TextOrNumber<F> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_distances() {
        #[track_caller]
        fn check(json: &str, expected: Option<When>) {
            let actual = serde_json::from_str::<When>(json).ok();
            assert_eq!(actual, expected, "{json}");
            if let Some(when) = actual {
                let again = serde_json::to_string(&when).unwrap();
                assert_eq!(serde_json::from_str::<When>(&again).ok(), expected, "{json}");
            }
        }
        check(r#""now""#, Some(When::Ago(0)));
        check(r#""now - 1h30m""#, Some(When::Ago(5_400_000)));
        check(r#""-1h""#, Some(When::Ago(3_600_000)));
        check(r#""-3600""#, Some(When::At(-3_600_000)));
        check(r#""2026-01-01""#, Some(When::At(1_767_225_600_000)));
        check("1767225600", Some(When::At(1_767_225_600_000)));
        check("1767225600000", Some(When::At(1_767_225_600_000)));
        check(r#""now+1h""#, None);
        check(r#""nowish""#, None);
        check(r#""-1x""#, None);
        check("1.5", None);
        check("18446744073709551615", None);
        check("null", None);
        check(r#""""#, None);
    }
}

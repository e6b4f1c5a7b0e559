//! By which clock the moments of a chart are told.

use jiff::tz::TimeZone;
use lanner_core::time::{DAY_MS, format_time};

/// What the moments of a chart are.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Clock {
    /// Milliseconds since the Unix epoch, told in UTC.
    #[default]
    Utc,
    /// The same, told by the clocks of a zone that has a name.
    Zone(TimeZone),
    /// Numbers of lines: what has no times.
    Lines,
}

impl Clock {
    /// A moment in full, as people read it in a table.
    ///
    /// ```
    /// use lanner_page::chart::Clock;
    /// assert_eq!(Clock::Utc.moment(1_767_225_600_250), "2026-01-01 00:00:00.250");
    /// assert_eq!(Clock::Lines.moment(17), "line 17");
    /// ```
    #[must_use]
    pub fn moment(&self, at: i64) -> String {
        match self {
            Self::Lines => format!("line {at}"),
            Self::Utc | Self::Zone(_) if at % 1_000 == 0 => self.second(at),
            Self::Utc | Self::Zone(_) => format!("{}.{:03}", self.second(at), at.rem_euclid(1_000)),
        }
    }

    /// A time to the second: `2026-11-22 07:24:14`.
    fn second(&self, at_ms: i64) -> String {
        let told = match self {
            Self::Zone(zone) => jiff::Timestamp::from_millisecond(at_ms)
                .map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()),
            Self::Utc | Self::Lines => Ok(format_time(at_ms)),
        };
        let text = told.unwrap_or_else(|_| format_time(at_ms));
        text.get(..19).unwrap_or(&text).replace('T', " ")
    }

    /// A moment below a chart of so much time: what does not change across it is left out.
    pub(super) fn label(&self, at: i64, length: i64) -> String {
        let text = match self {
            Self::Lines => return self.moment(at),
            Self::Utc | Self::Zone(_) => self.second(at),
        };
        let part = if length >= 2 * DAY_MS { text.get(5..16) } else { text.get(11..16) };
        part.unwrap_or(&text).to_owned()
    }

    /// What the script knows it by; nothing for UTC.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Utc => None,
            Self::Zone(zone) => zone.iana_name(),
            Self::Lines => Some("lines"),
        }
    }

    /// What stands behind a time: ` UTC`, ` Europe/Berlin`.
    #[must_use]
    pub fn suffix(&self) -> String {
        match self {
            Self::Lines => String::new(),
            Self::Utc | Self::Zone(_) => format!(" {}", self.name().unwrap_or("UTC")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_leave_out_what_does_not_change() {
        let zone = Clock::Zone(TimeZone::get("Asia/Tokyo").unwrap());
        let at = 1_767_225_600_000;
        for (clock, length, expected) in [
            (&Clock::Utc, DAY_MS, "00:00"),
            (&Clock::Utc, 2 * DAY_MS, "01-01 00:00"),
            (&zone, DAY_MS, "09:00"),
            (&Clock::Lines, 10, "line 1767225600000"),
        ] {
            assert_eq!(clock.label(at, length), expected);
        }
        assert_eq!((zone.name(), zone.suffix().as_str()), (Some("Asia/Tokyo"), " Asia/Tokyo"));
        assert_eq!((Clock::Utc.suffix().as_str(), Clock::Lines.suffix().as_str()), (" UTC", ""));
    }
}

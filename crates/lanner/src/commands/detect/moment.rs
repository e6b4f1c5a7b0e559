//! When something was, in the table that was read.

use jiff::tz::TimeZone;
use lanner_wire::api::Time;
use serde::Serialize;

use crate::list;

/// A time, or a line where the table has no times.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Moment {
    Time(Time),
    Line(i64),
}

impl Moment {
    pub(super) const fn new(at: i64, has_times: bool) -> Self {
        if has_times { Self::Time(Time(at)) } else { Self::Line(at) }
    }

    /// The milliseconds or the line.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Time(time) => time.0,
            Self::Line(line) => line,
        }
    }

    /// RFC 3339, in UTC or by the clocks of a zone; `line 7`.
    pub(super) fn text(self, zone: Option<&TimeZone>) -> String {
        match (self, zone) {
            (Self::Line(line), _) => format!("line {line}"),
            (Self::Time(time), None) => list::time_text(time),
            (Self::Time(time), Some(zone)) => jiff::Timestamp::from_millisecond(time.0).map_or_else(
                |_| list::time_text(time),
                |at| at.display_with_offset(zone.to_offset(at)).to_string(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_shown_by_the_clocks_of_a_zone() {
        let at = Moment::new(1_761_447_600_000, true);
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(at.text(None), "2025-10-26T03:00:00Z");
        assert_eq!(at.text(Some(&berlin)), "2025-10-26T04:00:00+01:00");
        assert_eq!(Moment::new(7, false).text(Some(&berlin)), "line 7");
    }
}

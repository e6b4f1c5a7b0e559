//! Instants of log lines. Many fall on one day, so the calendar is asked once a day.

use lanner_core::time::parse_time_ms;

/// Reads instants such as `2026-11-29T10:00:05.123456789Z`.
#[derive(Debug, Default)]
pub(super) struct Days {
    /// The day of the last one, as it is written, with the `T` behind it.
    day: [u8; 11],
    /// When that day began, milliseconds since 1970.
    midnight_ms: i64,
}

impl Days {
    /// The instant, milliseconds since 1970, as [`parse_time_ms`] reads it; `None` for a text that is none.
    pub(super) fn time_ms(&mut self, text: &str) -> Option<i64> {
        let parts = text.as_bytes().split_first_chunk();
        let of_day = parts.and_then(|(day, time)| Some((day, of_day_ms(time)?)));
        if let Some((day, of_day_ms)) = of_day
            && *day == self.day
        {
            return Some(self.midnight_ms + of_day_ms);
        }
        let time_ms = parse_time_ms(text).ok()?;
        // Before 1970 parts of a millisecond are cut off the other way.
        if let Some((day, of_day_ms)) = of_day.filter(|_| time_ms >= 0) {
            (self.day, self.midnight_ms) = (*day, time_ms - of_day_ms);
        }
        Some(time_ms)
    }
}

/// Milliseconds from midnight to `10:00:05.123456789Z`; `None` for what is not written so.
fn of_day_ms(time: &[u8]) -> Option<i64> {
    let [h, hour, b':', m, minute, b':', s, second, fraction @ .., b'Z'] = time else { return None };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    let number = |tens: &u8, ones: &u8| Some(10 * digit(tens)? + digit(ones)?);
    let (hour, minute, second) = (number(h, hour)?, number(m, minute)?, number(s, second)?);
    let ms = match fraction {
        [] => 0,
        [b'.', a, b, c, rest @ ..] if rest.len() <= 6 && rest.iter().all(u8::is_ascii_digit) => {
            10 * number(a, b)? + digit(c)?
        }
        _ => return None,
    };
    let is_time = hour < 24 && minute < 60 && second < 60;
    is_time.then_some(((hour * 60 + minute) * 60 + second) * 1_000 + ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_those_of_the_calendar() {
        let mut days = Days::default();
        for text in [
            "2026-11-29T10:00:05.123456789Z",
            "2026-11-29T10:00:05.999999999Z",
            "2026-11-29T23:59:59Z",
            "2026-11-29T23:59:60Z",
            "2026-11-29T24:00:00Z",
            "2026-11-29T10:00:05.12Z",
            "2026-11-29T10:00:05.123+02:00",
            "2026-11-29t10:00:06Z",
            "2026-11-29 10:00:06.5Z",
            "2026-11-30T00:00:00.000Z",
            "2026-11-31T00:00:00.000Z",
            "2026-02-29T00:00:00Z",
            "1969-12-31T10:00:05.123456789Z",
            "1969-12-31T10:00:06.123456789Z",
            "1899-12-31T10:00:06Z",
            "2026-11-29T10:00:0äZ",
            "2026-11-29T",
            "2026-11-2",
            "1767225600",
            "",
        ] {
            assert_eq!(days.time_ms(text), parse_time_ms(text).ok(), "{text}");
            // Once more, now that the day is known.
            assert_eq!(days.time_ms(text), parse_time_ms(text).ok(), "{text}");
        }
    }
}

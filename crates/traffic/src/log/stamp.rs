//! Times as logs write them, in milliseconds since the Unix epoch.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `29/Nov/2026:10:00:00 +0100`.
pub(super) fn common(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 26 || bytes[2] != b'/' || bytes[6] != b'/' || bytes[11] != b':' || bytes[20] != b' ' {
        return None;
    }
    let month = MONTHS.iter().position(|month| month.as_bytes() == &bytes[3..6])?;
    let (day, year) = (digits(&bytes[..2])?, digits(&bytes[7..11])?);
    let at = instant(year, month as i64 + 1, day, clock(&bytes[12..20])?)?;
    Some((at - offset(&bytes[21..26])?) * 1_000)
}

/// `2026-11-29T10:00:00.123Z`, also with a space for the `T`, an offset, or a fraction of any length.
pub(super) fn rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || bytes[4] != b'-' || bytes[7] != b'-' || !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let (year, month, day) = (digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..10])?);
    let seconds = instant(year, month, day, clock(&bytes[11..19])?)?;
    let (mut ms, mut rest) = (0, &bytes[19..]);
    if let [b'.' | b',', fraction @ ..] = rest {
        let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        ms = (0..3)
            .fold(0, |ms, i| ms * 10 + fraction[..length].get(i).map_or(0, |byte| i64::from(byte - b'0')));
        rest = &fraction[length..];
    }
    let offset = match rest {
        b"Z" | b"z" => 0,
        [sign, h1, h2, b':', m1, m2] => offset(&[*sign, *h1, *h2, *m1, *m2])?,
        _ => offset(rest)?,
    };
    Some((seconds - offset) * 1_000 + ms)
}

/// A number since 1970 as text: seconds, with a fraction or not, or milli-, micro- or nanoseconds by its size.
pub(super) fn epoch(text: &str) -> Option<i64> {
    of_number(text.parse().ok()?)
}

/// The same of a number.
pub(super) fn of_number(number: f64) -> Option<i64> {
    let ms = match number {
        n if n < 1e8 => return None,
        n if n < 1e11 => n * 1e3,
        n if n < 1e14 => n,
        n if n < 1e17 => n / 1e3,
        n => n / 1e6,
    };
    // Until the year 9999.
    (ms < 253_402_300_800_000.0).then_some(ms.round() as i64)
}

fn clock(bytes: &[u8]) -> Option<i64> {
    if bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (digits(&bytes[..2])?, digits(&bytes[3..5])?, digits(&bytes[6..8])?);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
}

/// `+0100` in seconds.
fn offset(bytes: &[u8]) -> Option<i64> {
    let [sign @ (b'+' | b'-'), rest @ ..] = bytes else { return None };
    if rest.len() != 4 {
        return None;
    }
    let seconds = digits(&rest[..2])? * 3_600 + digits(&rest[2..])? * 60;
    Some(if *sign == b'-' { -seconds } else { seconds })
}

fn instant(year: i64, month: i64, day: i64, clock: i64) -> Option<i64> {
    let is_date = (1970..=9_999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_date.then(|| days(year, month, day) * 86_400 + clock)
}

/// Days since 1970 of a date of the Gregorian calendar: years begin in March, so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        #[track_caller]
        fn check(read: fn(&str) -> Option<i64>, text: &str, expected: Option<i64>) {
            assert_eq!(read(text), expected, "{text}");
        }
        // Expected values: `date -u -d TEXT +%s`.
        check(common, "10/Oct/2000:13:55:36 -0700", Some(971_211_336_000));
        check(common, "29/Feb/2024:23:59:59 +0530", Some(1_709_231_399_000));
        check(common, "29/Nov/1969:10:00:00 +0000", None);
        check(common, "29/Okt/2026:10:00:00 +0000", None);
        check(common, "29/Nov/2026:24:00:00 +0000", None);
        check(common, "29/Nov/2026:10:00:00", None);
        check(rfc3339, "2026-11-29T10:00:00Z", Some(1_795_946_400_000));
        check(rfc3339, "2026-11-29 10:00:00.1299+01:00", Some(1_795_942_800_129));
        check(rfc3339, "2026-11-29T10:00:00.5-0030", Some(1_795_948_200_500));
        check(rfc3339, "2026-13-29T10:00:00Z", None);
        check(rfc3339, "2026-11-29T10:00:00", None);
        check(rfc3339, "2026-11-29T10:00:00é", None);
        check(epoch, "1795946400.25", Some(1_795_946_400_250));
        check(epoch, "1795946400250", Some(1_795_946_400_250));
        check(epoch, "1795946400250000000", Some(1_795_946_400_250));
        check(epoch, "12", None);
        check(epoch, "NaN", None);
        check(epoch, "1e300", None);
    }
}

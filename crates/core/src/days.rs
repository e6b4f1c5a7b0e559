//! Days of the week, as people write them.

use jiff::civil::Date;

/// Days of the week, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(u8);

const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const LONG_NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Days {
    /// Every day.
    pub const ALL: Self = Self(0x7f);

    /// Reads `mon-fri`, `sat,sun`, `fri-mon` or `daily`; also `monday:friday`, as Alertmanager has it.
    ///
    /// # Errors
    /// A sentence that says what to write instead.
    ///
    /// ```
    /// use lanner_core::Days;
    /// assert_eq!(Days::parse("mon-fri").unwrap().to_string(), "mon,tue,wed,thu,fri");
    /// assert_eq!(Days::parse("monday:friday"), Days::parse("mon-fri"));
    /// assert!(Days::parse("moonday").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |part: &str| {
            let part: String = part.chars().take(40).collect();
            format!(
                "\"{part}\" is not a day; write for example mon-fri or sat,sun (mon tue wed thu fri sat sun)"
            )
        };
        let day = |name: &str| {
            let name = name.trim().to_ascii_lowercase();
            let known = DAY_NAMES.iter().zip(LONG_NAMES);
            known
                .into_iter()
                .position(|(short, long)| *short == name || long == name)
                .ok_or_else(|| wrong(&name))
        };
        if text.trim().eq_ignore_ascii_case("daily") {
            return Ok(Self::ALL);
        }
        let mut mask = 0;
        for part in text.split(',') {
            let (first, last) = match part.split_once(['-', ':']) {
                Some((first, last)) => (day(first)?, day(last)?),
                None => (day(part)?, day(part)?),
            };
            let mut at = first;
            mask |= 1 << at;
            while at != last {
                at = (at + 1) % 7;
                mask |= 1 << at;
            }
        }
        Ok(Self(mask))
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the weekday of `date` is one of them.
    #[must_use]
    pub fn contains(self, date: Date) -> bool {
        self.0 & (1 << date.weekday().to_monday_zero_offset()) != 0
    }
}

impl std::fmt::Display for Days {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = DAY_NAMES
            .iter()
            .enumerate()
            .filter(|(at, _)| self.0 & (1 << at) != 0)
            .map(|(_, name)| *name)
            .collect();
        f.write_str(&names.join(","))
    }
}

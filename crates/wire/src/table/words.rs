//! Words in dates: months, days of the week and abbreviations of time zones, in the languages that spreadsheets are set to.

const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen"],
    &["feb", "fév", "fev"],
    &["mar", "mär", "mrz", "maa"],
    &["apr", "avr", "abr"],
    &["may", "mai", "mei", "mag"],
    &["jun", "juin", "giu"],
    &["jul", "juil", "lug"],
    &["aug", "aou", "aoû", "ago"],
    &["sep", "set"],
    &["oct", "okt", "out", "ott"],
    &["nov"],
    &["dec", "dez", "déc", "dic"],
];
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Those of other languages that are no beginning of a month.
const DAYS_OF_OTHERS: [&str; 26] = [
    "mo",
    "di",
    "mi",
    "do",
    "fr",
    "sa",
    "so",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
    "lun",
    "lundi",
    "mer",
    "mercredi",
    "jeu",
    "jeudi",
    "ven",
    "vendredi",
    "sam",
    "samedi",
    "dim",
    "dimanche",
    "mardi",
];

/// Offsets in hours of what RFC 2822 writes, and of abbreviations that mean one thing only.
pub(super) const ZONES: [(&str, i64); 29] = [
    ("Z", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("WEST", 1),
    ("CET", 1),
    ("MEZ", 1),
    ("CEST", 2),
    ("MESZ", 2),
    ("EET", 2),
    ("EEST", 3),
    ("MSK", 3),
    ("SGT", 8),
    ("HKT", 8),
    ("JST", 9),
    ("KST", 9),
    ("AEST", 10),
    ("AEDT", 11),
    ("NZST", 12),
    ("NZDT", 13),
    ("HST", -10),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
];

/// The month that a word begins like; at least three letters.
pub(super) fn month(word: &str) -> Option<i16> {
    let word = word.to_lowercase();
    let at = MONTHS.iter().position(|names| {
        names.iter().any(|name| word.starts_with(name)) && word.chars().count() <= "september".len()
    })?;
    // "marzo" and "mars" are March, "mai" and "maio" May, "juin" June.
    Some(at as i16 + 1)
}

/// Whether a word in lower case is a day of the week.
pub(super) fn is_weekday(word: &str) -> bool {
    WEEKDAYS.iter().any(|day| word.starts_with(day)) || DAYS_OF_OTHERS.contains(&word)
}

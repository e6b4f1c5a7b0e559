//! Times whose year, month, day and so on have a column each.

use std::ops::RangeInclusive;

use ::csv::ByteRecord;

use super::rows::cell;
use super::seen::{Seen, text_of};

/// What such columns are called, and what they hold. Year and month have to be there. `min` is a minimum more often.
const PARTS: [(&[&str], RangeInclusive<u16>); 6] = [
    (&["year", "yr", "yyyy", "jahr", "année", "annee", "año", "anno"], 1900..=2199),
    (&["month", "mon", "mo", "mm", "monat", "mois", "mes", "mese"], 1..=12),
    (&["day", "dy", "dd", "tag", "jour", "dia", "día", "giorno", "day of month"], 1..=31),
    (&["hour", "hours", "hr", "hh", "stunde", "heure", "hora", "ora"], 0..=24),
    (&["minute", "minutes"], 0..=59),
    (&["second", "seconds", "sekunde", "seconde", "segundo"], 0..=59),
];

/// The columns of year, month, day, hour, minute and second, as far as there are some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts([Option<usize>; 6]);

impl Parts {
    /// Those among the `free` columns; `None` unless there are a year and a month.
    pub(super) fn find(names: &[String], seen: &[Seen], free: &[usize]) -> Option<Self> {
        let mut goes_on = true;
        let found = PARTS.map(|(called, range)| {
            let is_called = |at: &&usize| called.contains(&names[**at].trim().to_lowercase().as_str());
            let holds = |at: &&usize| {
                seen[**at].texts.iter().all(|text| whole(text).is_some_and(|it| range.contains(&it)))
            };
            let at = free.iter().find(|at| is_called(at) && seen[**at].n_filled > 0 && holds(at)).copied();
            // A minute means nothing where the hour is not known.
            goes_on &= at.is_some();
            at.filter(|_| goes_on)
        });
        (found[0].is_some() && found[1].is_some()).then_some(Self(found))
    }

    /// The column of the years.
    pub(super) const fn year(self) -> Option<usize> {
        self.0[0]
    }

    /// All of them.
    pub(super) fn columns(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().flatten()
    }

    /// What a row says in them, as one time.
    pub(super) fn text(self, row: &ByteRecord) -> String {
        let part = |at: usize, without: u16| match self.0[at] {
            None => format!("{without:02}"),
            Some(column) => {
                let text = text_of(cell(row, column));
                // What is no number is shown, and refused, as it stands.
                whole(&text).map_or_else(|| text.trim().to_owned(), |number| format!("{number:02}"))
            }
        };
        let [year, month, day] = [part(0, 0), part(1, 1), part(2, 1)];
        format!("{year}-{month}-{day} {}:{}:{}", part(3, 0), part(4, 0), part(5, 0))
    }
}

/// `5`, `05` and `5.0`.
fn whole(text: &str) -> Option<u16> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    fraction.bytes().all(|byte| byte == b'0').then(|| whole.parse().ok())?
}

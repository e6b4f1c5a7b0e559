//! Numbers as people write them: thousands separators, decimal commas, currencies, units.
//!
//! How a column writes them is decided by all of its cells at the start of the table: `1,234` alone may be a
//! thousand or one and a bit.

use crate::report::shown;

/// What people write where there is no value.
const GAPS: [&str; 31] = [
    "",
    "nan",
    "-nan",
    "null",
    "(null)",
    "na",
    "n/a",
    "n.a.",
    "k.a.",
    "<na>",
    "none",
    "nil",
    "nat",
    "-",
    "--",
    "---",
    "–",
    "—",
    "?",
    "\\n",
    "missing",
    "undefined",
    "no data",
    "nodata",
    "#n/a",
    "#nv",
    "#div/0!",
    "#value!",
    "#wert!",
    "#ref!",
    "#bezug!",
];

/// Signs and codes that stand before an amount.
const CURRENCIES: [&str; 20] = [
    "US$", "A$", "C$", "HK$", "NZ$", "S$", "R$", "$", "€", "£", "¥", "₹", "₩", "₽", "EUR", "USD", "GBP",
    "CHF", "JPY", "kr",
];

/// The character before the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decimal {
    /// 1,234.5
    #[default]
    Point,
    /// 1.234,5
    Comma,
}

impl Decimal {
    const fn sign(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }
}

/// Whether the cell says that there is no value.
pub(super) fn is_gap(cell: &str) -> bool {
    let cell = cell.trim();
    cell.len() <= "undefined".len() && GAPS.iter().any(|gap| cell.eq_ignore_ascii_case(gap))
}

/// A cell taken apart: `-$1,234.50 per` and the like.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Apart<'a> {
    is_negative: bool,
    /// Digits and separators.
    body: &'a str,
    unit: &'a str,
}

fn take_apart(cell: &str) -> Option<Apart<'_>> {
    let mut rest = cell.trim();
    let mut is_negative = false;
    if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        (is_negative, rest) = (true, inner.trim());
    } else if let Some(inner) = rest.strip_suffix(['-', '−']) {
        // As SAP and other ledgers write it: `1.234,50-`.
        (is_negative, rest) = (true, inner.trim_end());
    }
    let mut currency = "";
    for _ in 0..2 {
        if let Some(after) = rest.strip_prefix(['-', '−']) {
            if is_negative {
                return None;
            }
            (is_negative, rest) = (true, after.trim_start());
        } else if let Some(after) = rest.strip_prefix('+') {
            rest = after.trim_start();
        }
        let sign = CURRENCIES.iter().find(|sign| currency.is_empty() && rest.starts_with(**sign));
        if let Some(sign) = sign {
            (currency, rest) = (sign, rest[sign.len()..].trim_start());
        }
    }
    if !rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | ',')) {
        return None;
    }
    let is_body = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',') || is_group_sign(c);
    let end = rest.find(|c: char| !is_body(c)).unwrap_or(rest.len());
    let body = rest[..end].trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = rest[body.len()..].trim();
    let is_unit = |c: char| c.is_alphabetic() || "%‰°/µ·*²³^$€£¥_".contains(c);
    let is_unit = unit.chars().count() <= 12 && unit.chars().all(is_unit);
    let unit = if unit.is_empty() { currency } else { unit };
    (is_unit && !body.is_empty()).then_some(Apart { is_negative, body, unit })
}

/// What separates thousands beside point and comma.
const fn is_group_sign(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '’' | '_')
}

/// Whether `digits` are groups of three (in India the higher ones of two) with one separator between them.
fn are_groups(digits: &str, separator: char) -> bool {
    let groups: Vec<&str> = digits.split(separator).collect();
    let is_whole = |group: &&str| group.bytes().all(|byte| byte.is_ascii_digit());
    let [first, middle @ .., last] = &groups[..] else { return false };
    groups.iter().all(is_whole)
        && (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && last.len() == 3
        && (middle.iter().all(|group| group.len() == 3)
            || (first.len() <= 2 && middle.iter().all(|group| group.len() == 2)))
}

/// The value of digits that have this decimal sign; `None` when they are grouped otherwise.
fn value(body: &str, decimal: Decimal) -> Option<f64> {
    let (whole, fraction) = body.split_once(decimal.sign()).unwrap_or((body, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = match whole.find(|c: char| !c.is_ascii_digit()) {
        None => whole.to_owned(),
        Some(at) => {
            let separator = whole[at..].chars().next()?;
            are_groups(whole, separator).then(|| whole.replace(separator, ""))?
        }
    };
    format!("{digits}.{fraction}0").parse().ok()
}

/// What a column's cells were seen to hold.
#[derive(Debug, Clone, Default)]
pub(super) struct NumbersSeen {
    pub(super) n_numbers: usize,
    /// Cells that only a decimal point, or only a decimal comma, explains.
    pub(super) decimals: [usize; 2],
    /// The first such as `1,234`, which may be either.
    open_comma: Option<String>,
    /// The first such as `1.234`.
    open_point: Option<String>,
    /// What stands behind numbers other than zero, which is often written without.
    units: Vec<(String, usize)>,
}

impl NumbersSeen {
    /// Looks at one cell that is no gap; whether it may be a number.
    pub(super) fn see(&mut self, cell: &str) -> bool {
        let cell = cell.trim();
        if with_comma(cell).is_some() {
            self.decimals[1] += 1;
            self.n_numbers += 1;
            return true;
        }
        if let Some(apart) = take_apart(cell) {
            let hint = hint(apart.body);
            let readable =
                [Decimal::Point, Decimal::Comma].map(|decimal| value(apart.body, decimal).is_some());
            if !readable.contains(&true) {
                return false;
            }
            match hint {
                Hint::Sure(decimal) => self.decimals[usize::from(decimal == Decimal::Comma)] += 1,
                Hint::Open(Decimal::Comma) => keep_first(&mut self.open_comma, cell),
                Hint::Open(Decimal::Point) => keep_first(&mut self.open_point, cell),
                Hint::None => {}
            }
            if apart.body.contains(|c: char| matches!(c, '1'..='9')) {
                self.see_unit(apart.unit);
            }
        } else if !is_plain(cell) {
            return false;
        }
        self.n_numbers += 1;
        true
    }

    fn see_unit(&mut self, unit: &str) {
        let n_units = self.units.len();
        match self.units.iter_mut().find(|(known, _)| known == unit) {
            Some((_, count)) => *count += 1,
            None if n_units < 16 => self.units.push((unit.to_owned(), 1)),
            None => {}
        }
    }

    /// How the column writes numbers; `table` is what the other columns write, or else the separator suggests.
    pub(super) fn form(&self, table: TableDecimal) -> NumberForm {
        let own = match self.decimals {
            [0, 0] => None,
            [points, commas] => Some(if commas > points { Decimal::Comma } else { Decimal::Point }),
        };
        let unit = self.units.iter().rev().max_by_key(|(_, count)| *count).map(|(unit, _)| unit.as_str());
        let n_all: usize = self.units.iter().map(|(_, count)| count).sum();
        let scales: Option<Vec<&str>> =
            self.units.iter().map(|(unit, _)| scale(unit).map(|(_, base)| base)).collect();
        // Zero is often written without a unit.
        let is_mixed = self.units.iter().filter(|(_, count)| count * 50 > n_all).count() > 1;
        let is_scaled =
            is_mixed && scales.is_some_and(|bases| bases.windows(2).all(|pair| pair[0] == pair[1]));
        let (decimal, is_told) = match (own, table) {
            (Some(decimal), _) | (None, TableDecimal::Told(decimal)) => (decimal, true),
            (None, TableDecimal::Guessed(decimal)) => (decimal, false),
        };
        let grouped = match decimal {
            Decimal::Point => &self.open_comma,
            Decimal::Comma => &self.open_point,
        };
        NumberForm {
            decimal,
            taken_for_thousands: grouped.clone().filter(|_| !is_told),
            unit: unit.unwrap_or_default().to_owned(),
            is_half_bare: is_mixed && !is_scaled && self.units.iter().any(|(unit, _)| unit.is_empty()),
            is_scaled,
            is_size: unit.and_then(scale).is_some_and(|(factor, base)| base.is_empty() && factor > 1.0),
        }
    }
}

fn keep_first(kept: &mut Option<String>, cell: &str) {
    kept.get_or_insert_with(|| cell.to_owned());
}

/// What stands before decimals in a table, as far as one column needs to know it.
#[derive(Debug, Clone, Copy)]
pub(super) enum TableDecimal {
    /// Other columns, or the user, say so.
    Told(Decimal),
    /// Nothing says so.
    Guessed(Decimal),
}

enum Hint {
    None,
    Sure(Decimal),
    /// `1,234` or `1.234`: before decimals, or between thousands.
    Open(Decimal),
}

fn hint(body: &str) -> Hint {
    let count = |sign| body.matches(sign).count();
    let after = |sign| body.rsplit(sign).next().map_or(0, str::len);
    match (count(','), count('.')) {
        (0, 0) => Hint::None,
        (0, 1) if are_groups(body, '.') => Hint::Open(Decimal::Point),
        (0, 1) => Hint::Sure(Decimal::Point),
        (0, _) => Hint::Sure(Decimal::Comma),
        (1, 0) if are_groups(body, ',') => Hint::Open(Decimal::Comma),
        (1, 0) => Hint::Sure(Decimal::Comma),
        (_, 0) => Hint::Sure(Decimal::Point),
        _ if after(',') < after('.') => Hint::Sure(Decimal::Comma),
        _ => Hint::Sure(Decimal::Point),
    }
}

/// A number with a decimal comma and a power of ten: `1,5E+03`.
fn with_comma(cell: &str) -> Option<f64> {
    let (mantissa, exponent) = cell.split_once(['e', 'E'])?;
    let (whole, fraction) = mantissa.split_once(',')?;
    fraction.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    format!("{whole}.{fraction}e{exponent}").parse().ok().filter(|number: &f64| number.is_finite())
}

/// A number as programs write it.
fn is_plain(cell: &str) -> bool {
    cell.parse::<f64>().is_ok()
}

/// How a column writes its numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct NumberForm {
    pub(super) decimal: Decimal,
    /// A cell whose only separator is taken for one of thousands, though nothing told.
    pub(super) taken_for_thousands: Option<String>,
    /// What stands behind (or before) most of them.
    pub(super) unit: String,
    /// Whether many have a unit and many have none.
    pub(super) is_half_bare: bool,
    /// Whether units differ in size only, and are made one.
    pub(super) is_scaled: bool,
    /// Whether the unit is nothing but a size, as in `12k`, of which a number without it is a part.
    pub(super) is_size: bool,
}

impl NumberForm {
    /// A cell's number; NaN for a gap.
    pub(super) fn read(&self, cell: &str) -> Result<f64, String> {
        let cell = cell.trim();
        if self.decimal == Decimal::Point
            && !self.is_scaled
            && !self.is_size
            && let Ok(number) = cell.parse::<f64>()
        {
            return if number.is_infinite() {
                Err(format!("\"{}\" is not a finite number; leave the cell empty for a gap", shown(cell)))
            } else {
                Ok(number)
            };
        }
        if is_gap(cell) {
            return Ok(f64::NAN);
        }
        let wrong = |what: &str| Err(format!("\"{}\" {what}", shown(cell)));
        let Some(apart) = take_apart(cell) else {
            return match with_comma(cell).map_or_else(|| cell.parse::<f64>(), Ok) {
                Ok(number) if number.is_finite() => Ok(number),
                _ => wrong("is not a number; leave the cell empty for a gap"),
            };
        };
        let Some(number) = value(apart.body, self.decimal) else {
            return wrong(match self.decimal {
                Decimal::Point => {
                    "is not a number where the others have a decimal point (--decimal comma reads commas as decimals)"
                }
                Decimal::Comma => {
                    "is not a number where the others have a decimal comma (--decimal point reads points as decimals)"
                }
            });
        };
        let factor = match scale(apart.unit) {
            Some((factor, _)) if self.is_scaled => factor,
            _ if apart.unit == self.unit => 1.0,
            found => match self.in_own_unit(found) {
                Some(factor) => factor,
                None if apart.unit.is_empty() => 1.0,
                None if self.unit.is_empty() => {
                    return wrong(&format!(
                        "has the unit {}, and the other cells have none",
                        shown(apart.unit)
                    ));
                }
                None => {
                    return wrong(&format!("has another unit than the column's {}; convert it", self.unit));
                }
            },
        };
        // By whole numbers where there is one, for a thousandth is no exact number.
        let number = if factor < 1.0 { number / nearly_whole(1.0 / factor) } else { number * factor };
        Ok(if apart.is_negative { -number } else { number })
    }

    /// How many of the column's unit one of these is, where they differ in size only: what is usually seconds may be
    /// milliseconds once, long after the rows that tell the column's unit.
    fn in_own_unit(&self, found: Option<Scale<'_>>) -> Option<f64> {
        one_in(found?, scale(&self.unit)?)
    }
}

/// How many of the second unit one of the first is. A lone `m` may be metres or minutes as well, and is no thousandth of
/// what has no unit.
fn one_in((factor, base): Scale<'_>, (own, own_base): Scale<'_>) -> Option<f64> {
    (base == own_base && (!base.is_empty() || factor.min(own) >= 1.0)).then_some(factor / own)
}

/// The nearest whole number, unless it is another one.
fn nearly_whole(number: f64) -> f64 {
    let whole = number.round();
    if (number - whole).abs() < 1e-9 * whole { whole } else { number }
}

/// A factor, and the unit that it counts.
type Scale<'a> = (f64, &'a str);

/// How many of its base unit a unit is.
fn scale(unit: &str) -> Option<Scale<'_>> {
    const TIMES: [(&str, f64); 12] = [
        ("sec", 1.0),
        ("seconds", 1.0),
        ("min", 60.0),
        ("mins", 60.0),
        ("minutes", 60.0),
        ("h", 3_600.0),
        ("hr", 3_600.0),
        ("hour", 3_600.0),
        ("hours", 3_600.0),
        ("d", 86_400.0),
        ("day", 86_400.0),
        ("days", 86_400.0),
    ];
    const BASES: [&str; 13] = ["", "s", "B", "b", "B/s", "b/s", "bps", "Bps", "W", "Wh", "Hz", "V", "A"];
    const PREFIXES: [(&str, f64); 13] = [
        ("n", 1e-9),
        ("µ", 1e-6),
        ("μ", 1e-6),
        ("u", 1e-6),
        ("m", 1e-3),
        ("Ki", 1_024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("k", 1e3),
        ("K", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
    ];
    if let Some((_, factor)) = TIMES.iter().find(|(name, _)| *name == unit) {
        return Some((*factor, "s"));
    }
    if let Some(base) = BASES.iter().find(|base| **base == unit) {
        return Some((1.0, base));
    }
    PREFIXES.iter().find_map(|(prefix, factor)| {
        let base = unit.strip_prefix(prefix)?;
        BASES.iter().find(|known| **known == base).map(|base| (*factor, *base))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESS: TableDecimal = TableDecimal::Guessed(Decimal::Point);

    fn read(cells: &[&str]) -> Vec<Option<f64>> {
        let mut seen = NumbersSeen::default();
        for cell in cells.iter().filter(|cell| !is_gap(cell)) {
            seen.see(cell);
        }
        let form = seen.form(GUESS);
        cells.iter().map(|cell| form.read(cell).ok()).collect()
    }

    #[track_caller]
    fn check(cells: &[&str], expected: &[f64]) {
        let expected: Vec<Option<f64>> = expected.iter().copied().map(Some).collect();
        assert_eq!(read(cells), expected, "{cells:?}");
    }

    #[test]
    fn a_column_says_how_it_writes_numbers() {
        check(&["1.5", "-2e3", " 7 "], &[1.5, -2e3, 7.0]);
        check(&["118,976.48", "1,234", "12"], &[118_976.48, 1_234.0, 12.0]);
        check(&["1.189,76", "1.234", "12"], &[1_189.76, 1_234.0, 12.0]);
        check(&["1189,76", "1233,5"], &[1_189.76, 1_233.5]);
        check(&["0,125", "1,250"], &[0.125, 1.25]);
        check(&["1,234,567", "1,234"], &[1_234_567.0, 1_234.0]);
        check(&["12,34,567.5"], &[1_234_567.5]);
        check(&["1 234,5", "1\u{a0}234,5", "1\u{202f}234,5"], &[1_234.5; 3]);
        check(&["1'234.50", "1’234.50"], &[1_234.5; 2]);
        check(&["$1,234.50", "-$5.00", "$-5.00", "($5.00)"], &[1_234.5, -5.0, -5.0, -5.0]);
        check(&["1.234,50 €", "−5,00 €"], &[1_234.5, -5.0]);
        check(&["12-", "1.234,50-", "7,25 -", "3"], &[-12.0, -1_234.5, -7.25, 3.0]);
        check(&["1190 ms", "1234ms", "0"], &[1_190.0, 1_234.0, 0.0]);
        check(&["23.8%", "24.7 %"], &[23.8, 24.7]);
        check(&[".5", "1."], &[0.5, 1.0]);
        check(&["1,18976E+03", "-2,5e-1"], &[1_189.76, -0.25]);
        check(&["1.234", "2.345"], &[1.234, 2.345]);
    }

    #[test]
    fn units_that_differ_in_size_become_one() {
        check(&["950 ms", "1.2 s", "2 min"], &[0.95, 1.2, 120.0]);
        check(&["512 KiB", "1 MiB"], &[524_288.0, 1_048_576.0]);
        check(&["950", "1.2k", "3M"], &[950.0, 1_200.0, 3e6]);
        let late = |usual: &'static str, last: &'static str| {
            let cells: Vec<&str> = std::iter::repeat_n(usual, 99).chain([last]).collect();
            read(&cells)[99]
        };
        assert_eq!(late("5 kg", "5 lb"), None);
        // Into the unit that nearly all have.
        assert_eq!(late("1.2 s", "950 ms"), Some(0.95));
        assert_eq!(late("2 MiB", "512KiB"), Some(0.5));
        assert_eq!(late("2 h", "30 min"), Some(0.5));
        assert_eq!(late("1.2k", "950"), Some(0.95));
        assert_eq!(late("1.2k", "0"), Some(0.0));
        assert_eq!(late("950", "1.2k"), Some(1_200.0));
        assert_eq!(late("5 m", "3"), Some(3.0)); // metres, or minutes
        assert_eq!(late("5 ms", "3"), Some(3.0));
        assert_eq!(late("950", "5m"), None);
        assert_eq!(read(&["900", "12o", "0"]), [Some(900.0), None, Some(0.0)]);
        check(&["0", "0", "0", "5 ms", "0"], &[0.0, 0.0, 0.0, 5.0, 0.0]);
    }

    #[test]
    fn half_a_column_without_its_unit_is_told() {
        let is_half_bare = |cells: &[&str]| {
            let mut seen = NumbersSeen::default();
            cells.iter().for_each(|cell| assert!(seen.see(cell)));
            seen.form(GUESS).is_half_bare
        };
        assert!(is_half_bare(&["90%", "0.9"]));
        assert!(!is_half_bare(&["90%", "0", "80 %"]));
        assert!(!is_half_bare(&["900", "1.2k"]));
    }

    #[test]
    fn what_is_no_number() {
        for cell in [
            "",
            "host1",
            "10.0.0.1",
            "2025-10-20",
            "14:00",
            "1,2,3",
            "5b3f",
            "1.2.3",
            "5 of 7",
            "inf",
            "-5-",
            "(5-)",
            "5--",
        ] {
            let mut seen = NumbersSeen::default();
            let form = seen.form(GUESS);
            let is_number = seen.see(cell) && form.read(cell).is_ok();
            assert!(!is_number, "{cell}");
        }
    }

    #[test]
    fn what_is_taken_for_thousands_is_told() {
        let form = |cell: &str, table| {
            let mut seen = NumbersSeen::default();
            seen.see(cell);
            let form = seen.form(table);
            (form.read(cell), form.taken_for_thousands)
        };
        let (told, guess) = (TableDecimal::Told, TableDecimal::Guessed);
        assert_eq!(form("1,234", guess(Decimal::Point)), (Ok(1_234.0), Some("1,234".to_owned())));
        assert_eq!(form("1,234", told(Decimal::Point)), (Ok(1_234.0), None));
        assert_eq!(form("1,234", told(Decimal::Comma)), (Ok(1.234), None));
        assert_eq!(form("1.234", guess(Decimal::Comma)), (Ok(1_234.0), Some("1.234".to_owned())));
        assert_eq!(form("1.234", guess(Decimal::Point)), (Ok(1.234), None));
        assert_eq!(form("0.900", guess(Decimal::Comma)), (Ok(0.9), None));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_answered(text in proptest::prelude::any::<String>()) {
            let mut seen = NumbersSeen::default();
            seen.see(&text);
            let _ = seen.form(GUESS).read(&text);
        }

        #[test]
        fn plain_numbers_stay_what_they_are(number in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            let text = number.to_string();
            let mut seen = NumbersSeen::default();
            proptest::prop_assert!(seen.see(&text));
            proptest::prop_assert_eq!(seen.form(GUESS).read(&text), Ok(number));
        }
    }
}

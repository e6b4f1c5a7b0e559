//! Days of the month that are always different: the last one, on which everybody is paid, or the first.

const DAY_MS: i64 = 86_400_000;
/// Months in a row that have to agree.
const MONTHS: usize = 3;
/// How different such a day has to be, as a factor.
const DIFFERENT: f64 = 1.2;

/// No day is taken for more different than this.
const MOST: f64 = 100.0;

/// How many times the usual the last months had on each day, counted from the first of the month and from its last.
#[derive(Debug, Clone)]
pub(super) struct Months {
    from_first: [Ratios; 31],
    from_last: [Ratios; 31],
    /// The day we are in, counted from 1970, and the sums of what came and of what was usual.
    today: Option<(i64, f64, f64)>,
    /// The factor of a day when it was last asked for.
    asked: Option<(i64, f64)>,
}

/// The newest ones; 0 where there is none.
type Ratios = [f32; MONTHS];

impl Default for Months {
    fn default() -> Self {
        let none = [[0.0; MONTHS]; 31];
        Self { from_first: none, from_last: none, today: None, asked: None }
    }
}

impl Months {
    /// How many times the usual is to be expected today: 1 unless the last months agree.
    pub(super) fn factor(&mut self, time_ms: i64) -> f64 {
        let day = time_ms.div_euclid(DAY_MS);
        match self.asked {
            Some((asked, factor)) if asked == day => factor,
            _ => {
                let (first, last) = positions(day);
                let factor =
                    agreed(self.from_last[last]).or_else(|| agreed(self.from_first[first])).unwrap_or(1.0);
                self.asked = Some((day, factor));
                factor
            }
        }
    }

    /// Takes in a value, and what other days have at this time.
    pub(super) fn learn(&mut self, time_ms: i64, y: f64, usual: f64) {
        let day = time_ms.div_euclid(DAY_MS);
        self.today = Some(match self.today.take() {
            Some((today, sum, usually)) if today == day => (day, sum + y, usually + usual),
            ended => {
                if let Some(ended) = ended {
                    self.end(ended);
                }
                (day, y, usual)
            }
        });
    }

    fn end(&mut self, (day, sum, usually): (i64, f64, f64)) {
        let ratio =
            if sum > 0.0 && usually > 0.0 { (sum / usually).clamp(1.0 / MOST, MOST) as f32 } else { 1.0 };
        let (first, last) = positions(day);
        for ratios in [&mut self.from_first[first], &mut self.from_last[last]] {
            ratios.rotate_right(1);
            ratios[0] = ratio;
        }
    }
}

/// The ratio nearest to 1, where all are off to the same side.
fn agreed(ratios: Ratios) -> Option<f64> {
    let ratios = ratios.map(f64::from);
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    if least > DIFFERENT {
        return Some(least);
    }
    (least > 0.0 && most < 1.0 / DIFFERENT).then_some(most)
}

/// How many days a day, counted from 1970, is after the first of its month and before the last.
///
/// The calendar is counted in years that begin in March, so that the leap day is the last of one.
fn positions(day: i64) -> (usize, usize) {
    const ERA: i64 = 146_097; // days of 400 years
    let of_era = (day + 719_468).rem_euclid(ERA);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let begins = |month: i64| (153 * month + 2) / 5;
    let is_leap = (year + 1) % 4 == 0 && ((year + 1) % 100 != 0 || (year + 1) % 400 == 0);
    let length = if month < 11 { begins(month + 1) - begins(month) } else { 28 + i64::from(is_leap) };
    let first = of_year - begins(month);
    (first as usize, (length - 1 - first) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_months() {
        #[track_caller]
        fn check(date: &str, expected: (usize, usize)) {
            let midnight = format!("{date}T00:00Z").parse::<jiff::Timestamp>().unwrap();
            assert_eq!(positions(midnight.as_second().div_euclid(86_400)), expected, "{date}");
        }
        check("1970-01-01", (0, 30));
        check("1969-12-31", (30, 0));
        check("2024-02-28", (27, 1));
        check("2024-02-29", (28, 0));
        check("2026-02-28", (27, 0));
        check("2100-02-28", (27, 0));
        check("2000-02-29", (28, 0));
        check("2026-04-30", (29, 0));
        check("2026-03-01", (0, 30));
    }

    #[test]
    fn three_months_agree() {
        let mut months = Months::default();
        let mut factors = Vec::new();
        for day in 0..150 {
            let (_, last) = positions(day);
            factors.push(months.factor(day * DAY_MS));
            months.learn(day * DAY_MS, if last == 0 { 30.0 + day as f64 / 10.0 } else { 10.0 }, 10.0);
        }
        let different: Vec<usize> = (0..150).filter(|day| factors[*day] != 1.0).collect();
        assert_eq!(different, [119]); // 30 April; the ratios before were 3.3, 3.58 and 3.89
        assert!((factors[119] - 3.3).abs() < 1e-6);
    }
}

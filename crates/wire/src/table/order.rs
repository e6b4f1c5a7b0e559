//! Whether days or months come first, which the whole column tells.

use jiff::civil;

use super::written::{Date, DateOrder, days_since_1970};
use crate::report::shown;

/// A cell, and the line it is in.
pub(super) type Cell = (u64, String);

/// What a column tells of the order of day and month.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Order<'a> {
    /// It tells it.
    Known(DateOrder),
    /// No date depends on it.
    Indifferent,
    /// Nothing tells it; a cell that depends on it.
    Open(&'a Cell),
    /// Some cells are dates in one order only, and some in another.
    Mixed((DateOrder, &'a Cell), (DateOrder, &'a Cell)),
}

/// What tells which of day, month and year comes first.
#[derive(Debug, Clone, Default)]
pub(super) struct OrderSeen {
    /// A cell whose order matters.
    example: Option<Cell>,
    /// Cells that are a date with the day, the month or the year first.
    n_valid: [usize; 3],
    /// Cells that are a date in this order only, and the first of them.
    n_only: [usize; 3],
    only: [Option<Cell>; 3],
    /// Steps from one day to the next or the one after it, in each order.
    n_steady: [usize; 3],
    n_with_clock: usize,
    last: [Option<civil::Date>; 3],
}

pub(super) const ORDERS: [DateOrder; 3] = [DateOrder::DayFirst, DateOrder::MonthFirst, DateOrder::YearFirst];

impl OrderSeen {
    pub(super) fn see(&mut self, line: u64, cell: &str, date: Date, clock_ms: Option<i64>) {
        let Date::Ordered { .. } = date else { return };
        let dates = ORDERS.map(|order| date.in_order(order));
        let mut valid: Vec<civil::Date> = dates.into_iter().flatten().collect();
        let is_only = valid.len() == 1;
        valid.dedup();
        if valid.len() > 1 && self.example.is_none() {
            self.example = Some((line, shown(cell)));
        }
        self.n_with_clock += usize::from(clock_ms.is_some());
        for (at, date) in dates.into_iter().enumerate() {
            let Some(date) = date else { continue };
            self.n_valid[at] += 1;
            if is_only {
                self.n_only[at] += 1;
                self.only[at].get_or_insert_with(|| (line, shown(cell)));
            }
            let last = self.last[at].replace(date);
            let step = last.map_or(0, |last| (days_since_1970(date) - days_since_1970(last)).abs());
            self.n_steady[at] += usize::from((1..=2).contains(&step));
        }
    }

    /// The order that makes dates of most cells, or in which these follow one another.
    pub(super) fn decide(&self) -> Order<'_> {
        if let Some(mixed) = self.mixed() {
            return mixed;
        }
        let most = self.n_valid.iter().max().copied().unwrap_or(0);
        let possible: Vec<usize> = (0..3).filter(|at| most > 0 && self.n_valid[*at] == most).collect();
        if let [only] = possible[..] {
            return Order::Known(ORDERS[only]);
        }
        let steadiest = possible.iter().copied().max_by_key(|at| self.n_steady[*at]);
        let is_alone = |at: &usize| {
            possible.iter().all(|other| other == at || self.n_steady[*other] < self.n_steady[*at])
        };
        // Days without a time of day may as well be the first of each month.
        let is_open = self.n_with_clock == 0 && possible.starts_with(&[0, 1]);
        match (steadiest.filter(is_alone).filter(|_| !is_open), &self.example) {
            (Some(at), _) => Order::Known(ORDERS[at]),
            (None, Some(cell)) => Order::Open(cell),
            (None, None) => Order::Indifferent,
        }
    }

    /// Two orders that both explain cells which the other does not, unless those of one are few: mistakes.
    fn mixed(&self) -> Option<Order<'_>> {
        let mut by_count = [0, 1, 2];
        by_count.sort_by_key(|at| std::cmp::Reverse(self.n_only[*at]));
        let [most, next, _] = by_count;
        let of = |at: usize| Some((ORDERS[at], self.only[at].as_ref()?));
        let is_mixed = self.n_only[next] * 20 > self.n_only[most];
        if is_mixed { Some(Order::Mixed(of(most)?, of(next)?)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::written;

    #[test]
    fn the_whole_column_tells_day_from_month() {
        #[track_caller]
        fn check(cells: &[&str], expected: &str) {
            let mut seen = OrderSeen::default();
            for (line, cell) in (1..).zip(cells) {
                let written = written::parse(cell).unwrap();
                seen.see(line, cell, written.date.unwrap(), written.clock_ms);
            }
            assert_eq!(format!("{:?}", seen.decide()), expected, "{cells:?}");
        }
        check(&["01/02/2025", "13/02/2025"], "Known(DayFirst)");
        check(&["01/02/2025", "02/13/2025"], "Known(MonthFirst)");
        check(&["25/12/31"], r#"Open((1, "25/12/31"))"#); // 2025 or 2031?
        check(&["25/12/30", "25/12/31"], "Known(YearFirst)");
        check(&["99/12/31"], "Known(YearFirst)");
        check(&["01/02/2025", "02/02/2025"], r#"Open((1, "01/02/2025"))"#);
        check(&["01/02/2025 23:55", "02/02/2025 00:00"], "Known(DayFirst)");
        check(&["02/01/2025 23:55", "02/02/2025 00:00"], "Known(MonthFirst)");
        check(&["05/05/2025", "06/06/2025"], "Indifferent");
        check(
            &["01/02/2025", "13/02/2025", "02/14/2025"],
            r#"Mixed((DayFirst, (2, "13/02/2025")), (MonthFirst, (3, "02/14/2025")))"#,
        );
        // One in forty is a mistake in a cell.
        let mut cells = vec!["13/02/2025"; 40];
        cells.push("02/13/2025");
        check(&cells, "Known(DayFirst)");
    }
}

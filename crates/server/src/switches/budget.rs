//! How often alerts are wrong about a switch, and how often that is to be expected.
//!
//! Two figures, for two questions. Whether to enforce what is only reported so far goes by what is *expected*, and whoever looked at
//! nothing knows nothing: of decisions that nobody reviewed the same share is taken to be wrong as of the others, with one wrong
//! and one right one more (Laplace's rule of succession), so half of all where none was reviewed. Whether to step back from
//! enforcement goes by what is *known* to be wrong, since people who are blocked are heard of, and others are not.

use lanner_core::WrongBudget;
use lanner_core::time::DAY_MS;

use super::decisions::Decision;

/// The decisions of late, counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Account {
    /// Days over which they are counted, 1 or more: those since the first, at most as many as the budget says.
    pub(super) n_days: f64,
    pub(super) n: usize,
    pub(super) n_wrong: usize,
    pub(super) n_right: usize,
    /// Wrong ones of the last 24 hours.
    pub(super) n_wrong_last_day: usize,
    /// Whether the first was a day ago or longer.
    pub(super) has_lasted_a_day: bool,
}

impl Account {
    /// Counts decisions, which are in order of their beginning and may begin a day before what is counted.
    pub(super) fn of<'d>(
        decisions: impl IntoIterator<Item = &'d Decision>,
        budget: WrongBudget,
        now_ms: i64,
    ) -> Self {
        let whole_ms = i64::from(budget.n_days) * DAY_MS;
        let mut account = Self { n_days: 1.0, ..Self::default() };
        for decision in decisions {
            let ago_ms = now_ms - decision.began_ms;
            account.has_lasted_a_day |= ago_ms >= DAY_MS;
            if ago_ms > whole_ms {
                continue;
            }
            account.n_days = account.n_days.max(ago_ms as f64 / DAY_MS as f64);
            account.n += 1;
            let is_wrong = decision.is_wrong();
            account.n_wrong += usize::from(is_wrong);
            account.n_wrong_last_day += usize::from(is_wrong && ago_ms < DAY_MS);
            account.n_right += usize::from(!is_wrong && decision.review.is_some());
        }
        account
    }

    /// How many a day are expected to be wrong.
    pub(super) fn expected_per_day(&self) -> f64 {
        let n_reviewed = self.n_wrong + self.n_right;
        let share = (self.n_wrong + 1) as f64 / (n_reviewed + 2) as f64;
        (self.n_wrong as f64 + share * (self.n - n_reviewed) as f64) / self.n_days
    }

    /// Why what is reported should not be enforced yet, if so.
    pub(super) fn objection(&self, budget: WrongBudget) -> Option<String> {
        let n_open = self.n - self.n_wrong - self.n_right;
        if self.n == 0 {
            return Some(
                "no alert has asked for it yet, so nothing says how often it would be wrong".to_owned(),
            );
        }
        if !self.has_lasted_a_day {
            return Some("the first alert asked for it less than a day ago".to_owned());
        }
        let expected = self.expected_per_day();
        (expected > budget.per_day).then(|| {
            format!(
                "{expected:.1} wrong activations a day are to be expected, more than {}: of {} in {:.1} days {} were wrong, {} \
                 right, and {n_open} nobody has reviewed",
                budget.per_day, self.n, self.n_days, self.n_wrong, self.n_right
            )
        })
    }

    /// Why enforcement ends, if it does.
    pub(super) fn excess(&self, budget: WrongBudget) -> Option<String> {
        let per_day = self.n_wrong as f64 / self.n_days;
        if self.n_wrong_last_day as f64 > budget.per_day {
            return Some(format!(
                "{} of its activations of the last 24 hours were wrong, and {} a day are allowed",
                self.n_wrong_last_day, budget.per_day
            ));
        }
        (per_day > budget.per_day).then(|| {
            format!(
                "{} of its activations of the last {:.1} days were wrong, and {} a day are allowed",
                self.n_wrong, self.n_days, budget.per_day
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switches::decisions::Review;

    const NOW_MS: i64 = 1_767_268_800_000;

    /// Decisions, each so many hours ago, and whether it was wrong, if somebody said.
    fn account(decisions: &[(i64, Option<bool>)], budget: WrongBudget) -> Account {
        let decision = |&(hours, wrong): &(i64, Option<bool>)| Decision {
            id: "block.a".to_owned(),
            version: 1,
            rule: "r".to_owned(),
            values: Vec::new(),
            began_ms: NOW_MS - hours * 3_600_000,
            end_ms: NOW_MS,
            is_enforced: true,
            blocks: false,
            review: wrong.map(|is_wrong| Review { is_wrong, by: "ann".to_owned() }),
        };
        let decisions: Vec<Decision> = decisions.iter().map(decision).collect();
        Account::of(&decisions, budget, NOW_MS)
    }

    #[test]
    fn what_is_expected() {
        let budget = WrongBudget { per_day: 1.0, n_days: 7 };
        #[track_caller]
        fn check(decisions: &[(i64, Option<bool>)], budget: WrongBudget, expected: f64, objection: &str) {
            let account = account(decisions, budget);
            assert!((account.expected_per_day() - expected).abs() < 1e-12, "{account:?}");
            let found = account.objection(budget).unwrap_or_default();
            assert!(found.contains(objection) && found.is_empty() == objection.is_empty(), "{found}");
        }
        check(&[], budget, 0.0, "no alert has asked");
        check(&[(3, Some(false))], budget, 0.0, "less than a day ago");
        // Four in two days, of which nobody reviewed any: half of them.
        check(&[(48, None), (30, None), (20, None), (1, None)], budget, 1.0, "");
        check(
            &[(48, None), (30, None), (20, None), (1, None), (1, None)],
            budget,
            1.25,
            "1.2 wrong activations a day",
        );
        // With three right ones, a fifth of the other two.
        let reviewed = [(48, Some(false)), (30, Some(false)), (20, Some(false)), (1, None), (1, None)];
        check(&reviewed, budget, 0.2, "");
        check(&[(48, Some(true)), (30, Some(true)), (20, Some(true))], budget, 1.5, "3 were wrong");
        // What lies before the days that count says only how long it has lasted.
        let short = WrongBudget { n_days: 1, ..budget };
        check(&[(40, Some(true)), (30, Some(true)), (2, Some(false))], short, 0.0, "");
    }

    #[test]
    fn enforcement_ends() {
        #[track_caller]
        fn check(decisions: &[(i64, Option<bool>)], per_day: f64, excess: &str) {
            let budget = WrongBudget { per_day, n_days: 7 };
            let found = account(decisions, budget).excess(budget).unwrap_or_default();
            assert!(found.contains(excess) && found.is_empty() == excess.is_empty(), "{found}");
        }
        let wrong = Some(true);
        check(&[(2, wrong)], 1.0, "");
        check(&[(2, wrong)], 0.0, "1 of its activations of the last 24 hours");
        check(&[(5, wrong), (2, wrong)], 1.0, "2 of its activations of the last 24 hours");
        // What nobody says is wrong does not end it.
        check(&[(5, None), (4, None), (3, None), (2, None)], 1.0, "");
        check(
            &[(72, wrong), (50, wrong), (30, wrong), (2, wrong)],
            1.0,
            "4 of its activations of the last 3.0 days",
        );
        check(&[(96, wrong), (72, wrong), (30, wrong), (2, wrong)], 1.0, "");
    }
}

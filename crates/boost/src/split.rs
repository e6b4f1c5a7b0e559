//! The best split of one leaf, from its histogram.

use crate::bins::{Bins, Column, MISSING};
use crate::feature::{Kind, Monotone};
use crate::histogram::{Histogram, Sum};
use crate::settings::Settings;
use crate::tree::Test;

/// More codes are not put on the side of few.
const MAX_CODES_IN_A_SET: usize = 32;

/// How many rows' worth of doubt is added when codes are put in order, so that rare ones do not come first.
const CODE_SMOOTHING: f64 = 10.0;

/// How a leaf would be split.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) gain: f64,
    pub(crate) feature: usize,
    pub(crate) test: Test,
    /// The bins that go left.
    pub(crate) is_left: Vec<bool>,
    pub(crate) left: Sum,
    pub(crate) right: Sum,
    pub(crate) monotone: Monotone,
}

/// Between which values the value of a leaf has to be, for features with a direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Bounds {
    pub(crate) const FREE: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };
}

/// Everything that splits of one tree are judged by.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) bins: &'a Bins,
    /// The features in use, in the order of histograms.
    pub(crate) features: &'a [usize],
    pub(crate) monotone: &'a [Monotone],
    pub(crate) settings: &'a Settings,
}

impl Search<'_> {
    /// The best split of a leaf; the first of equals. `None` if none improves it.
    pub(crate) fn best(&self, histogram: &Histogram, sum: Sum, bounds: Bounds) -> Option<Found> {
        let mut best: Option<Found> = None;
        let own = self.gain(sum, self.value(sum, bounds));
        for (&feature, sums) in self.features.iter().zip(&histogram.0) {
            let column = &self.bins.columns[feature];
            let monotone = self.monotone[feature];
            let bar = (own + best.as_ref().map_or(0.0, |best| best.gain)) * (1.0 - ROUNDING);
            let mut scan = Scan { search: self, monotone, sum, bounds, own, bar, best: None };
            match column.kind {
                Kind::Number => scan.number(sums),
                Kind::Category => scan.category(sums),
            }
            if let Some(cut) = scan.best
                && best.as_ref().is_none_or(|best| cut.gain > best.gain)
            {
                best = Some(cut.found(feature, column, self.monotone[feature], sum));
            }
        }
        best
    }

    /// The value of a leaf before it is multiplied with the learning rate.
    pub(crate) fn value(&self, sum: Sum, bounds: Bounds) -> f64 {
        let below = sum.hessian + self.settings.l2;
        let value = if below > 0.0 { -sum.gradient / below } else { 0.0 };
        value.clamp(bounds.low, bounds.high)
    }

    /// How much lower the loss is with `value` than with zero, twice.
    fn gain(&self, sum: Sum, value: f64) -> f64 {
        -(2.0 * sum.gradient * value + (sum.hessian + self.settings.l2) * value * value)
    }
}

/// Where one feature is cut.
struct Cut {
    gain: f64,
    left: Sum,
    place: Place,
}

/// Which bins go left.
enum Place {
    /// Those up to one, with or without missing values.
    UpTo { bin: usize, is_missing_left: bool },
    /// These, of categories.
    Bins(Vec<usize>),
}

impl Place {
    fn is_left(&self, n_bins: usize) -> Vec<bool> {
        let is_left = |at: usize| match self {
            Self::UpTo { is_missing_left, .. } if at == MISSING as usize => *is_missing_left,
            Self::UpTo { bin, .. } => at <= *bin,
            Self::Bins(bins) => bins.contains(&at),
        };
        (0..n_bins).map(is_left).collect()
    }

    fn test(&self, edges: &[f64]) -> Test {
        match self {
            // Behind the last edge: only missing values go right.
            Self::UpTo { bin, .. } => Test::AtMost(edges.get(bin - 1).copied().unwrap_or(f64::MAX)),
            Self::Bins(bins) => {
                let mut codes: Vec<u32> = bins.iter().map(|bin| edges[bin - 1] as u32).collect();
                codes.sort_unstable();
                Test::OneOf(codes)
            }
        }
    }
}

impl Cut {
    fn found(self, feature: usize, column: &Column, monotone: Monotone, sum: Sum) -> Found {
        let test = self.place.test(&column.edges);
        let is_left = self.place.is_left(column.n_bins);
        Found {
            gain: self.gain,
            feature,
            test,
            is_left,
            left: self.left,
            right: sum.minus(self.left),
            monotone,
        }
    }
}

/// Looks through the cuts of one feature.
struct Scan<'a> {
    search: &'a Search<'a>,
    monotone: Monotone,
    sum: Sum,
    bounds: Bounds,
    /// The gain of leaving the leaf whole.
    own: f64,
    /// Below this, both sides together gain less than the best cut so far, of any feature.
    bar: f64,
    best: Option<Cut>,
}

impl Scan<'_> {
    fn number(&mut self, sums: &[Sum]) {
        let missing = sums[MISSING as usize];
        let mut left = Sum::default();
        for bin in 1..sums.len() {
            left = left.plus(sums[bin]);
            let up_to = |is_missing_left| move || Place::UpTo { bin, is_missing_left };
            let is_last = bin + 1 == sums.len();
            let is_rest_small = ((self.sum.n - left.n) as usize) < self.search.settings.min_leaf_rows;
            if is_rest_small || (missing.n == 0 && is_last) {
                break;
            }
            if sums[bin].n == 0 {
                continue;
            }
            // Without missing values here, later ones go where most rows go.
            let is_missing_left = missing.n == 0 && 2 * left.n >= self.sum.n;
            self.offer(left, up_to(is_missing_left));
            if missing.n > 0 && !is_last {
                self.offer(left.plus(missing), up_to(true));
            }
        }
    }

    /// Codes in the order of their mean gradient, cut at each place; the best set is among these (Fisher, "On grouping for
    /// maximum homogeneity", 1958).
    fn category(&mut self, sums: &[Sum]) {
        let mut order: Vec<usize> = (1..sums.len()).filter(|&bin| sums[bin].n > 0).collect();
        let ratio = |bin: usize| sums[bin].gradient / (sums[bin].hessian + CODE_SMOOTHING);
        order.sort_by(|&a, &b| ratio(a).total_cmp(&ratio(b)).then(a.cmp(&b)));
        for from_below in [true, false] {
            let mut left = Sum::default();
            let most = order.len().saturating_sub(usize::from(sums[0].n == 0)).min(MAX_CODES_IN_A_SET);
            for n in 1..=most {
                let taken = if from_below { &order[..n] } else { &order[order.len() - n..] };
                let newest = if from_below { taken[n - 1] } else { taken[0] };
                left = left.plus(sums[newest]);
                self.offer(left, || Place::Bins(taken.to_vec()));
            }
        }
    }

    #[inline]
    fn offer(&mut self, left: Sum, place: impl FnOnce() -> Place) {
        let right = self.sum.minus(left);
        if self.is_allowed(left) && self.is_allowed(right) && self.may_be_best(left, right) {
            self.weigh(left, right, place);
        }
    }

    /// Whether one side of a cut has enough in it.
    #[inline]
    fn is_allowed(&self, side: Sum) -> bool {
        let settings = self.search.settings;
        side.n as usize >= settings.min_leaf_rows && side.hessian >= settings.min_leaf_hessian
    }

    fn weigh(&mut self, left: Sum, right: Sum, place: impl FnOnce() -> Place) {
        let search = self.search;
        let (left_value, right_value) = (search.value(left, self.bounds), search.value(right, self.bounds));
        let is_wrong_way = match self.monotone {
            Monotone::Free => false,
            Monotone::Rising => left_value > right_value,
            Monotone::Falling => left_value < right_value,
        };
        if is_wrong_way {
            return;
        }
        let gain = search.gain(left, left_value) + search.gain(right, right_value) - self.own;
        if gain > MIN_GAIN && self.best.as_ref().is_none_or(|best| gain > best.gain) {
            self.bar = (self.own + gain) * (1.0 - ROUNDING);
            self.best = Some(Cut { gain, left, place: place() });
        }
    }

    /// Whether a cut may gain more than the best so far: what it gains at most, `G²/H` of each side, compared without a division.
    #[inline]
    fn may_be_best(&self, left: Sum, right: Sum) -> bool {
        let l2 = self.search.settings.l2;
        let (left_below, right_below) = (left.hessian + l2, right.hessian + l2);
        let gain = left.gradient * left.gradient * right_below + right.gradient * right.gradient * left_below;
        gain >= self.bar * (left_below * right_below)
    }
}

/// What the gain of a cut may be wrong by, as a share, with room to spare.
const ROUNDING: f64 = 1e-9;

/// Less is rounding.
const MIN_GAIN: f64 = 1e-9;

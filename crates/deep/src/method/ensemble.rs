//! Several methods, each scaled by its own high scores of training, added up: the default.
//!
//! No method wins everywhere, and none says in advance where. These two err differently: one looks at how columns go together
//! over five rows, the other at the course of twenty.

use super::kind::{Fit, Kind, Method, Progress, Rows, scores_of};
use super::{kmeans, mahalanobis};
use crate::store::{Damage, Part, Writer};

pub(super) const KIND: Kind = Kind {
    name: "ensemble",
    about: "what several of the others together find unusual: the default",
    window: 20,
    is_slow: false,
    fit: |rows, fit, _: &mut dyn FnMut(Progress)| Box::new(Ensemble::fit(rows, fit)),
    read: |part, n_columns| Ok(Box::new(Ensemble::read(part, n_columns)?)),
};

const MEMBERS: [&Kind; 2] = [&mahalanobis::KIND, &kmeans::KIND];

/// The score of training that becomes 1.
const HIGH: f64 = 0.99;

#[derive(Debug)]
struct Ensemble {
    n_columns: usize,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    method: Box<dyn Method>,
    /// Its score of training that becomes 1.
    high: f32,
}

impl Ensemble {
    fn fit(rows: &Rows<'_>, fit: &Fit) -> Self {
        let member = |kind: &&Kind| {
            let method =
                (kind.fit)(rows, &Fit { window: kind.window.min(fit.window), ..fit.clone() }, &mut |_| ());
            let mut scores = scores_of(&*method, rows);
            let rank = (scores.len() as f64 * HIGH) as usize;
            let rank = rank.min(scores.len().saturating_sub(1));
            let high =
                if scores.is_empty() { 0.0 } else { *scores.select_nth_unstable_by(rank, f32::total_cmp).1 };
            // Where training hardly differed, the least noise must not be beyond measure.
            let high = high.max(method.floor()).max(1e-6);
            Member { method, high }
        };
        Self { n_columns: rows.n_columns, members: MEMBERS.iter().map(member).collect() }
    }

    fn read(part: &Part<'_>, n_columns: usize) -> Result<Self, Damage> {
        let (_, highs) = part.rows("highs", &[])?;
        if highs.len() != MEMBERS.len() || highs.iter().any(|high| *high <= 0.0) {
            return Err(part.misshapen("highs"));
        }
        let members = MEMBERS.iter().zip(highs).map(|(kind, high)| {
            Ok(Member { method: (kind.read)(&part.inner(kind.name), n_columns)?, high: *high })
        });
        Ok(Self { n_columns, members: members.collect::<Result<_, _>>()? })
    }

    /// The end of a window that a member looks at.
    fn end<'a>(&self, member: &Member, window: &'a [f32]) -> &'a [f32] {
        let length = member.method.window() * self.n_columns;
        window.get(window.len().saturating_sub(length)..).unwrap_or_default()
    }

    fn mean(&self, sum: f32) -> f32 {
        sum / self.members.len() as f32
    }
}

impl Method for Ensemble {
    fn window(&self) -> usize {
        self.members.iter().map(|member| member.method.window()).max().unwrap_or(1)
    }

    fn contributions(&self, window: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0; self.n_columns];
        for member in &self.members {
            let parts = member.method.contributions(self.end(member, window));
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += self.mean(part / member.high));
        }
        sums
    }

    fn score(&self, window: &[f32]) -> f32 {
        let scores =
            self.members.iter().map(|member| member.method.score(self.end(member, window)) / member.high);
        self.mean(scores.sum())
    }

    fn floor(&self) -> f32 {
        self.mean(self.members.iter().map(|member| member.method.floor() / member.high).sum())
    }

    fn write(&self, part: &mut Writer<'_>) {
        let highs: Vec<f32> = self.members.iter().map(|member| member.high).collect();
        part.put("highs", &[highs.len()], &highs);
        for (kind, member) in MEMBERS.iter().zip(&self.members) {
            member.method.write(&mut part.inner(kind.name));
        }
    }
}

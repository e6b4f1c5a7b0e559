//! A session told again from its requests: what was said of it, in full.

use super::judge::Judge;
use super::models::Watch;
use super::{Live, Phase};
use crate::account::{Account, Amount, Unit, Waterfall, largest_first};
use crate::call::Call;
use crate::endpoints::UNKNOWN;
use crate::findings::find;
use crate::ranking::Ranking;
use crate::request::Request;
use crate::session::Session;

impl Live {
    /// Makes a session of all its requests once more, by what is known now. Its graph stands beside what decides: the champion's baseline, or
    /// that of the traffic itself. Nothing is learned. Cost: that of the requests, and of a look at each size at which live sessions are looked
    /// at.
    #[must_use]
    pub fn retell(&self, requests: &[Request<'_>]) -> Account {
        let Some(first) = requests.first() else { return Account::default() };
        let begin = || Session::new("".into(), first.time_ms);
        let mut own = begin();
        for request in requests {
            let mut call = Call::new(request, UNKNOWN);
            call.endpoint = match &self.phase {
                Phase::Learning(learning) => learning.endpoint(request, &call),
                Phase::Judging(judge) => judge.endpoint(request, &call),
            };
            own.add(&call);
            if let Phase::Judging(judge) = &self.phase {
                judge.look_again(&mut own);
            }
        }
        let mut account = match &self.phase {
            Phase::Learning(learning) => Account {
                findings: learning.findings(&own),
                ..Account::of_graph(&own, &learning.shapes, None)
            },
            Phase::Judging(judge) => {
                judge.look(&mut own);
                Account {
                    findings: find(&own, &judge.endpoints, &judge.baseline),
                    scores: judge.waterfall(&own).into_iter().collect(),
                    ..Account::of_graph(&own, &judge.endpoints, Some(&judge.baseline))
                }
            }
        };
        let seen = |watch: &Watch| {
            let mut session = begin();
            requests.iter().for_each(|request| session.add(&watch.named.model.call(request)));
            session
        };
        if let Some(watch) = &self.models.champion {
            let session = seen(watch);
            let model = &watch.named.model;
            let graph = Account::of_graph(&session, &model.endpoints, Some(&model.baseline));
            account.scores.iter_mut().for_each(|score| score.decides = false);
            account.scores.insert(0, Waterfall { decides: true, ..watch.waterfall(&session) });
            account = Account { findings: account.findings, scores: account.scores, ..graph };
        }
        if let Some(watch) = &self.models.challenger {
            account.scores.push(watch.waterfall(&seen(watch)));
        }
        account
    }
}

impl Judge {
    /// Looks at a session as at one that lasts: when it is time, until it is flagged.
    fn look_again(&self, session: &mut Session) {
        if session.looks.is_told || !session.looks.is_due(session.n_calls) {
            return;
        }
        self.look(session);
        session.looks.is_told =
            session.looks.score >= 1.0 || !find(session, &self.endpoints, &self.baseline).is_empty();
    }

    /// How the highest score of all looks came about; `None` where too little was learned to flag anything.
    fn waterfall(&self, session: &Session) -> Option<Waterfall> {
        if self.threshold >= f64::MAX {
            return None;
        }
        let ranking = Ranking::new(&self.baseline);
        let amount = |&(feature, value): &(usize, f64)| Amount {
            feature,
            value,
            normal: self.baseline.normal(feature),
            amount: ranking.surprise(feature, value).unwrap_or(0.0),
        };
        let amounts: Vec<Amount> = session.looks.features.iter().map(amount).collect();
        Some(Waterfall {
            model: None,
            decides: true,
            unit: Unit::Bits,
            base: 0.0,
            total: amounts.iter().map(|amount| amount.amount).sum(),
            amounts: largest_first(amounts),
            threshold: self.threshold,
        })
    }
}

impl Watch {
    fn waterfall(&self, session: &Session) -> Waterfall {
        Waterfall { model: Some(self.named.name.clone()), ..self.named.model.waterfall(session) }
    }
}

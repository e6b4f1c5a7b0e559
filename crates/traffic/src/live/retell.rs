//! A session told again from its requests: what was said of it, in full.

use std::sync::Arc;

use super::judge::Judge;
use super::learning::{endpoint_by_shape, findings_by_shape};
use super::models::{NamedModel, Watch};
use super::{Live, Phase};
use crate::account::{Account, Amount, Unit, Waterfall, largest_first};
use crate::call::Call;
use crate::endpoints::{Endpoints, UNKNOWN};
use crate::findings::find;
use crate::model::Model;
use crate::ranking::Ranking;
use crate::request::Request;
use crate::session::Session;

/// What tells sessions again: what was known when it was asked for. Nobody who watches sessions waits for it.
#[derive(Debug)]
pub struct Teller {
    known: Known,
    champion: Option<NamedModel>,
    challenger: Option<NamedModel>,
}

#[derive(Debug)]
enum Known {
    /// The endpoints so far.
    Learning(Endpoints),
    Judging(Arc<Judge>),
}

impl Live {
    /// What tells sessions again by what is known now. Cost: while it learns, that of the endpoints so far; else nothing.
    #[must_use]
    pub fn teller(&self) -> Teller {
        let named = |watch: &Option<Watch>| watch.as_ref().map(|watch| watch.named.clone());
        Teller {
            known: match &self.phase {
                Phase::Learning(learning) => Known::Learning(learning.shapes.clone()),
                Phase::Judging(judge) => Known::Judging(Arc::clone(judge)),
            },
            champion: named(&self.models.champion),
            challenger: named(&self.models.challenger),
        }
    }
}

impl Teller {
    /// Makes a session of all its requests once more. Its graph stands beside what decides: the champion's baseline, or that of the traffic
    /// itself. Nothing is learned. Cost: that of the requests, and of a look at each size at which live sessions are looked at.
    #[must_use]
    pub fn account(&self, requests: &[Request<'_>]) -> Account {
        let Some(first) = requests.first() else { return Account::default() };
        let mut account = self.own(requests, first.time_ms);
        let seen = |model: &Model| {
            let mut session = Session::new("".into(), first.time_ms);
            requests.iter().for_each(|request| session.add(&model.call(request)));
            session
        };
        let waterfall = |NamedModel { name, model }: &NamedModel, session: &Session| Waterfall {
            model: Some(Arc::clone(name)),
            ..model.waterfall(session)
        };
        if let Some(named) = &self.champion {
            let session = seen(&named.model);
            let graph = Account::of_graph(&session, &named.model.endpoints, Some(&named.model.baseline));
            account.scores.iter_mut().for_each(|score| score.decides = false);
            account.scores.insert(0, Waterfall { decides: true, ..waterfall(named, &session) });
            account = Account { findings: account.findings, scores: account.scores, ..graph };
        }
        let challenged = self.challenger.as_ref().map(|named| waterfall(named, &seen(&named.model)));
        account.scores.extend(challenged);
        account
    }

    /// What the traffic itself says of a session.
    fn own(&self, requests: &[Request<'_>], first_ms: i64) -> Account {
        let mut session = Session::new("".into(), first_ms);
        for request in requests {
            let mut call = Call::new(request, UNKNOWN);
            call.endpoint = match &self.known {
                Known::Learning(shapes) => endpoint_by_shape(shapes, request, &call),
                Known::Judging(judge) => judge.endpoint(request, &call),
            };
            session.add(&call);
            if let Known::Judging(judge) = &self.known {
                judge.look_again(&mut session);
            }
        }
        match &self.known {
            Known::Learning(shapes) => Account {
                findings: findings_by_shape(shapes, &session),
                ..Account::of_graph(&session, shapes, None)
            },
            Known::Judging(judge) => {
                judge.look(&mut session);
                Account {
                    findings: find(&session, &judge.endpoints, &judge.baseline),
                    scores: judge.waterfall(&session).into_iter().collect(),
                    ..Account::of_graph(&session, &judge.endpoints, Some(&judge.baseline))
                }
            }
        }
    }
}

impl Judge {
    /// Looks at a session as at one that lasts: when it is time.
    fn look_again(&self, session: &mut Session) {
        if session.looks.is_due(session.n_calls) {
            self.look(session);
        }
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

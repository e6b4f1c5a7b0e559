//! What people have to be told after all that happened, and what they were told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lanner_core::{AlertState, Evaluation, Labels, TimeRange};
use lanner_io::store::Store;
use serde_json::Value;

use crate::crash::Evaluations;
use crate::receiver::Attempt;

/// What the store says of messages.
pub(crate) struct Told {
    /// By rule: when messages were under way.
    under_way: BTreeMap<Arc<str>, Vec<TimeRange>>,
    /// Rules with messages that only counted some of their alerts.
    counted: BTreeSet<Arc<str>>,
    /// When an alert was told as one that runs, by rule and group.
    running: Vec<(Arc<str>, Labels, i64)>,
    pub(crate) most_at_once: usize,
}

impl Told {
    pub(crate) fn read(store: &Store) -> Self {
        let (mut under_way, mut counted) = (BTreeMap::<Arc<str>, Vec<TimeRange>>::new(), BTreeSet::new());
        let (mut running, mut most_at_once) = (Vec::new(), 0);
        for entry in store.outbox_list(None, None, 100_000_000).unwrap() {
            let message = entry.notification;
            let rule: Arc<str> = message.group.get("rule").unwrap().into();
            let range = TimeRange::new(message.created_ms, entry.done_ms.unwrap());
            under_way.entry(rule.clone()).or_default().push(range);
            if !message.omitted.is_nothing() {
                counted.insert(rule);
            }
            let open = message.alerts.iter().filter(|alert| !alert.is_resolved());
            running.extend(open.map(|alert| (alert.rule.clone(), alert.group.clone(), message.created_ms)));
            most_at_once = most_at_once.max(message.alerts.len());
        }
        Self { under_way, counted, running, most_at_once }
    }
}

/// One piece of news, and from when until when it was true, by the times of evaluation.
struct News {
    episode: u64,
    told: String,
    from_ms: i64,
    to_ms: i64,
}

/// What people have to be told of one alert: episode and state, in order.
fn news(evaluations: &[Evaluation]) -> Vec<News> {
    let mut news: Vec<News> = Vec::new();
    let (mut state, mut episode) = (AlertState::Normal, 0);
    for evaluation in evaluations {
        if evaluation.state == state {
            continue;
        }
        if state == AlertState::Normal {
            episode += 1;
        }
        state = evaluation.state;
        let told = if state == AlertState::Normal { "resolved" } else { state.name() };
        let from_ms = evaluation.evaluated_ms;
        if let Some(last) = news.last_mut() {
            last.to_ms = from_ms;
        }
        news.push(News { episode, told: told.to_owned(), from_ms, to_ms: i64::MAX });
    }
    news
}

/// What was delivered, alert by alert: each episode and state, in order, and when it is repeated once.
fn delivered(attempts: &[Attempt]) -> HashMap<String, Vec<(u64, String)>> {
    let mut delivered: HashMap<String, Vec<(u64, String)>> = HashMap::new();
    let mut seen = BTreeSet::new();
    for attempt in attempts.iter().filter(|attempt| attempt.taken) {
        if !seen.insert(&attempt.key) {
            continue;
        }
        let message: Value = serde_json::from_str(&attempt.body).unwrap();
        for alert in message["alerts"].as_array().unwrap() {
            let field = |name: &str| alert[name].as_str().unwrap().to_owned();
            let told = if field("status") == "resolved" { field("status") } else { field("state") };
            let news = (alert["episode"].as_u64().unwrap(), told);
            let list = delivered.entry(field("fingerprint")).or_default();
            if list.last() != Some(&news) {
                list.push(news);
            }
        }
    }
    delivered
}

/// News was delivered in order: every end, whatever came last, and everything that was true at a moment when no message
/// of its rule was under way. A group has one message under way at a time, and its next one says what is true by then;
/// so what began and changed again while a receiver was slow, refused, or could not be reached, is left out, and an
/// episode that was over by then is told by its end alone. Of what may be held back only what was told is held to this:
/// whoever heard of a beginning hears of its end. Returns how many.
pub(crate) fn check_news(evaluations: &Evaluations, attempts: &[Attempt], told: &Told) -> usize {
    let mut delivered = delivered(attempts);
    let mut n = 0;
    for ((rule, group), evaluations) in &evaluations.of {
        let expected = news(evaluations);
        let fingerprint = lanner_core::alert::fingerprint(rule, group.labels());
        let found = delivered.remove(&fingerprint).unwrap_or_default();
        let is = |news: &News, other: &(u64, String)| (news.episode, &news.told) == (other.0, &other.1);
        let was_told = |news: &News| found.iter().any(|other| is(news, other));
        let mut rest = expected.iter();
        let in_order = found.iter().all(|found| rest.any(|news| is(news, found)));
        let no_messages = Vec::new();
        let under_way = told.under_way.get(rule).unwrap_or(&no_messages);
        let was_busy = |news: &News| {
            under_way.iter().any(|message| {
                message.start_ms <= news.from_ms && news.to_ms <= message.end_ms.saturating_add(PATIENCE_MS)
            })
        };
        let began =
            |news: &News| found.iter().any(|(episode, told)| *episode == news.episode && told != "resolved");
        let must = |news: &&News| match (&**rule, news.told.as_str()) {
            ("quiet", "resolved") => began(news),
            ("quiet", _) => false,
            (_, "resolved") => true,
            _ => !was_busy(news),
        };
        let missing: Vec<_> = expected.iter().filter(must).filter(|news| !was_told(news)).collect();
        let missing: Vec<_> = missing.iter().map(|it| (it.episode, &it.told, it.from_ms, it.to_ms)).collect();
        let last = match (expected.last(), found.last()) {
            _ if &**rule == "quiet" => true,
            (Some(news), Some(found)) => is(news, found),
            (news, found) => news.is_none() && found.is_none(),
        };
        let is_complete = (missing.is_empty() && last) || told.counted.contains(rule);
        assert!(in_order && is_complete, "{rule} {group}: {missing:?} are missing of {found:?}");
        n += found.len();
    }
    assert!(delivered.is_empty(), "messages of unknown alerts: {delivered:?}");
    assert!(n > 0, "nothing ever fired");
    n
}

/// How long after a message was taken the next one is written at the latest.
const PATIENCE_MS: i64 = 2_000;

/// Nothing was told of an alert as running while one fired that holds it back; how many episodes nobody was notified of.
pub(crate) fn check_held_back(evaluations: &Evaluations, told: &Told) -> usize {
    let sources: Vec<TimeRange> = evaluations
        .of
        .iter()
        .filter(|((rule, _), _)| &**rule == "load")
        .flat_map(|(_, evaluations)| news(evaluations))
        .filter(|news| news.told != "resolved")
        .map(|news| TimeRange::new(news.from_ms + 1, news.to_ms))
        .collect();
    for (rule, group, at_ms) in told.running.iter().filter(|(rule, ..)| &**rule == "quiet") {
        let source = sources.iter().find(|source| source.contains(*at_ms));
        assert_eq!(source, None, "{rule} {group} was told at {at_ms}");
    }
    let mut n_untold = 0;
    for ((rule, group), evaluations) in evaluations.of.iter().filter(|((rule, _), _)| &**rule == "quiet") {
        let of_group = told.running.iter().filter(|told| (&told.0, &told.1) == (rule, group.labels()));
        let told_ms: Vec<i64> = of_group.map(|(.., at_ms)| *at_ms).collect();
        for episode in news(evaluations).chunk_by(|a, b| a.episode == b.episode) {
            let last = &episode[episode.len() - 1];
            let end_ms = if last.told == "resolved" { last.from_ms + 1 } else { i64::MAX };
            let range = TimeRange::new(episode[0].from_ms, end_ms);
            n_untold += usize::from(!told_ms.iter().any(|at_ms| range.contains(*at_ms)));
        }
    }
    n_untold
}

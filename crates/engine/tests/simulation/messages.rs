//! Who must have been told what: every episode's beginning and end, unless it was muted throughout.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::time::{MINUTE_MS, format_time};
use lanner_core::{AlertState, DeliveryOutcome, Group, Labels, MatchOp, Notification, TimeRange};
use lanner_engine::notify::Route;

use crate::live::Lived;
use crate::store::Entry;
use crate::world::{InhibitSpec, RuleSpec, World};

/// From the first bad state to the return to normal.
#[derive(Debug)]
struct Episode<'w> {
    spec: &'w RuleSpec,
    /// Rule and group.
    name: String,
    labels: Labels,
    /// End of the window that began it.
    started_ms: i64,
    /// When it was noticed, and when its end was, by the world's clock.
    from_ms: i64,
    to_ms: Option<i64>,
}

impl Episode<'_> {
    fn runs(&self, now_ms: i64) -> bool {
        self.from_ms <= now_ms && self.to_ms.is_none_or(|to_ms| now_ms < to_ms)
    }
}

/// Episodes, read off the states of evaluations.
fn episodes<'w>(world: &'w World, lived: &Lived) -> Vec<Episode<'w>> {
    let mut all: Vec<Episode<'w>> = Vec::new();
    let mut running: BTreeMap<(Arc<str>, Group), usize> = BTreeMap::new();
    for entry in &lived.store.log {
        match entry {
            Entry::Evaluated(at_ms, evaluation) => {
                let key = (evaluation.rule.clone(), evaluation.group.clone());
                let is_bad = !matches!(evaluation.state, AlertState::Normal | AlertState::Pending);
                match running.get(&key) {
                    None if is_bad => {
                        let spec = world.rules.iter().find(|spec| spec.id == *key.0).unwrap();
                        running.insert(key.clone(), all.len());
                        all.push(Episode {
                            spec,
                            name: format!("{} {}", key.0, key.1),
                            labels: spec.labels(key.1.labels()),
                            started_ms: evaluation.window.end_ms,
                            from_ms: *at_ms,
                            to_ms: None,
                        });
                    }
                    Some(at) if !is_bad => {
                        all[*at].to_ms = Some(*at_ms);
                        running.remove(&key);
                    }
                    _ => {}
                }
            }
            Entry::Forgotten(at_ms, rule, group) => {
                if let Some(at) = running.remove(&(rule.clone(), group.clone())) {
                    all[at].to_ms = Some(*at_ms);
                }
            }
            Entry::Removed(at_ms, rule) => {
                for (_, at) in running.extract_if(.., |(of, _), _| of == rule) {
                    all[at].to_ms = Some(*at_ms);
                }
            }
        }
    }
    all
}

fn is(labels: &Labels, (name, value): &(&str, String)) -> bool {
    labels.get(name).unwrap_or("") == *value
}

struct Mutes<'a> {
    world: &'a World,
    lived: &'a Lived,
    episodes: &'a [Episode<'a>],
}

impl Mutes<'_> {
    /// Whether the server would hold back what it has to tell of `labels`; `None` while it was down.
    fn mutes(&self, labels: &Labels, now_ms: i64) -> Option<bool> {
        let life = self.lived.lives.iter().find(|life| life.from_ms <= now_ms && now_ms < life.to_ms)?;
        let clock_ms = now_ms - life.behind_ms;
        let silenced = self.world.silences.iter().any(|spec| {
            let matcher = &spec.silence.matchers[0];
            let equal = labels.get(&matcher.label).unwrap_or("") == matcher.value;
            (spec.made_ms..spec.taken_back_ms).contains(&now_ms)
                && (spec.silence.start_ms..spec.silence.end_ms).contains(&clock_ms)
                && equal == (matcher.op == MatchOp::Equal)
        });
        let inhibited = self.running(now_ms).any(|source| {
            self.holds(&source.labels, labels) && !self.reaches(labels, &source.labels, now_ms)
        });
        Some(silenced || inhibited)
    }

    fn running(&self, now_ms: i64) -> impl Iterator<Item = &Episode<'_>> {
        self.episodes.iter().filter(move |episode| episode.runs(now_ms))
    }

    /// Whether an alert with some labels holds back one with others, by itself.
    fn holds(&self, source: &Labels, target: &Labels) -> bool {
        self.world.inhibit.iter().any(|inhibit| {
            is(source, &inhibit.source)
                && is(target, &inhibit.target)
                && inhibit.equal.iter().all(|name| source.get(name) == target.get(name))
        })
    }

    /// Whether it does so by itself or through others that run then. Each reaches itself.
    fn reaches(&self, from: &Labels, to: &Labels, now_ms: i64) -> bool {
        let (mut seen, mut open) = (vec![from.clone()], vec![from.clone()]);
        while let Some(at) = open.pop() {
            if at == *to {
                return true;
            }
            for next in self.running(now_ms).map(|episode| &episode.labels) {
                if self.holds(&at, next) && !seen.contains(next) {
                    seen.push(next.clone());
                    open.push(next.clone());
                }
            }
        }
        false
    }

    /// Other episodes that run then, and agree in the labels that an inhibition wants equal.
    fn others(
        &self,
        labels: &Labels,
        inhibit: &InhibitSpec,
        now_ms: i64,
    ) -> impl Iterator<Item = &Episode<'_>> {
        self.episodes.iter().filter(move |other| {
            other.runs(now_ms)
                && other.labels != *labels
                && inhibit.equal.iter().all(|name| other.labels.get(name) == labels.get(name))
        })
    }

    /// Whether an episode begins beside another, and each would hold the other back: by one inhibition, which both match
    /// on both sides, or by two.
    fn is_mutual(&self, episode: &Episode<'_>) -> (bool, bool) {
        let labels = &episode.labels;
        let holds = |source: &Labels, target: &Labels, inhibit: &InhibitSpec| {
            is(source, &inhibit.source) && is(target, &inhibit.target)
        };
        let mut by = (false, false);
        for (at, inhibit) in self.world.inhibit.iter().enumerate() {
            for other in self.others(labels, inhibit, episode.from_ms) {
                by.0 |= holds(labels, &other.labels, inhibit) && holds(&other.labels, labels, inhibit);
                by.1 |= holds(labels, &other.labels, inhibit)
                    && self.world.inhibit[..at].iter().any(|inhibit| holds(&other.labels, labels, inhibit));
            }
        }
        by
    }

    /// When the answer of [`Self::mutes`] may change.
    fn edges(&self) -> Vec<i64> {
        let mut edges: Vec<i64> = Vec::new();
        for life in &self.lived.lives {
            edges.extend([life.from_ms, life.to_ms]);
            for spec in &self.world.silences {
                edges.extend([spec.silence.start_ms + life.behind_ms, spec.silence.end_ms + life.behind_ms]);
            }
        }
        edges.extend(self.world.silences.iter().flat_map(|spec| [spec.made_ms, spec.taken_back_ms]));
        if !self.world.inhibit.is_empty() {
            edges.extend(
                self.episodes.iter().flat_map(|episode| [episode.from_ms, episode.to_ms.unwrap_or(i64::MAX)]),
            );
        }
        edges.sort_unstable();
        edges.dedup();
        edges
    }
}

/// How one episode was told to one receiver.
#[derive(Debug, Default, Clone, Copy)]
struct Heard {
    n_running: u32,
    n_ended: u32,
    /// How often a message was refused that said that it runs.
    n_refused: u32,
    /// How often a message was given up that said that it is over.
    n_given_up: u32,
}

/// What the checks met, so that a test can see that they met something.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) n_episodes: usize,
    pub(crate) n_muted: usize,
    pub(crate) n_must: usize,
    pub(crate) n_refused: usize,
    pub(crate) n_told_after_refusal: usize,
    /// Episodes beside another of which each matches both sides of one inhibition, and of two that face each other.
    pub(crate) n_two_sided: usize,
    pub(crate) n_facing: usize,
}

pub(crate) fn check(world: &World, lived: &Lived) -> Result<Counts, String> {
    let episodes = episodes(world, lived);
    let mutes = Mutes { world, lived, episodes: &episodes };
    let mut heard: BTreeMap<(&str, String, i64), Heard> = BTreeMap::new();
    let mut last_told: BTreeMap<(&str, String), (i64, AlertState)> = BTreeMap::new();
    for (at_ms, message) in &lived.store.outbox {
        let mut has_news = false;
        let outcome = lived.store.outcomes.get(&message.key);
        let is_taken = outcome == Some(&DeliveryOutcome::Delivered);
        let is_given_up = outcome == Some(&DeliveryOutcome::GivenUp);
        for alert in &message.alerts {
            let name = format!("{} {}", alert.rule, alert.group);
            if !episodes.iter().any(|e| e.name == name && e.started_ms == alert.started_ms) {
                return Err(format!("{} tells an episode that there was not", shown(*at_ms, message)));
            }
            let heard = heard.entry((&*message.receiver, name.clone(), alert.started_ms)).or_default();
            if heard.n_ended > 0 {
                return Err(format!("{} tells of what had been told to be over", shown(*at_ms, message)));
            }
            if alert.is_resolved() {
                heard.n_ended += u32::from(is_taken);
                heard.n_given_up += u32::from(is_given_up);
                has_news = true;
                continue;
            }
            if mutes.mutes(&alert.labels, *at_ms) == Some(true) {
                return Err(format!("{} tells of what is muted", shown(*at_ms, message)));
            }
            heard.n_running += u32::from(is_taken);
            heard.n_refused += u32::from(!is_taken);
            let state = (alert.started_ms, alert.state);
            let known = (&*message.receiver, name);
            has_news |= last_told.get(&known) != Some(&state);
            if is_taken {
                last_told.insert(known, state);
            }
        }
        if has_news == message.repeat {
            let what = if message.repeat { "a repetition has" } else { "a message has no" };
            return Err(format!("{what} news: {}", shown(*at_ms, message)));
        }
    }
    let mut counts = Counts { n_episodes: episodes.len(), ..Counts::default() };
    for episode in &episodes {
        let (two_sided, facing) = mutes.is_mutual(episode);
        counts.n_two_sided += usize::from(two_sided);
        counts.n_facing += usize::from(facing);
        for receiver in &episode.spec.receivers {
            let route = world.routes.iter().find(|route| *route.receiver == **receiver).unwrap();
            let heard = heard
                .get(&(*receiver, episode.name.clone(), episode.started_ms))
                .copied()
                .unwrap_or_default();
            told(&mutes, episode, route, heard, &mut counts)
                .map_err(|why| format!("{receiver}: {why}: {heard:?} of {episode:?}"))?;
        }
    }
    Ok(counts)
}

fn shown(at_ms: i64, message: &Notification) -> String {
    format!("{} {message:?}", format_time(at_ms))
}

/// Whether one receiver heard of one episode what it must, and nothing else.
fn told(
    mutes: &Mutes<'_>,
    episode: &Episode<'_>,
    route: &Route,
    heard: Heard,
    counts: &mut Counts,
) -> Result<(), String> {
    if heard.n_running == 0 && heard.n_refused > 0 && heard.n_ended > 0 {
        return Err("the end was told of what had been refused".to_owned());
    }
    counts.n_refused += usize::from(heard.n_refused > 0);
    counts.n_told_after_refusal += usize::from(heard.n_refused > 0 && heard.n_running > 0);
    // A look comes at the latest after the longer wait; later where the clock was set back, a source is slow,
    // or the server is down, or the receiver refuses what it is told.
    let lives = &mutes.lived.lives;
    let set_back_ms: i64 = lives.iter().map(|life| life.behind_ms).sum();
    let down_ms: i64 =
        lives.iter().zip(lives.iter().skip(1)).map(|(life, next)| next.from_ms - life.to_ms).sum();
    let wait_ms = route.group_wait_ms.max(route.group_interval_ms) + set_back_ms + 10 * MINUTE_MS;
    let refusals = Refusals::of(mutes, route);
    let latest_ms = wait_ms + down_ms + refusals.total_ms();
    let run_ends_ms = mutes.lived.lives.last().map_or(0, |life| life.to_ms);
    let to_ms = episode.to_ms.unwrap_or(run_ends_ms);
    let mut edges = mutes.edges();
    edges.extend(refusals.0.iter().flat_map(|span| [span.start_ms, span.end_ms]));
    edges.sort_unstable();
    let points = |until_ms: i64| {
        let inside = edges.iter().copied().filter(move |at_ms| episode.from_ms < *at_ms && *at_ms < until_ms);
        std::iter::once(episode.from_ms).chain(inside).collect::<Vec<i64>>()
    };
    let open = points(to_ms);
    let ends = open.iter().skip(1).copied().chain([to_ms]);
    let (mut open_ms, mut longest_open_ms) = (0, 0);
    for (from_ms, end_ms) in open.iter().zip(ends) {
        let is_open = mutes.mutes(&episode.labels, *from_ms) == Some(false) && !refusals.refuses(*from_ms);
        open_ms = if is_open { open_ms + end_ms - from_ms } else { 0 };
        longest_open_ms = longest_open_ms.max(open_ms);
    }
    let is_over = episode.to_ms.is_some_and(|to_ms| to_ms + latest_ms < run_ends_ms);
    let must_be_told = longest_open_ms > wait_ms;
    let muted = points(to_ms).iter().all(|at_ms| mutes.mutes(&episode.labels, *at_ms) != Some(false));
    counts.n_must += usize::from(must_be_told);
    counts.n_muted += usize::from(muted);
    if must_be_told && heard.n_running == 0 {
        return Err("an episode was not told".to_owned());
    }
    if muted && (heard.n_running, heard.n_ended) != (0, 0) {
        return Err("an episode was told although it was muted throughout".to_owned());
    }
    // Who wants no ends hears of one all the same if that is the first they hear.
    let hears_of_the_end = route.send_resolved || heard.n_running == 0;
    if heard.n_ended > u32::from(hears_of_the_end) {
        return Err("an end was told too often".to_owned());
    }
    let may_miss_its_end = heard.n_given_up > 0;
    if is_over && route.send_resolved && heard.n_running > 0 && heard.n_ended == 0 && !may_miss_its_end {
        return Err("an end was not told".to_owned());
    }
    if is_over
        && hears_of_the_end
        && edges_are_open(mutes, episode, &edges, to_ms + wait_ms)
        && !refusals.overlap(TimeRange::new(episode.from_ms, to_ms + wait_ms))
        && heard.n_ended == 0
    {
        return Err("a short episode was not told".to_owned());
    }
    Ok(())
}

/// When a receiver refuses, or waits to be told again what it refused.
struct Refusals(Vec<TimeRange>);

impl Refusals {
    fn of(mutes: &Mutes<'_>, route: &Route) -> Self {
        let own = mutes.world.refusals.iter().filter(|(name, _)| *name == &*route.receiver);
        let store = &mutes.lived.store;
        let mut sent = store.outbox.iter().filter(|(_, message)| message.receiver == route.receiver);
        let gave_up = sent.any(|(_, it)| store.outcomes.get(&it.key) == Some(&DeliveryOutcome::GivenUp));
        // What was refused is said again after the interval, or five minutes where it was refused often. What was
        // given up waits for news, or for its repetition.
        let again_ms = route.group_interval_ms.max(5 * MINUTE_MS);
        let repeat_ms = if gave_up { route.repeat_ms.unwrap_or(i64::MAX / 4) } else { 0 };
        let tail_ms = again_ms.max(repeat_ms) + MINUTE_MS;
        Self(own.map(|(_, span)| TimeRange::new(span.start_ms - MINUTE_MS, span.end_ms + tail_ms)).collect())
    }

    fn total_ms(&self) -> i64 {
        self.0.iter().map(|span| span.length_ms()).sum()
    }

    fn refuses(&self, at_ms: i64) -> bool {
        self.0.iter().any(|span| span.contains(at_ms))
    }

    fn overlap(&self, other: TimeRange) -> bool {
        self.0.iter().any(|span| span.start_ms < other.end_ms && other.start_ms < span.end_ms)
    }
}

/// Whether nothing was muted, and the server was up, from an episode's beginning until its end must be told.
fn edges_are_open(mutes: &Mutes<'_>, episode: &Episode<'_>, edges: &[i64], until_ms: i64) -> bool {
    let inside = edges.iter().copied().filter(|at_ms| episode.from_ms < *at_ms && *at_ms < until_ms);
    std::iter::once(episode.from_ms)
        .chain(inside)
        .all(|at_ms| mutes.mutes(&episode.labels, at_ms) == Some(false))
}

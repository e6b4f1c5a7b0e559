//! One run as a server lives through it: slow sources, late data, crashes, and a clock that is set back.
//!
//! Time is the world's; the server's clock may be behind it. Everything is one loop over whatever comes next,
//! and no two things happen in the same millisecond.

mod reads;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use lanner_core::time::{MINUTE_MS, SECOND_MS, format_time};
use lanner_core::{Changes, DeliveryOutcome, Evaluation, Group, Sample, SeriesKey, Silence, TimeRange};
use lanner_engine::cycle::{Answered, Cycle};
use lanner_engine::source::Gaps;
use lanner_engine::stream::Measures;
use lanner_engine::{Answer, Due, Engine, Rule, SourceError};

use crate::chance::Chance;
use crate::store::{Store, Turn, Walked};
use crate::world::{Crash, Item, RuleSpec, Trigger, What, World};

/// A window that was passed over, as the engine reported it.
#[derive(Debug)]
pub(crate) struct Skip {
    pub(crate) rule: Arc<str>,
    pub(crate) now_ms: i64,
}

/// A stretch in which the server ran, by the world's clock, and how far its own was behind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) behind_ms: i64,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Lived {
    pub(crate) store: Store,
    /// What was counted: by its place in the world's items.
    pub(crate) record: Vec<usize>,
    pub(crate) skips: Vec<Skip>,
    pub(crate) lives: Vec<Life>,
    /// When the server was away, as far as its own clock can tell.
    pub(crate) gaps: Vec<TimeRange>,
    /// How many of the world's rules were left at the end: the last ones are taken out first.
    pub(crate) n_rules: usize,
    pub(crate) n_lost_turns: usize,
    pub(crate) story: Vec<String>,
    /// What arrived after a window that it belongs into was planned.
    pub(crate) n_late: usize,
    /// Windows in history that it made wrong.
    pub(crate) n_corrected: usize,
    /// How much was recorded when a window was planned and when it was read, by rule.
    pub(crate) reads: BTreeMap<(Arc<str>, TimeRange), (usize, usize)>,
    /// Late data of windows that some rule may have learned.
    pub(crate) n_relearned: usize,
}

struct Flight {
    due: Due,
    read_ms: i64,
    done_ms: i64,
    answer: Option<Answer>,
    recorded: Recorded,
}

/// How much was recorded when a window was planned and when it was read.
#[derive(Debug, Clone, Copy, Default)]
struct Recorded {
    n_planned: usize,
    n_read: usize,
}

struct Server {
    engine: Engine,
    measures: Measures,
    rules: Vec<Arc<Rule>>,
    /// The loop that ships: only reads, commits and time are made here.
    cycle: Cycle<Recorded>,
    flights: Vec<Flight>,
    turns: VecDeque<(i64, Turn)>,
    next_look_ms: i64,
    n_commits: i64,
    n_reads: i64,
    /// Where samples came, by the queries that read them.
    late: HashMap<u64, TimeRange>,
}

impl Server {
    /// When what was answered is evaluated next: one turn is written before the next one begins.
    fn ready_ms(&self) -> Option<i64> {
        self.cycle.ready_ms().filter(|_| self.turns.is_empty())
    }

    /// Lets measures drop what an evaluated rule no longer needs.
    fn release(&mut self, rule: &str) {
        let Some(rule) = self.rules.iter().find(|known| *known.id == *rule) else { return };
        let Some(query) = rule.query.streams().first() else { return };
        let needed_ms = self.engine.needed_from_ms(&rule.id);
        let needed_ms = needed_ms.map_or(i64::MIN, |needed_ms| needed_ms - rule.hold_ms());
        self.measures.release(&rule.id, query, rule.step_ms(), needed_ms);
    }
}

/// Events and samples as they were acknowledged; nothing of it is ever lost.
#[derive(Default)]
struct Data {
    events: Vec<usize>,
    first_event_ms: Option<i64>,
    series: BTreeMap<SeriesKey, Vec<Sample>>,
}

pub(crate) struct Live<'w> {
    world: &'w World,
    chance: Chance,
    now_ms: i64,
    behind_ms: i64,
    server: Option<Server>,
    data: Data,
    next_item: usize,
    crashes: VecDeque<Crash>,
    /// Messages on their way, by when they arrive: the key and the receiver.
    mail: BTreeMap<(i64, String), Arc<str>>,
    /// The end of the last window that was planned, by rule.
    planned_ms: BTreeMap<Arc<str>, i64>,
    lived: Lived,
    pub(crate) story: Vec<String>,
    verbose: bool,
}

impl<'w> Live<'w> {
    pub(crate) fn new(world: &'w World, verbose: bool) -> Self {
        Self {
            world,
            chance: Chance::new(world.seed ^ 0x11fe),
            now_ms: world.start_ms,
            behind_ms: 0,
            server: None,
            data: Data::default(),
            next_item: 0,
            crashes: world.crashes.iter().copied().collect(),
            mail: BTreeMap::new(),
            planned_ms: BTreeMap::new(),
            lived: Lived {
                store: Store::default(),
                record: Vec::new(),
                skips: Vec::new(),
                lives: Vec::new(),
                gaps: Vec::new(),
                n_rules: world.rules.len(),
                n_lost_turns: 0,
                story: Vec::new(),
                n_late: 0,
                n_corrected: 0,
                reads: BTreeMap::new(),
                n_relearned: 0,
            },
            story: Vec::new(),
            verbose,
        }
    }

    /// Lives until everything due by the world's end is done.
    pub(crate) fn run(mut self) -> Result<Lived, (String, Vec<String>)> {
        let result = self.live();
        if let Err(why) = result {
            return Err((why, self.story));
        }
        if let Some(life) = self.lived.lives.last_mut() {
            life.to_ms = self.now_ms;
        }
        self.lived.story = self.story;
        Ok(self.lived)
    }

    fn live(&mut self) -> Result<(), String> {
        self.start()?;
        for _ in 0..200_000 {
            match self.next_ms() {
                Some(next_ms) => self.now_ms = next_ms.max(self.now_ms + 1),
                None => return self.finish(),
            }
            if let Some(crash) = self.crash_due() {
                self.crash(crash)?;
            } else {
                self.step()?;
            }
        }
        Err("the run does not end".to_owned())
    }

    /// The server's clock.
    fn clock_ms(&self) -> i64 {
        self.now_ms - self.behind_ms
    }

    fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.verbose {
            let line = format!("{} {}", format_time(self.now_ms), line());
            self.story.push(line);
        }
    }

    /// When something happens next; `None` when all is done.
    fn next_ms(&self) -> Option<i64> {
        let server = self.server.as_ref()?;
        let end_ms = self.world.end_ms;
        let item = self.world.items.get(self.next_item).map(|item| item.arrives_ms);
        let flights =
            server.flights.iter().map(|f| if f.answer.is_none() { f.read_ms } else { f.done_ms }).min();
        let turn = server.turns.front().map(|(commit_ms, _)| *commit_ms);
        let ready = server.ready_ms();
        let wake = server.engine.wake_ms().filter(|wake_ms| *wake_ms <= end_ms && server.flights.len() < 3);
        let wake = wake.map(|wake_ms| (wake_ms + self.behind_ms).max(server.next_look_ms));
        let silence = self.world.silences.iter().flat_map(|s| [s.made_ms, s.taken_back_ms]);
        let silence = silence.filter(|at_ms| *at_ms > self.now_ms && *at_ms < end_ms).min();
        let crash = self.crashes.front().and_then(|crash| match crash.trigger {
            Trigger::Time(at_ms) if at_ms < end_ms => Some(at_ms),
            _ => None,
        });
        let mail = self.mail.keys().next().map(|(at_ms, _)| *at_ms).filter(|at_ms| *at_ms <= end_ms);
        [item, flights, ready, turn, wake, silence, crash, mail].into_iter().flatten().min()
    }

    fn crash_due(&mut self) -> Option<Crash> {
        let server = self.server.as_ref()?;
        let crash = *self.crashes.front()?;
        let commit_is_next = server.turns.front().is_some_and(|(commit_ms, _)| *commit_ms <= self.now_ms);
        let due = match crash.trigger {
            Trigger::Time(at_ms) => at_ms <= self.now_ms,
            Trigger::BeforeCommit(n) => server.n_commits + 1 >= n && commit_is_next,
            Trigger::AfterCommit(n) => server.n_commits >= n && server.turns.is_empty(),
            Trigger::AfterRead(n) => server.n_reads >= n && server.flights.iter().any(|f| f.answer.is_some()),
        };
        let back_ms = self.now_ms + crash.down_ms + crash.behind_ms;
        if !due {
            return None;
        }
        self.crashes.pop_front();
        (back_ms < self.world.end_ms).then_some(crash)
    }

    fn crash(&mut self, crash: Crash) -> Result<(), String> {
        let lost = self.server.take().map_or(0, |server| server.turns.len());
        self.lived.n_lost_turns += lost;
        self.tell(|| format!("CRASH {crash:?}, {lost} turns lost"));
        if let Some(life) = self.lived.lives.last_mut() {
            life.to_ms = self.now_ms;
        }
        // While nothing else is written, it is noted now and then that the server is there.
        let noted_ms = self.clock_ms() - self.chance.within(0, 5 * SECOND_MS);
        self.watched(noted_ms);
        if crash.drops_rule && self.lived.n_rules > 1 {
            self.lived.n_rules -= 1;
        }
        self.mail.clear(); // sent, or not, and nobody knows: it is sent again
        self.now_ms += crash.down_ms;
        self.behind_ms = crash.behind_ms;
        // What comes while the server is down is not acknowledged: the sender keeps it, or gives up.
        let from = self.next_item;
        self.next_item += self.world.items[from..].partition_point(|item| item.arrives_ms <= self.now_ms);
        self.start()?;
        if crash.held {
            (from..self.next_item).for_each(|at| self.receive(at));
        }
        Ok(())
    }

    /// Starts the server on what is stored.
    fn start(&mut self) -> Result<(), String> {
        let clock_ms = self.clock_ms();
        if let Some(watched_ms) = self.lived.store.watched_ms.filter(|watched_ms| *watched_ms < clock_ms) {
            self.lived.gaps.push(TimeRange::new(watched_ms, clock_ms));
        }
        self.watched(clock_ms);
        let parsed = || {
            let documents = self.world.rules[..self.lived.n_rules].iter();
            documents.map(|spec| {
                Rule::from_json(&spec.document, 1).unwrap_or_else(|p| panic!("{}: {p}", spec.document))
            })
        };
        let mut engine = Engine::new();
        engine.set_gaps(Gaps::new(self.lived.gaps.clone()));
        engine.configure(self.world.routes.clone(), self.world.inhibitions());
        let (mut alerts, cursors, told) = self.lived.store.state();
        for alert in &mut alerts {
            alert.group = read_back(&alert.group);
        }
        engine.restore(alerts, cursors, told);
        for key in engine.under_way().map(str::to_owned).collect::<Vec<_>>() {
            if let Some(outcome) = self.lived.store.outcomes.get(&key) {
                engine.settle(clock_ms, &key, *outcome);
            }
        }
        let changes = engine.set_rules(parsed().collect(), clock_ms);
        engine.set_silences(&self.silences(), clock_ms);
        let rules: Vec<Arc<Rule>> = engine.rules().map(|(rule, _)| rule.clone()).collect();
        self.lived.store.commit(Turn { at_ms: self.now_ms, walked: Vec::new(), changes })?;
        let measures = self.counted(&engine, &rules);
        self.lived.lives.push(Life { from_ms: self.now_ms, to_ms: i64::MAX, behind_ms: self.behind_ms });
        let behind_ms = self.behind_ms;
        self.tell(|| format!("START, the clock is {} s behind", behind_ms / SECOND_MS));
        self.server = Some(Server {
            engine,
            measures,
            rules,
            cycle: Cycle::default(),
            flights: Vec::new(),
            turns: VecDeque::new(),
            next_look_ms: self.now_ms,
            n_commits: 0,
            n_reads: 0,
            late: HashMap::new(),
        });
        self.post();
        Ok(())
    }

    /// Notes that the server was there.
    fn watched(&mut self, clock_ms: i64) {
        let watched_ms = self.lived.store.watched_ms.get_or_insert(clock_ms);
        *watched_ms = clock_ms.max(*watched_ms);
    }

    /// Sends what is written and not under way yet.
    fn post(&mut self) {
        let open: Vec<(String, Arc<str>)> =
            self.lived.store.open().map(|message| (message.key.clone(), message.receiver.clone())).collect();
        for (key, receiver) in open {
            if !self.mail.keys().any(|(_, other)| *other == key) {
                let slow_ms = self.chance.pick(&[1, 100, 100, 20_000]);
                self.mail.insert((self.now_ms + self.chance.within(1, slow_ms), key), receiver);
            }
        }
    }

    /// What becomes of a message that arrives now.
    fn arrive(&mut self) {
        let Some(((_, key), receiver)) = self.mail.pop_first() else { return };
        let refuses = |(name, span): &(&str, TimeRange)| *name == &*receiver && span.contains(self.now_ms);
        let outcome = match self.world.refusals.iter().any(refuses) {
            false => DeliveryOutcome::Delivered,
            true if self.chance.percent(5) => DeliveryOutcome::GivenUp,
            true => DeliveryOutcome::Refused,
        };
        self.tell(|| format!("{receiver}: {outcome:?}"));
        self.lived.store.outcomes.insert(key.clone(), outcome);
        let clock_ms = self.clock_ms();
        if let Some(server) = &mut self.server {
            server.engine.settle(clock_ms, &key, outcome);
        }
    }

    /// The measures of what was stored, as far back as the rules still look.
    fn counted(&self, engine: &Engine, rules: &[Arc<Rule>]) -> Measures {
        let mut measures = Measures::new(self.world.seed);
        for rule in rules {
            let Some(query) = rule.query.streams().first() else { continue };
            let needed_ms = engine.needed_from_ms(&rule.id).unwrap_or(i64::MAX);
            measures.add(&rule.id, query, rule.step_ms(), needed_ms);
            if rule.looks_back() {
                let end_ms = engine.judged_until_ms(&rule.id).unwrap_or(0).max(self.clock_ms());
                let last = TimeRange::new(end_ms - rule.schedule.window_ms, end_ms);
                measures.kept(query, rule.step_ms(), last);
            }
        }
        let mut past = measures.past();
        for at in &self.data.events {
            if let Item { time_ms, what: What::Event(fields), .. } = &self.world.items[*at] {
                past.count(*time_ms, fields);
            }
        }
        measures.absorb(past, i64::MIN);
        measures
    }

    fn silences(&self) -> Vec<Silence> {
        let made =
            self.world.silences.iter().filter(|s| s.made_ms <= self.now_ms && self.now_ms < s.taken_back_ms);
        made.map(|spec| spec.silence.clone()).collect()
    }

    fn step(&mut self) -> Result<(), String> {
        while self.world.items.get(self.next_item).is_some_and(|item| item.arrives_ms <= self.now_ms) {
            self.receive(self.next_item);
            self.next_item += 1;
        }
        let now_ms = self.now_ms;
        let changed = |s: &crate::world::SilenceSpec| s.made_ms == now_ms || s.taken_back_ms == now_ms;
        let silences = self.world.silences.iter().any(changed).then(|| self.silences());
        let clock_ms = self.clock_ms();
        let Some(server) = &mut self.server else { return Ok(()) };
        if let Some(silences) = silences {
            server.engine.set_silences(&silences, clock_ms);
        } else if server.turns.front().is_some_and(|(commit_ms, _)| *commit_ms <= now_ms) {
            return self.commit();
        } else if self.mail.keys().next().is_some_and(|(at_ms, _)| *at_ms <= now_ms) {
            self.arrive();
        } else if let Some(at) = server.flights.iter().position(|f| f.answer.is_none() && f.read_ms <= now_ms)
        {
            self.read(at)?;
        } else if let Some(at) = server.flights.iter().position(|f| f.answer.is_some() && f.done_ms <= now_ms)
        {
            self.answer(at);
        } else if server.ready_ms().is_some_and(|ready_ms| ready_ms <= now_ms) {
            self.evaluate();
        } else if server.next_look_ms <= now_ms {
            self.look();
        }
        Ok(())
    }

    /// Takes what arrives.
    fn receive(&mut self, at: usize) {
        let item = &self.world.items[at];
        let on_stream = matches!(item.what, What::Event(_));
        let readers = self.world.rules.iter().filter(|spec| spec.on_stream == on_stream);
        let planned_ms = readers.filter_map(|spec| self.planned_ms.get(spec.id.as_str())).max();
        let is_late = planned_ms.is_some_and(|end_ms| item.time_ms < *end_ms);
        let learns = |spec: &&RuleSpec| spec.on_stream == on_stream && spec.generation_ms.is_some();
        self.lived.n_late += usize::from(is_late);
        self.lived.n_relearned += usize::from(is_late && self.world.rules.iter().any(|spec| learns(&spec)));
        self.lived.record.push(at);
        self.keep(at);
    }

    fn keep(&mut self, at: usize) {
        let item = &self.world.items[at];
        match &item.what {
            What::Event(fields) => {
                self.data.events.push(at);
                let first_ms = self.data.first_event_ms.get_or_insert(item.time_ms);
                *first_ms = item.time_ms.min(*first_ms);
                if let Some(server) = &mut self.server {
                    let event = [(item.time_ms, fields.clone())];
                    for wrong in server.measures.corrections(&event) {
                        let touches = |window: &TimeRange| {
                            window.start_ms < wrong.range.end_ms && wrong.range.start_ms < window.end_ms
                        };
                        let is_wrong =
                            |(query, window): &(u64, TimeRange)| *query == wrong.query && touches(window);
                        let history = &mut self.lived.store.history;
                        let before = history.len();
                        history.retain(|key, _| !is_wrong(key));
                        self.lived.n_corrected += before - history.len();
                    }
                    server.measures.count(item.time_ms, fields);
                }
            }
            What::Sample(key, sample) => {
                let samples = self.data.series.entry(key.clone()).or_default();
                samples.insert(samples.partition_point(|other| other.time_ms < sample.time_ms), *sample);
                let here = TimeRange::new(sample.time_ms, sample.time_ms + 1);
                if let Some(server) = &mut self.server {
                    for rule in server.rules.iter().filter(|rule| !rule.query.series().is_empty()) {
                        let known = server.late.entry(rule.query.fingerprint()).or_insert(here);
                        *known = known.hull(here);
                    }
                }
            }
        }
    }

    /// Asks what is due, and writes the messages that are.
    fn look(&mut self) {
        let clock_ms = self.clock_ms();
        let (limit, nap_ms) = (self.chance.within(1, 3) as usize, self.chance.pick(&[1, 1, 500, 2_000]));
        let slow_ms = self.chance.pick(&[1, 50, 50, 2_000, 120_000]);
        let n_planned = self.lived.record.len();
        let Some(server) = &mut self.server else { return };
        let mut late = server.measures.take_late();
        late.extend(std::mem::take(&mut server.late));
        server.engine.correct(&late);
        server.next_look_ms = self.now_ms + nap_ms;
        let free = limit.min(3 - server.flights.len());
        let plan = server.cycle.plan(&mut server.engine, clock_ms.min(self.world.end_ms), free);
        let mut lines = Vec::new();
        for (rule, n) in plan.skipped {
            lines.push(format!("skipped about {n} windows of {rule}"));
            self.lived.skips.push(Skip { rule, now_ms: clock_ms });
        }
        for due in plan.due {
            let planned_ms = self.planned_ms.entry(due.rule.id.clone()).or_default();
            *planned_ms = due.ask.window.end_ms.max(*planned_ms);
            let read_ms = self.now_ms + self.chance.within(0, slow_ms);
            let done_ms = read_ms + self.chance.within(0, slow_ms);
            let recorded = Recorded { n_planned, n_read: 0 };
            server.flights.push(Flight { due, read_ms, done_ms, answer: None, recorded });
        }
        let changes = server.engine.tick(clock_ms);
        self.write(Vec::new(), changes);
        for line in lines {
            self.tell(|| line);
        }
    }

    fn read(&mut self, at: usize) -> Result<(), String> {
        // Whoever waits for the source has an answer by the end.
        let is_last = self.now_ms > self.world.end_ms - MINUTE_MS;
        let fails = self.chance.percent(self.world.error_percent) && !is_last;
        let Some(server) = &mut self.server else { return Ok(()) };
        server.n_reads += 1;
        let due = server.flights[at].due.clone();
        let answer = if fails {
            Err(SourceError::Temporary("the source is away".to_owned()))
        } else {
            Ok(self.readings(&due)?)
        };
        if let Some(server) = &mut self.server {
            server.flights[at].answer = Some(answer);
            server.flights[at].recorded.n_read = self.lived.record.len();
        }
        Ok(())
    }

    /// Hands in what was read.
    fn answer(&mut self, at: usize) {
        let Some(server) = &mut self.server else { return };
        let Flight { due, answer, recorded, .. } = server.flights.swap_remove(at);
        let Some(answer) = answer else { return };
        server.cycle.answer(self.now_ms, Answered { due, answer, beside: recorded });
    }

    /// Evaluates what was answered, and has it written.
    fn evaluate(&mut self) {
        let clock_ms = self.clock_ms();
        let (mut walked, mut changes) = (Vec::new(), Changes::default());
        while let Some(server) = &mut self.server
            && let Some(evaluated) = server.cycle.next(&mut server.engine, clock_ms)
        {
            let Answered { due, answer, beside: recorded } = evaluated.answered;
            if evaluated.changes.cursors.is_empty() {
                self.tell(|| format!("{} waits for its source", due.rule.id));
                continue;
            }
            let read = (recorded.n_planned, recorded.n_read);
            self.lived.reads.insert((due.rule.id.clone(), due.ask.window), read);
            evaluated.changes.evaluations.iter().for_each(|evaluation| self.tell_of(evaluation));
            changes.extend(evaluated.changes);
            walked.push((due.rule.id.clone(), due.ask.window, answer.err().map(|error| error.to_string())));
        }
        self.write(walked, changes);
    }

    fn tell_of(&mut self, e: &Evaluation) {
        self.tell(|| {
            let start = format_time(e.window.start_ms);
            format!(
                "{} {} {start}: {:?} against {:?}, {}, {}",
                e.rule, e.group, e.value, e.base, e.outcome, e.state
            )
        });
    }

    fn write(&mut self, walked: Vec<Walked>, changes: Changes) {
        let slow_ms = self.chance.pick(&[0, 5, 5, 3_000]);
        let wait_ms = self.chance.within(0, slow_ms);
        for message in &changes.outbox {
            let alerts: Vec<String> = message
                .alerts
                .iter()
                .map(|a| {
                    format!("{}{} {} #{}", if a.is_resolved() { "-" } else { "" }, a.rule, a.group, a.episode)
                })
                .collect();
            let line = format!("to {} {}: {}", message.receiver, message.group, alerts.join(", "));
            self.tell(|| line);
        }
        let turn = Turn { at_ms: self.now_ms, walked, changes };
        if turn.walked.is_empty() && turn.changes.is_empty() {
            return;
        }
        let Some(server) = &mut self.server else { return };
        // Turns are written in the order in which they were taken.
        let earliest_ms = server.turns.back().map_or(0, |(commit_ms, _)| *commit_ms);
        server.turns.push_back((earliest_ms.max(self.now_ms + wait_ms), turn));
    }

    fn commit(&mut self) -> Result<(), String> {
        let Some(server) = &mut self.server else { return Ok(()) };
        let Some((_, turn)) = server.turns.pop_front() else { return Ok(()) };
        server.n_commits += 1;
        let walked: Vec<Arc<str>> = turn.walked.iter().map(|(rule, ..)| rule.clone()).collect();
        if !walked.is_empty() {
            server.cycle.written();
        }
        self.watched(self.clock_ms());
        self.lived.store.commit(turn)?;
        self.post();
        if let Some(server) = &mut self.server {
            walked.iter().for_each(|rule| server.release(rule));
        }
        Ok(())
    }

    /// Nothing is due any more. Afterwards only messages are written, until all waits are over.
    fn finish(&mut self) -> Result<(), String> {
        let end_ms = self.world.end_ms;
        let longest_ms =
            self.world.routes.iter().map(|r| r.group_wait_ms.max(r.group_interval_ms)).max().unwrap_or(0);
        let until_ms = self.now_ms.max(end_ms) + 2 * longest_ms + 20 * MINUTE_MS;
        let Some(server) = &mut self.server else { return Ok(()) };
        let left = server.engine.plan(end_ms, 100).due;
        if let Some(due) = left.first() {
            return Err(format!("{} {:?} is still due at the end", due.rule.id, due.ask.window));
        }
        let alerts: BTreeMap<(Arc<str>, Group), _> = server
            .engine
            .alerts()
            .map(|alert| ((alert.rule.clone(), alert.group.clone()), alert.clone()))
            .collect();
        let stored = self.lived.store.state().0;
        if alerts.values().ne(stored.iter()) {
            return Err("the alerts in memory are not those in the store".to_owned());
        }
        while self.now_ms < until_ms {
            self.now_ms += 20 * SECOND_MS;
            while !self.mail.is_empty() {
                self.arrive();
            }
            let clock_ms = self.clock_ms();
            let Some(server) = &mut self.server else { return Ok(()) };
            let changes = server.engine.tick(clock_ms);
            if !changes.is_empty() {
                self.lived.store.commit(Turn { at_ms: self.now_ms, walked: Vec::new(), changes })?;
                self.post();
            }
        }
        while !self.mail.is_empty() {
            self.arrive();
        }
        Ok(())
    }
}

/// A group as it comes back from a file.
fn read_back(group: &Group) -> Group {
    serde_json::from_value(serde_json::to_value(group).unwrap()).unwrap()
}

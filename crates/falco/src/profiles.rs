//! Lanner's own profiles: what each says of the event at hand, before it learns it.

use std::time::Duration;

use falco_event::types::SystemTime;
use lanner_conditions::{Condition, Missing, Verdict};
use lanner_core::document::{Check, Node};
use lanner_core::time::format_time;
use lanner_profile::write::Finding;
use lanner_profile::{Answer, Filter, Hashes, InFleet, Part, Profile, Seed, Spec};
use serde_json::{Map, Value, json};

use crate::changes::Changes;
use crate::event::{KINDS, Kind};
use crate::field::{Field, Lasts};
use crate::processes::{Processes, Since};
use crate::scene::Scene;

/// What a profile said of an event.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) status: &'static str,
    pub(crate) is_rare: bool,
    /// How often the behaviour was seen before; 15 is 15 and more.
    pub(crate) seen: u64,
    pub(crate) first_seen_ms: Option<i64>,
    pub(crate) last_seen_ms: Option<i64>,
    pub(crate) rarity_bits: f64,
    pub(crate) novelty_rate: f64,
    pub(crate) fleet: Option<InFleet>,
    pub(crate) n_distinct: Option<u64>,
    pub(crate) is_new_image: Option<bool>,
    /// What makes a behaviour new that was never seen.
    reason: Option<String>,
    time_ms: i64,
}

impl Said {
    fn of(answer: &Answer<'_>, time_ms: i64) -> Self {
        let is_new = answer.ever().is_never();
        Self {
            status: answer.status.name(),
            is_rare: answer.is_rare,
            seen: answer.ever().value().into(),
            first_seen_ms: answer.first_seen_ms,
            last_seen_ms: answer.last_seen_ms,
            rarity_bits: answer.rarity_bits,
            novelty_rate: answer.novelty_rate,
            fleet: answer.fleet,
            n_distinct: answer.n_distinct,
            is_new_image: answer.is_new_image,
            reason: is_new.then(|| answer.reason()),
            time_ms,
        }
    }

    /// Why, in one sentence.
    pub(crate) fn reason(&self) -> String {
        self.reason.clone().unwrap_or_else(|| {
            let last =
                self.last_seen_ms.map_or_else(String::new, |at| format!(", last at {}", format_time(at)));
            format!("seen {} times before{last}", self.seen)
        })
    }

    /// How long ago the behaviour was seen before.
    pub(crate) fn age(&self) -> Option<Duration> {
        let age_ms = self.time_ms.saturating_sub(self.last_seen_ms?);
        Some(Duration::from_millis(u64::try_from(age_ms).unwrap_or(0)))
    }

    /// When the behaviour was first seen before.
    pub(crate) fn first_seen(&self) -> Option<SystemTime> {
        u64::try_from(self.first_seen_ms?).ok()?.checked_mul(1_000_000).map(SystemTime)
    }
}

/// A profile, and what of an event it needs: the same for all threads.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) profile: Profile,
    fields: Vec<(String, Field)>,
    /// The kinds of events that its condition can hold for, and whether it does for all of them.
    events: Vec<(u16, bool)>,
    /// What its behaviours are made of.
    sources: Vec<Source>,
    /// Whether some of them are of ancestors.
    has_ancestors: bool,
}

/// What one thread keeps for a profile.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    processes: Processes,
    room: Room,
}

/// Memory that events use one after the other.
#[derive(Debug, Default)]
struct Room {
    line: String,
    bytes: Vec<u8>,
}

/// A thread of the plugin that has an event at hand.
pub(crate) struct Hand<'h> {
    /// Its number.
    pub(crate) thread: usize,
    pub(crate) changes: &'h Changes,
    pub(crate) scene: &'h Scene<'h>,
}

/// A part of behaviours, and the field that it is made of.
#[derive(Debug, Clone)]
struct Source {
    /// Its place; none for what tells groups apart.
    at: Option<usize>,
    part: Part,
    field: Field,
    lasts: Lasts,
}

impl Source {
    /// Notes the part of an event.
    fn read(&self, scene: &Scene<'_>, seed: &Seed, room: &mut Room, hashes: &mut Hashes) {
        let Room { line, bytes } = room;
        let mut note = |hash: u64, text: Option<&str>| match self.at {
            Some(at) => hashes.set(at, hash),
            None => hashes.set_group(hash, self.part.version(seed, text)),
        };
        let mut note_text = |text: &str| note(self.part.hash_text(seed, text, bytes), Some(text));
        if !scene.with_text(&self.field, line, &mut note_text) {
            let value = scene.value(&self.field);
            note(self.part.hash(seed, value.as_ref(), bytes), value.as_ref().and_then(Value::as_str));
        }
    }
}

/// The condition of a profile.
pub(crate) fn filter(node: &Node, path: &str, check: &mut Check) -> Option<Filter> {
    let condition = Condition::read(node, path, check)?;
    Some(Filter::new(move |event| condition.matches(event, Missing::False)))
}

impl Kept {
    /// A profile that has learned nothing. What it reads must be fields that the plugin can find.
    pub(crate) fn read(node: &Node, path: &str, seed: &Seed, check: &mut Check) -> Option<Self> {
        let spec = Spec::read_document(node, path, &filter, check)?;
        match Self::of(Profile::new(spec, seed)) {
            Ok(kept) => Some(kept),
            Err(problems) => {
                problems.into_iter().for_each(|why| check.problem(node, path, why));
                None
            }
        }
    }

    /// A profile, and how the plugin finds what it reads.
    ///
    /// # Errors
    /// Which fields the plugin cannot find.
    pub(crate) fn of(profile: Profile) -> Result<Self, Vec<String>> {
        let spec = profile.spec();
        let mut names: Vec<String> =
            spec.parts.iter().chain(&spec.by).map(|part| part.field().to_owned()).collect();
        let condition = spec.filter.as_ref().and_then(|(text, _)| Condition::compile(text).ok());
        let asked = condition.iter().flat_map(Condition::fields).map(|field| field.to_string());
        names.extend(asked);
        names.sort_unstable();
        names.dedup();
        let (mut fields, mut problems) = (Vec::new(), Vec::new());
        for name in names {
            match Field::parse(&name) {
                Ok(field) => fields.push((name, field)),
                Err(why) => problems.push(why),
            }
        }
        let parts = spec.parts.iter().enumerate().map(|(at, part)| (Some(at), part));
        let parts = parts.chain(spec.by.iter().map(|part| (None, part)));
        let source = |(at, part): (Option<usize>, &Part)| {
            let field = Field::parse(part.field()).ok()?;
            let lasts = field.lasts();
            Some(Source { at, part: part.clone(), field, lasts })
        };
        let sources: Vec<Source> = parts.filter_map(source).collect();
        let has_ancestors = sources.iter().any(|source| source.lasts == Lasts::Family);
        let verdict = |kind: Kind| (kind.code, verdict(condition.as_ref(), kind));
        let can_hold = KINDS.into_iter().map(verdict).filter(|(_, verdict)| *verdict != Verdict::False);
        let events = can_hold.map(|(code, verdict)| (code, verdict == Verdict::True)).collect();
        let kept = Self { profile, fields, events, sources, has_ancestors };
        if problems.is_empty() { Ok(kept) } else { Err(problems) }
    }

    /// What the profile says of an event, which it then learns if it `learns`; `None` for events that are not its own. `on_rare` is
    /// called with what is flagged.
    pub(crate) fn look(
        &self,
        hand: &Hand<'_>,
        cache: &mut Cache,
        learns: bool,
        on_rare: &mut dyn FnMut(&Finding<'_>),
    ) -> Option<Said> {
        let Hand { thread, scene, .. } = hand;
        let code = scene.kind()?.code;
        let is_sure = self.events.iter().find(|(known, _)| *known == code)?.1;
        let time_ms = scene.time_ms();
        let event = || event_of(&self.fields, scene);
        let answer = match self.hashes(hand, cache).filter(|_| is_sure) {
            Some(hashes) => {
                let name = |spec: &Spec| spec.name_of(&event());
                self.profile.look_up_shared(*thread, hashes, time_ms, learns, name)
            }
            None => {
                let event = event();
                let hashes = self.profile.hashes(&event, &mut cache.room.bytes)?;
                let name = |spec: &Spec| spec.name_of(&event);
                self.profile.look_up_shared(*thread, hashes, time_ms, learns, name)
            }
        };
        if answer.is_rare && learns {
            on_rare(&Finding::new(time_ms, &event(), &answer));
        }
        Some(Said::of(&answer, time_ms))
    }

    /// The hashes of the parts of an event, where Falco knows the process. What lasts is read once.
    fn hashes(&self, hand: &Hand<'_>, cache: &mut Cache) -> Option<Hashes> {
        let Hand { changes, scene, .. } = hand;
        let (tid, parent) = scene.numbers()?;
        let Cache { processes, room } = cache;
        let mut read = |lasts: Lasts, hashes: &mut Hashes| {
            for source in self.sources.iter().filter(|source| source.lasts == lasts) {
                source.read(scene, self.profile.seed(), room, hashes);
            }
        };
        let since = Since::now(changes, tid);
        let mut hashes = processes.get(tid, parent, since).unwrap_or_else(|| {
            let mut hashes = Hashes::default();
            if self.has_ancestors {
                // Of a parent that Falco does not know there is nothing to keep.
                let eldest = scene.parent_of(parent).map(|of| (of, since.of_other(changes, parent)));
                let known = eldest.and_then(|(of, since)| processes.of_parent(parent, of, since));
                hashes = known.unwrap_or_else(|| {
                    scene.ancestors().iter().for_each(|ancestor| changes.ask_for(*ancestor, since.age()));
                    read(Lasts::Family, &mut hashes);
                    eldest
                        .iter()
                        .for_each(|(of, since)| processes.keep_of_parent(parent, *of, *since, hashes));
                    hashes
                });
            }
            read(Lasts::Process, &mut hashes);
            processes.keep(tid, parent, since, hashes);
            hashes
        });
        read(Lasts::Event, &mut hashes);
        Some(hashes)
    }
}

/// An event with the fields that a profile names.
fn event_of(fields: &[(String, Field)], scene: &Scene<'_>) -> Map<String, Value> {
    let field = |(name, field): &(String, Field)| Some((name.clone(), scene.value(field)?));
    fields.iter().filter_map(field).collect()
}

/// What a condition says of events of a kind, as far as their type decides.
fn verdict(condition: Option<&Condition>, kind: Kind) -> Verdict {
    let Value::Object(known) = json!({ "evt.type": kind.name }) else { return Verdict::Unknown };
    condition.map_or(Verdict::True, |condition| condition.verdict(&known, Missing::Kleene))
}

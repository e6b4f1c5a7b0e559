//! Lines of JSON read no further than a profile needs, which is what following a busy host costs.
//!
//! An event of a known behaviour is known by a few of its fields. Those are taken out of the line where it stands; all of it is read
//! only when something is to be said of it. Whatever is not plainly one of Falco's lines, or one with Falco's names, is left to
//! [`Lines`](lanner_profile::read::Lines), and so is a field that follows from others.

use lanner_conditions::{Buffer, Condition, FieldPath, Fields, JsonFields, Missing, Place, Reader, View};
use lanner_profile::read::{Format, MAX_LINE_BYTES};
use lanner_profile::{Hashes, Part, Profile};

use super::days::Days;

/// Where Falco has the fields that a rule prints.
const INSIDE: &str = "output_fields.";

/// Fields that are made of others where they are missing.
const FOLLOWING: [&str; 9] = [
    "proc.name",
    "proc.pname",
    "proc.aname",
    "proc.pexepath",
    "proc.aexepath",
    "evt.hostname",
    "evt.source",
    "falco.rule",
    "falco.priority",
];

/// Reads lines for some profiles.
pub(super) struct Skim {
    format: Format,
    falco: Shape,
    plain: Shape,
    buffer: Buffer,
    text: Vec<u8>,
    days: Days,
    /// Of each profile, whether the event is its own, and by what it knows it.
    pub(super) found: Vec<Option<Hashes>>,
}

/// How events are written, and where their fields are.
struct Shape {
    reader: Reader,
    kind: Place,
    time: Place,
    /// Other times, which say more, and what lines of other programs have.
    others: Vec<Place>,
    profiles: Vec<Wanted>,
}

/// What one profile needs.
struct Wanted {
    condition: Option<(Condition, Vec<(FieldPath, Place)>)>,
    /// Parts in order, and what groups are told apart by.
    parts: Vec<Field>,
    by: Option<Field>,
}

struct Field {
    part: Part,
    place: Place,
    follows: bool,
}

/// Fields under the names that a condition has for them.
struct Renamed<'f> {
    fields: &'f JsonFields<'f>,
    names: &'f [(FieldPath, Place)],
}

impl Fields for Renamed<'_> {
    fn view(&self, path: &FieldPath) -> Option<View<'_>> {
        let (_, place) = self.names.iter().find(|(name, _)| name == path)?;
        self.fields.at(*place)
    }
}

impl Skim {
    /// For these profiles; `None` where their fields have names that may mean several things.
    pub(super) fn new(profiles: &[Profile], format: Format) -> Option<Self> {
        if !matches!(format, Format::Auto | Format::Falco | Format::Json) {
            return None;
        }
        let (falco, plain) = (Shape::new(profiles, INSIDE)?, Shape::new(profiles, "")?);
        let (buffer, text, days) = (Buffer::default(), Vec::new(), Days::default());
        Some(Self { format, falco, plain, buffer, text, days, found: Vec::new() })
    }

    /// Reads a line and returns its time, in milliseconds since 1970; `None` for a line that has to be read as a whole.
    pub(super) fn read(&mut self, line: &str, profiles: &[Profile]) -> Option<i64> {
        if line.len() > MAX_LINE_BYTES {
            return None;
        }
        // Cheap, and never wrong: a line without it is read as a whole.
        let is_falco = line.contains("\"output_fields\"");
        let shape = match (self.format, is_falco) {
            (Format::Json, _) | (Format::Auto, false) => &self.plain,
            _ => &self.falco,
        };
        let fields = shape.reader.read(line.trim(), &mut self.buffer).ok()?;
        // Lines of others have their own name for it.
        fields.at(shape.kind)?;
        if shape.others.iter().any(|other| fields.at(*other).is_some()) {
            return None;
        }
        let View::Text(time) = fields.at(shape.time)? else { return None };
        let time_ms = self.days.time_ms(time)?;
        self.found.clear();
        for (wanted, profile) in shape.profiles.iter().zip(profiles) {
            self.found.push(wanted.hashes(&fields, profile, &mut self.text)?);
        }
        Some(time_ms)
    }
}

/// Other times that a plain line may have, which say more.
const TIMES: [&str; 3] = ["evt.rawtime", "evt.time", "_time"];

/// What tells lines of other programs.
const FOREIGN: [&str; 10] = [
    "event_id",
    "EventID",
    "EventId",
    "winlog",
    "process_exec",
    "process_exit",
    "process_kprobe",
    "process_tracepoint",
    "process_loader",
    "process_uprobe",
];

impl Shape {
    fn new(profiles: &[Profile], inside: &str) -> Option<Self> {
        let others = TIMES.iter().chain(&FOREIGN).filter(|_| inside.is_empty());
        let others: Vec<FieldPath> = others.map(|name| FieldPath::parse(name).ok()).collect::<Option<_>>()?;
        let (kind, time) = (simple("evt.type", inside)?, FieldPath::parse("time").ok()?);
        let mut paths = vec![kind.clone(), time.clone()];
        paths.extend(others.iter().cloned());
        for profile in profiles {
            let parts =
                profile.spec().parts.iter().chain(&profile.spec().by).map(|part| part.field().to_owned());
            let condition = condition(profile)?;
            let asked = condition.iter().flat_map(Condition::fields).map(|field| field.to_string());
            let names: Vec<String> = parts.chain(asked).collect();
            paths.extend(names.iter().map(|name| simple(name, inside)).collect::<Option<Vec<_>>>()?);
        }
        paths.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        paths.dedup();
        let reader = Reader::new(&paths);
        let others = others.iter().map(|other| reader.place(other)).collect::<Option<_>>()?;
        let wanted = profiles.iter().map(|profile| Wanted::new(profile, inside, &reader));
        let profiles = wanted.collect::<Option<_>>()?;
        Some(Self { kind: reader.place(&kind)?, time: reader.place(&time)?, reader, others, profiles })
    }
}

/// The condition of a profile, if it has one; `None` if it cannot be read here.
fn condition(profile: &Profile) -> Option<Option<Condition>> {
    let filter = profile.spec().filter.as_ref();
    filter.map(|(text, _)| Condition::compile(text).ok()).map_or(Some(None), |condition| condition.map(Some))
}

impl Wanted {
    fn new(profile: &Profile, inside: &str, reader: &Reader) -> Option<Self> {
        let place = |name: &str| reader.place(&simple(name, inside)?);
        let field = |part: &Part| {
            let (place, follows) = (place(part.field())?, FOLLOWING.contains(&part.field()));
            Some(Field { part: part.clone(), place, follows })
        };
        let named = |path: FieldPath| {
            let place = place(path.as_str()).filter(|_| !FOLLOWING.contains(&path.as_str()))?;
            Some((path, place))
        };
        let condition = match condition(profile)? {
            None => None,
            Some(condition) => {
                let names = condition.fields().into_iter().map(named).collect::<Option<_>>()?;
                Some((condition, names))
            }
        };
        let parts = profile.spec().parts.iter().map(field).collect::<Option<_>>()?;
        let by = match &profile.spec().by {
            Some(part) => Some(field(part)?),
            None => None,
        };
        Some(Self { condition, parts, by })
    }

    /// By what the profile knows the event; nothing if it is none of its own, and `None` if that cannot be told here.
    fn hashes(
        &self,
        fields: &JsonFields<'_>,
        profile: &Profile,
        buffer: &mut Vec<u8>,
    ) -> Option<Option<Hashes>> {
        if let Some((condition, names)) = &self.condition
            && !condition.matches(&Renamed { fields, names }, Missing::False)
        {
            return Some(None);
        }
        let mut hashes = Hashes::default();
        for (at, field) in self.parts.iter().enumerate() {
            hashes.set(at, field.hash(fields, profile, buffer)?);
        }
        if let Some(by) = &self.by {
            let hash = by.hash(fields, profile, buffer)?;
            let version = match fields.at(by.place) {
                Some(View::Text(text)) => by.part.version(profile.seed(), Some(text)),
                _ => None,
            };
            hashes.set_group(hash, version);
        }
        Some(Some(hashes))
    }
}

impl Field {
    fn hash(&self, fields: &JsonFields<'_>, profile: &Profile, buffer: &mut Vec<u8>) -> Option<u64> {
        let (seed, view) = (profile.seed(), fields.at(self.place));
        match view {
            Some(View::Text(text)) => Some(self.part.hash_text(seed, text, buffer)),
            Some(View::List(items)) => self.part.hash_items(seed, items, buffer),
            None if !self.follows => Some(self.part.hash(seed, None, buffer)),
            _ => None,
        }
    }
}

/// A field that has one meaning, however a line is read.
fn simple(name: &str, inside: &str) -> Option<FieldPath> {
    let is_simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let path = FieldPath::parse(&format!("{inside}{name}")).ok()?;
    (name.chars().all(is_simple) && !name.ends_with(".length")).then_some(path)
}

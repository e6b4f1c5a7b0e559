//! Lines of JSON read no further than a profile needs, which is what following a busy host costs.
//!
//! An event of a known behaviour is known by a few of its fields. Those are taken out of the line where it stands; all of it is read
//! only when something is to be said of it. Whatever is not plainly one of Falco's lines, or one with Falco's names, is left to
//! [`Lines`](lanner_profile::read::Lines), and so is a field that follows from others.

use lanner_conditions::{Buffer, Condition, FieldPath, Fields, JsonFields, Missing, Reader, View};
use lanner_core::time::parse_time_ms;
use lanner_profile::read::{Format, MAX_LINE_BYTES};
use lanner_profile::{Hashes, Part, Profile};

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
    /// Of each profile, whether the event is its own, and by what it knows it.
    pub(super) found: Vec<Option<Hashes>>,
}

/// How events are written, and where their fields are.
struct Shape {
    reader: Reader,
    kind: FieldPath,
    time: FieldPath,
    /// Other times, which say more.
    others: Vec<FieldPath>,
    profiles: Vec<Wanted>,
}

/// What one profile needs.
struct Wanted {
    condition: Option<(Condition, Vec<(FieldPath, FieldPath)>)>,
    /// Parts in order, and what groups are told apart by.
    parts: Vec<Field>,
    by: Option<Field>,
}

struct Field {
    part: Part,
    path: FieldPath,
    follows: bool,
}

/// Fields under the names that a condition has for them.
struct Renamed<'f> {
    fields: &'f JsonFields<'f>,
    names: &'f [(FieldPath, FieldPath)],
}

impl Fields for Renamed<'_> {
    fn view(&self, path: &FieldPath) -> Option<View<'_>> {
        let (_, inside) = self.names.iter().find(|(name, _)| name == path)?;
        self.fields.view(inside)
    }
}

impl Skim {
    /// For these profiles; `None` where their fields have names that may mean several things.
    pub(super) fn new(profiles: &[Profile], format: Format) -> Option<Self> {
        if !matches!(format, Format::Auto | Format::Falco | Format::Json) {
            return None;
        }
        let (falco, plain) = (Shape::new(profiles, INSIDE)?, Shape::new(profiles, "")?);
        Some(Self { format, falco, plain, buffer: Buffer::default(), text: Vec::new(), found: Vec::new() })
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
        fields.view(&shape.kind)?;
        if shape.others.iter().any(|other| fields.view(other).is_some()) {
            return None;
        }
        let View::Text(time) = fields.view(&shape.time)? else { return None };
        let time_ms = parse_time_ms(time).ok()?;
        self.found.clear();
        for (wanted, profile) in shape.profiles.iter().zip(profiles) {
            self.found.push(wanted.hashes(&fields, profile, &mut self.text)?);
        }
        Some(time_ms)
    }
}

impl Shape {
    fn new(profiles: &[Profile], inside: &str) -> Option<Self> {
        let path = |name: &str| FieldPath::parse(&format!("{inside}{name}")).ok();
        let others = ["evt.rawtime", "evt.time", "_time"]
            .iter()
            .filter_map(|name| path(name))
            .filter(|_| inside.is_empty());
        // What tells other programs' lines.
        let foreign = [
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
        let foreign =
            foreign.iter().filter_map(|name| FieldPath::parse(name).ok()).filter(|_| inside.is_empty());
        let others: Vec<FieldPath> = others.chain(foreign).collect();
        let (kind, time) = (path("evt.type")?, FieldPath::parse("time").ok()?);
        let wanted: Vec<Wanted> =
            profiles.iter().map(|profile| Wanted::new(profile, inside)).collect::<Option<_>>()?;
        let mut paths = vec![kind.clone(), time.clone()];
        paths.extend(others.iter().cloned());
        for wanted in &wanted {
            paths.extend(wanted.parts.iter().chain(&wanted.by).map(|field| field.path.clone()));
            paths.extend(wanted.condition.iter().flat_map(|(_, names)| names).map(|(_, path)| path.clone()));
        }
        paths.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        paths.dedup_by(|a, b| a == b);
        Some(Self { reader: Reader::new(&paths), kind, time, others, profiles: wanted })
    }
}

impl Wanted {
    fn new(profile: &Profile, inside: &str) -> Option<Self> {
        let field = |part: &Part| {
            let path = simple(part.field(), inside)?;
            Some(Field { part: part.clone(), path, follows: FOLLOWING.contains(&part.field()) })
        };
        let spec = profile.spec();
        let condition = match &spec.filter {
            None => None,
            Some((text, _)) => {
                let condition = Condition::compile(text).ok()?;
                let names = condition.fields().into_iter().map(|path| {
                    let follows = FOLLOWING.contains(&path.as_str());
                    let inside = simple(path.as_str(), inside).filter(|_| !follows)?;
                    Some((path, inside))
                });
                let names = names.collect::<Option<_>>()?;
                Some((condition, names))
            }
        };
        let parts = spec.parts.iter().map(field).collect::<Option<_>>()?;
        let by = match &spec.by {
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
            let version = match fields.view(&by.path) {
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
        let (seed, view) = (profile.seed(), fields.view(&self.path));
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

//! `lanner profile watch`: prints what is unusual, and goes on learning.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use lanner_core::printable::one_line;
use lanner_core::time::{format_time, parse_duration_ms};
use lanner_profile::Profile;
use lanner_profile::read::{Format, HostEvent, MAX_LINE_BYTES, object_of};
use lanner_profile::write::{FORMS, Finding, Form, as_event};
use serde_json::{Map, Value};

use super::cascade::Cascade;
use super::events::{self, Sink};
use super::fleet::{self, Member};
use super::kept;
use super::shared::{Events, FleetArgs, Held};
use super::skim::Skim;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::{input, output};

/// How often a followed file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// File of profiles.
    #[arg(value_name = "PROFILE")]
    profile: PathBuf,
    #[command(flatten)]
    events: Events,
    #[command(flatten)]
    fleet: FleetArgs,
    #[command(flatten)]
    held: Held,
    /// How often the fleet is told what was seen.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5m", help_heading = "Fleet")]
    tell: Duration,
    /// A stream of the server on which findings become events.
    #[arg(long, value_name = "NAME", requires = "fleet", help_heading = "Fleet")]
    stream: Option<String>,
    /// How findings are written.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// Of several profiles, how many must find an event unusual.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    votes: usize,
    /// Learn nothing.
    #[arg(long)]
    frozen: bool,
    /// Follow one file as it grows and is rotated, until interrupted.
    #[arg(long)]
    follow: bool,
    /// Save what was learned into the file of profiles: at the end, and this often.
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "frozen")]
    save: Option<Duration>,
}

fn duration(text: &str) -> std::result::Result<Duration, String> {
    let length_ms = parse_duration_ms(text).map_err(|error| error.to_string())?;
    Ok(Duration::from_millis(length_ms.unsigned_abs()))
}

/// How findings are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line for people.
    #[default]
    Text,
    /// Lanner's own JSON.
    Json,
    /// Falco's JSON output.
    Falco,
    /// OCSF Detection Finding.
    Ocsf,
    /// Elastic Common Schema.
    Ecs,
}

impl Output {
    /// `None` for people.
    fn form(self) -> Option<Form> {
        let value = self.to_possible_value()?;
        FORMS.iter().find(|(name, _)| *name == value.get_name()).map(|(_, form)| *form)
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let mut profiles = profiles(args)?;
    let options = args.fleet.options(args.stream.as_deref());
    let member = options.map(|options| Member::join(options, &mut profiles, args.tell)).transpose()?;
    args.held.hold(&mut profiles);
    let cascade = Cascade::of(&profiles);
    // What one says stands in no line.
    let skim = if cascade.is_one() { None } else { Skim::new(&profiles, args.events.input.format()) };
    let mut watch = Watch {
        args,
        skim,
        cascade,
        profiles,
        member,
        n_events: 0,
        form: args.output.form(),
        out: output::data(),
        n_found: 0,
        saved: Instant::now(),
    };
    let mut reader = events::Reader::new(args.events.input.format());
    match &args.events.files[..] {
        [file] if args.follow => watch.follow(&mut reader, file)?,
        _ if args.follow => return Err(Failure::user("--follow takes one file")),
        files => {
            for file in files {
                reader.file(file, &mut watch)?;
            }
        }
    }
    watch.out.flush()?;
    if let Some(member) = watch.member.take() {
        member.leave(&mut watch.profiles);
    }
    reader.tell()?;
    watch.save()?;
    Ok(Outcome::found(watch.n_found > 0))
}

/// The profiles of the file; of one that is still to be written, that of the fleet.
fn profiles(args: &Args) -> Result<Vec<Profile>> {
    match args.fleet.options(None) {
        Some(options) if args.save.is_some() && !args.profile.exists() => Ok(vec![fleet::begin(options)?]),
        _ => kept::load(&args.profile),
    }
}

/// Events between two looks at what the fleet knows.
const LOOK_AFTER: u32 = 1_000;

struct Watch<'a> {
    args: &'a Args,
    skim: Option<Skim>,
    cascade: Cascade,
    profiles: Vec<Profile>,
    /// This host in its fleet.
    member: Option<Member>,
    n_events: u32,
    form: Option<Form>,
    out: Box<dyn io::Write>,
    n_found: u64,
    saved: Instant,
}

impl Sink for Watch<'_> {
    fn event(&mut self, time_ms: i64, event: &HostEvent) -> Result<()> {
        self.count();
        let Self { args, profiles, cascade, form, .. } = self;
        let mut found = Found::new(args, *form);
        cascade.pass(profiles, &event.fields, time_ms, !args.frozen, |answer| {
            if answer.is_rare {
                found.add(&Finding::new(time_ms, &event.fields, answer));
            }
        });
        self.tell(found)
    }

    /// Asks about an event that is known by a few of its fields. All of them are read when there is something to say of it.
    fn skim(&mut self, line: &str) -> Result<Option<i64>> {
        let Self { args, skim: Some(skim), profiles, form, .. } = self else { return Ok(None) };
        let Some(time_ms) = skim.read(line, profiles) else { return Ok(None) };
        let mut found = Found::new(args, *form);
        let fields = || whole(line, args.events.input.format());
        for (profile, hashes) in profiles.iter_mut().zip(&skim.found) {
            let Some(hashes) = hashes else { continue };
            let answer = profile.look_up(*hashes, time_ms, !args.frozen, |spec| spec.name_of(&fields()));
            if answer.is_rare {
                found.add(&Finding::new(time_ms, &fields(), &answer));
            }
        }
        self.count();
        self.tell(found)?;
        Ok(Some(time_ms))
    }
}

/// The fields of a line that was skimmed.
fn whole(line: &str, format: Format) -> Map<String, Value> {
    let object = serde_json::from_str(line).ok();
    object.and_then(|object| object_of(object, format).ok()).map(|event| event.fields).unwrap_or_default()
}

/// What profiles find of one event.
struct Found<'a> {
    args: &'a Args,
    form: Option<Form>,
    n_votes: usize,
    text: Option<String>,
    sent: Option<String>,
}

impl<'a> Found<'a> {
    const fn new(args: &'a Args, form: Option<Form>) -> Self {
        Self { args, form, n_votes: 0, text: None, sent: None }
    }

    /// The first one is written.
    fn add(&mut self, finding: &Finding<'_>) {
        self.n_votes += 1;
        if self.args.stream.is_some() {
            self.sent.get_or_insert_with(|| as_event(finding).to_string());
        }
        let written = || match self.form {
            Some(form) => form(finding).to_string(),
            // A line each, whatever a program was started with.
            None => {
                let at = format_time(finding.time_ms);
                one_line(&format!("{at}  {}  {}", finding.answer.profile, finding.message())).into_owned()
            }
        };
        self.text.get_or_insert_with(written);
    }
}

impl Watch<'_> {
    fn tell(&mut self, found: Found<'_>) -> Result<()> {
        if let Some(text) = found.text.filter(|_| found.n_votes >= self.args.votes) {
            self.n_found += 1;
            writeln!(self.out, "{text}")?;
            if let Some((member, sent)) = self.member.as_ref().zip(found.sent) {
                member.find(sent);
            }
        }
        Ok(())
    }

    fn count(&mut self) {
        self.n_events += 1;
        if self.n_events >= LOOK_AFTER {
            self.look();
        }
    }

    /// Tells the fleet what was seen, if it is time, and hears what it knows.
    fn look(&mut self) {
        self.n_events = 0;
        if let Some(member) = &mut self.member {
            member.look(&mut self.profiles);
        }
    }

    fn save(&mut self) -> Result<()> {
        self.saved = Instant::now();
        if self.args.save.is_some() { kept::save(&self.args.profile, &self.profiles) } else { Ok(()) }
    }

    /// Reads a file as it grows, from its beginning; when another takes its name, or it becomes shorter, that one.
    fn follow(&mut self, reader: &mut events::Reader, path: &Path) -> Result<()> {
        let failed = |error: &io::Error| Failure::file("read", path, error);
        let mut reading = BufReader::new(File::open(path).map_err(|error| failed(&error))?);
        let (mut line, mut number, mut n_bytes) = (Vec::new(), 0, 0_u64);
        loop {
            // Of a line without an end no more than is looked at.
            let rest = (MAX_LINE_BYTES + 1).saturating_sub(line.len()) as u64;
            let n_read =
                (&mut reading).take(rest).read_until(b'\n', &mut line).map_err(|error| failed(&error))?;
            n_bytes += n_read as u64;
            if line.ends_with(b"\n") || line.len() > MAX_LINE_BYTES {
                number += 1;
                reader.line(&input::text(&line), path, number, self)?;
                line.clear();
                continue;
            }
            if n_read > 0 {
                continue;
            }
            self.out.flush()?;
            self.look();
            if self.args.save.is_some_and(|every| self.saved.elapsed() >= every) {
                self.save()?;
            }
            if let Ok(file) = File::open(path)
                && is_another(&file, reading.get_ref(), n_bytes)
            {
                remark(&format!("{} was rotated", path.display()));
                reading = BufReader::new(file);
                line.clear();
                (number, n_bytes) = (0, 0);
            } else {
                sleep(LOOK_EVERY);
            }
        }
    }
}

/// Whether the file of that name is no longer the one that is read, or was cut.
fn is_another(named: &File, open: &File, n_bytes: u64) -> bool {
    let (Ok(named), Ok(open)) = (named.metadata(), open.metadata()) else { return false };
    #[cfg(unix)]
    let is_same = {
        use std::os::unix::fs::MetadataExt as _;
        (named.dev(), named.ino()) == (open.dev(), open.ino())
    };
    #[cfg(not(unix))]
    let is_same = named.created().ok() == open.created().ok();
    !is_same || named.len() < n_bytes
}

//! Access logs: read line by line into a recording; lines that cannot be read are counted and shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::ValueEnum;
use lanner_core::Node;
use lanner_traffic::log::{LogFormat, MAX_LINE_BYTES, detect};
use lanner_traffic::{KeyBy, Recording, SessionSettings};

use crate::failure::{Failure, Result, remark};
use crate::input::{self, Lines, Meter};
use crate::output::counted;
use crate::progress::Progress;

/// Lines by which the form of a log is told.
const N_SAMPLED: usize = 200;

/// Requests kept at once: about 90 bytes each.
const MAX_CALLS: usize = 50_000_000;

/// How often progress is looked at, in lines.
const LOOK_EVERY: u64 = 65_536;

/// What the user says about a log; everything else is found.
#[derive(Debug, clap::Args)]
pub(super) struct LogArgs {
    /// Access log to read, gzipped or not; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Form of the lines: combined, json, alb, or a log_format of nginx or Apache; by default detected.
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    log_format: Option<LogFormat>,
    /// What tells clients apart.
    #[arg(long, value_enum, value_name = "KEY", default_value_t)]
    key: Key,
    /// A session ends after a pause of this.
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = lanner_core::time::parse_duration_ms)]
    idle: i64,
    /// OpenAPI document with the paths of the API; by default they are learned.
    #[arg(long, value_name = "FILE")]
    openapi: Option<PathBuf>,
}

/// What tells clients apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Key {
    /// Address and user agent.
    #[default]
    ClientAgent,
    /// Address.
    Client,
    /// User name, or the address.
    User,
    /// Session in the log, or address and user agent.
    Session,
}

fn format(text: &str) -> std::result::Result<LogFormat, String> {
    LogFormat::parse(text).map_err(|error| error.to_string())
}

/// A log that was read.
pub(super) struct Log {
    pub(super) recording: Recording,
    pub(super) settings: SessionSettings,
    /// Paths of the OpenAPI document.
    pub(super) known_paths: Vec<String>,
    pub(super) n_lines: u64,
    pub(super) n_unparsed: u64,
}

/// What is read so far.
struct Reading<'a> {
    name: &'a str,
    format: Option<LogFormat>,
    /// The first lines, until the form is told.
    sample: Vec<String>,
    recording: Recording,
    n_lines: u64,
    n_unparsed: u64,
    /// The first line that could not be read.
    example: Option<(u64, String)>,
}

impl LogArgs {
    /// A log whose paths are not known.
    pub(super) fn new(file: &Path, log_format: Option<&str>, key: Key) -> Result<Self> {
        let log_format = log_format.map(format).transpose().map_err(Failure::user)?;
        let idle = SessionSettings::default().idle_ms;
        Ok(Self { file: file.to_owned(), log_format, key, idle, openapi: None })
    }

    /// The name of the file.
    pub(super) fn name(&self) -> String {
        self.file.display().to_string()
    }

    /// Reads the log, and says what could not be read.
    pub(super) fn read(&self) -> Result<Log> {
        let name = self.file.display().to_string();
        let meter = Arc::new(Meter::default());
        let mut lines = Lines::open(&self.file, &meter, MAX_LINE_BYTES)?;
        let total = std::fs::metadata(&self.file).ok().map(|file| file.len());
        let mut progress = Progress::new("reading", "requests", total);
        let key_by = match self.key {
            Key::ClientAgent => KeyBy::ClientAndAgent,
            Key::Client => KeyBy::Client,
            Key::User => KeyBy::User,
            Key::Session => KeyBy::Session,
        };
        let mut reading = Reading {
            name: &name,
            format: self.log_format.clone(),
            sample: Vec::new(),
            recording: Recording::new(key_by),
            n_lines: 0,
            n_unparsed: 0,
            example: None,
        };
        while let Some((_, line)) = lines.next()? {
            reading.take(&input::text(line))?;
            if reading.n_lines.is_multiple_of(LOOK_EVERY) {
                progress.at(meter.n_bytes.load(Ordering::Relaxed), reading.n_lines);
            }
        }
        reading.tell_format()?;
        reading.finish(
            SessionSettings { idle_ms: self.idle, ..SessionSettings::default() },
            known_paths(self.openapi.as_deref())?,
        )
    }
}

impl Key {
    /// Its name in options and files.
    pub(super) fn name(&self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// The paths of an OpenAPI document; none without one.
pub(super) fn known_paths(path: Option<&Path>) -> Result<Vec<String>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let wrong = |why: &str| Failure::user(format!("{}: {why}", path.display()));
    let node = Node::from_yaml(&text).map_err(|error| wrong(&error.to_string()))?;
    let paths = openapi_paths(&node.to_json());
    if paths.is_empty() {
        return Err(wrong("no paths were found").hint("an OpenAPI 3 document has them under `paths`"));
    }
    Ok(paths)
}

/// The paths of an OpenAPI document, behind the path of each of its servers.
fn openapi_paths(document: &serde_json::Value) -> Vec<String> {
    let servers = document["servers"].as_array().into_iter().flatten();
    let mut bases: Vec<String> = servers
        .filter_map(|server| server["url"].as_str())
        .map(|url| {
            let behind =
                url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
            behind.trim_end_matches('/').to_owned()
        })
        .collect();
    bases.sort_unstable();
    bases.dedup();
    if bases.is_empty() {
        bases.push(String::new());
    }
    let paths = document["paths"].as_object().into_iter().flat_map(|paths| paths.keys());
    paths.flat_map(|path| bases.iter().map(move |base| format!("{base}{path}"))).collect()
}

impl Reading<'_> {
    fn take(&mut self, line: &str) -> Result<()> {
        if self.format.is_some() {
            return self.add(line);
        }
        self.sample.push(line.to_owned());
        if self.sample.len() >= N_SAMPLED { self.tell_format() } else { Ok(()) }
    }

    /// Tells the form by the lines so far, and reads them.
    fn tell_format(&mut self) -> Result<()> {
        let sample = std::mem::take(&mut self.sample);
        if self.format.is_none() {
            self.format = detect(&sample);
        }
        if self.format.is_none() && sample.iter().any(|line| !line.trim().is_empty()) {
            let line = sample.first().map_or("", |line| line.trim_end());
            let shown: String = line.chars().take(200).collect();
            return Err(Failure::user(format!("{}: these lines are no access log: {shown}", self.name))
                .hint("give their form with --log-format, as in log_format of nginx"));
        }
        sample.iter().try_for_each(|line| self.add(line))
    }

    fn add(&mut self, line: &str) -> Result<()> {
        self.n_lines += 1;
        if line.trim().is_empty() {
            return Ok(());
        }
        let request = self.format.as_ref().and_then(|format| format.read(line));
        match request {
            Some(request) => self.recording.add(&request),
            None => {
                self.n_unparsed += 1;
                let shown = || line.trim_end().chars().take(200).collect();
                self.example.get_or_insert_with(|| (self.n_lines, shown()));
            }
        }
        if self.recording.n_calls() > MAX_CALLS {
            let (name, n) = (self.name, self.n_lines);
            return Err(Failure::user(format!("{name}:{n}: more than {MAX_CALLS} requests"))
                .hint("cut the log in parts, such as one for each day"));
        }
        Ok(())
    }

    fn finish(self, settings: SessionSettings, known_paths: Vec<String>) -> Result<Log> {
        let Self { name, recording, n_lines, n_unparsed, example, .. } = self;
        if let Some((line, text)) = &example {
            let lines = counted(n_unparsed, "line");
            remark(&format!("{name}: {lines} could not be read; the first is line {line}: {text}"));
        }
        if recording.n_calls() == 0 {
            return Err(Failure::undecided(format!("{name}: no requests were found")).hint(format!(
                "lines of up to {MAX_LINE_BYTES} bytes are read in the form of --log-format"
            )));
        }
        Ok(Log { recording, settings, known_paths, n_lines, n_unparsed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_document() {
        #[track_caller]
        fn check(yaml: &str, expected: &[&str]) {
            assert_eq!(openapi_paths(&Node::from_yaml(yaml).unwrap().to_json()), expected);
        }
        check("{ openapi: 3.1.0, paths: { '/a/{id}': {}, /b: {} } }", &["/a/{id}", "/b"]);
        check(
            "{ servers: [{ url: 'https://x.org/v1/' }, { url: /v2 }], paths: { /a: {} } }",
            &["/v1/a", "/v2/a"],
        );
        check("{ servers: [{ url: 'https://x.org' }], paths: { /a: {} } }", &["/a"]);
        check("{}", &[]);
    }
}

//! Events from files: line by line, bad lines told and counted.

use std::path::Path;
use std::sync::Arc;

use lanner_profile::read::{Format, HostEvent, Lines, MAX_LINE_BYTES};

use crate::failure::{Failure, Result, remark};
use crate::input;
use crate::output::counted;

/// Bad lines that are shown; the others are counted.
const MAX_SHOWN: u64 = 10;

/// Reads events and counts what could not be read.
pub(super) struct Reader {
    lines: Lines,
    n_events: u64,
    n_bad: u64,
    /// The time of the event before, for those that tell none.
    latest_ms: i64,
}

/// What is done with events.
pub(super) trait Sink {
    /// What is done with an event: its time in milliseconds since 1970, and its fields.
    fn event(&mut self, time_ms: i64, event: &HostEvent) -> Result<()>;

    /// Whether the line need not be read as a whole; then its time.
    fn skim(&mut self, line: &str) -> Result<Option<i64>> {
        let _ = line;
        Ok(None)
    }
}

impl<F: FnMut(i64, &HostEvent) -> Result<()>> Sink for F {
    fn event(&mut self, time_ms: i64, event: &HostEvent) -> Result<()> {
        self(time_ms, event)
    }
}

impl Reader {
    pub(super) fn new(format: Format) -> Self {
        Self { lines: Lines::new(format), n_events: 0, n_bad: 0, latest_ms: 0 }
    }

    /// Reads a file to its end.
    pub(super) fn file(&mut self, path: &Path, sink: &mut dyn Sink) -> Result<()> {
        let mut lines = input::Lines::open(path, &Arc::default(), MAX_LINE_BYTES)?;
        while let Some((number, line)) = lines.next()? {
            self.line(&input::text(line), path, number, sink)?;
        }
        self.end(sink)
    }

    /// Reads one line.
    pub(super) fn line(&mut self, line: &str, path: &Path, number: u64, sink: &mut dyn Sink) -> Result<()> {
        if let Some(time_ms) = sink.skim(line)? {
            self.n_events += 1;
            self.latest_ms = time_ms;
            return Ok(());
        }
        let mut events = Vec::new();
        if let Err(message) = self.lines.line(line, &mut |event| events.push(event)) {
            self.n_bad += 1;
            if self.n_bad <= MAX_SHOWN {
                remark(&format!("{}:{number}: the line {message}", path.display()));
            }
        }
        self.pass(events, sink)
    }

    /// The last event, which no line ended.
    pub(super) fn end(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let mut events = Vec::new();
        self.lines.finish(&mut |event| events.push(event));
        self.pass(events, sink)
    }

    fn pass(&mut self, events: Vec<HostEvent>, sink: &mut dyn Sink) -> Result<()> {
        for event in events {
            self.n_events += 1;
            self.latest_ms = event.time_ms.unwrap_or(self.latest_ms);
            sink.event(self.latest_ms, &event)?;
        }
        Ok(())
    }

    /// Says how much could not be read; a failure when nothing could.
    pub(super) fn tell(&self) -> Result<()> {
        if self.n_bad > MAX_SHOWN {
            remark(&format!("{} in all could not be read", counted(self.n_bad, "line")));
        }
        if self.n_events == 0 {
            return Err(Failure::undecided("there is no event to read"));
        }
        Ok(())
    }
}

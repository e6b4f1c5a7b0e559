//! Reads text into batches for the server; errors go into a report.

use std::io::{self, BufRead};
use std::sync::{MutexGuard, PoisonError};

use lanner_core::{Sample, SeriesKey};
use lanner_wire::format::{EventReader, Format, Hints};
use lanner_wire::line_protocol::{self, Precision};
use lanner_wire::pieces::{Ends, next_piece};
use lanner_wire::samples::Samples;
use lanner_wire::table::Row;
use lanner_wire::{Report, carbon, events, ndjson};

use super::age;
use crate::failure::{Failure, remark};
use crate::tables::{self, Named, TableArgs};

/// Batches are about this large.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// How a file is to be read.
#[derive(Debug, Clone)]
pub(super) struct How {
    /// What the file is called in messages.
    pub(super) file: String,
    pub(super) form: Form,
    pub(super) table: TableArgs,
    /// What a column that is only called `value` is called, if `name` does not say it: the file's own name.
    pub(super) stem: Option<String>,
    /// Whether nothing is said of how a table is understood: not when it is only looked through.
    pub(super) is_quiet: bool,
    /// The column or field that holds the time, if it is not called as usual.
    pub(super) time: Option<String>,
    /// What the columns of a wide table are called after, or the one column `value`; the series of a Whisper file.
    pub(super) name: Option<String>,
    pub(super) precision: Precision,
    pub(super) now_ms: i64,
    /// The stream that events go to.
    pub(super) stream: Option<String>,
    /// Looks at ages, where somebody is to be told of them.
    pub(super) watch: Option<age::Shared>,
}

/// What a file holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Events(EventReader),
    /// In the format that is given, or found.
    Samples(Option<&'static Format>),
}

impl Form {
    pub(super) const fn is_events(self) -> bool {
        matches!(self, Self::Events(_))
    }

    /// Whether it is given that the file holds one series without its name.
    pub(super) const fn is_one_series(self) -> bool {
        matches!(self, Self::Samples(Some(format)) if format.is_one_series)
    }
}

/// Lines for the server.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) body: Vec<u8>,
    pub(super) n_items: u64,
    pub(super) lines: Lines,
}

/// What the lines of a batch are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Lines {
    /// Line protocol, or events as NDJSON.
    #[default]
    Usual,
    /// Samples as NDJSON, of series whose names line protocol cannot hold.
    Samples,
}

/// Takes a batch; an error ends the reading.
pub(super) type Send<'s> = &'s mut dyn FnMut(Batch) -> io::Result<()>;

/// Reads all of `input`. What was wrong with single lines is in the report, whatever the result.
///
/// # Errors
/// Why nothing more could be read.
pub(super) fn read<'s>(
    input: &mut dyn BufRead,
    how: &'s How,
    report: &mut Report,
    send: Send<'s>,
) -> Result<(), Failure> {
    let watch = how.watch.as_ref().map(|watch| watch.lock().unwrap_or_else(PoisonError::into_inner));
    let odd = Batch { lines: Lines::Samples, ..Batch::default() };
    let batch = Batch::default();
    let mut batcher = Batcher { batch, odd, line: String::new(), watch, send, failed: None };
    let read = match how.form {
        Form::Events(reader) => read_events(input, how, reader, report, &mut batcher),
        Form::Samples(format) => read_samples(input, how, format, report, &mut batcher),
    };
    batcher.flush();
    match batcher.failed {
        Some(error) => Err(Failure::user(format!("{}: {error}", how.file))),
        None => read,
    }
}

fn read_samples(
    input: &mut dyn BufRead,
    how: &How,
    format: Option<&'static Format>,
    report: &mut Report,
    batcher: &mut Batcher<'_>,
) -> Result<(), Failure> {
    let failed = |error| tables::failure(&how.file, &error, Failure::user);
    let hints = Hints { precision: how.precision, received_ms: Some(how.now_ms) };
    let named = Named { time: how.time.as_deref(), ..Named::default() };
    let mut samples = how.table.open(input, named, format, hints).map_err(failed)?;
    if let Some(table) = samples.table() {
        table.need_times().map_err(failed)?;
        if !how.is_quiet {
            tables::tell_layout(&how.file, table);
        }
    }
    let is_table = samples.table().is_some();
    let mut row = Row::default();
    // The names in the last group of rows.
    let mut named = how.one_series(&samples)?.map(|key| (0, vec![key]));
    let broken = loop {
        match samples.next_row(&mut row) {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(failed(error.into())),
        }
        if is_table && named.as_ref().is_none_or(|(group, _)| *group != row.group) {
            let is_first = named.is_none();
            let keys: Vec<SeriesKey> = samples.keys(row.group).iter().map(|key| how.named(key)).collect();
            if is_first && !how.is_quiet {
                tell_names(&how.file, samples.keys(row.group), &keys);
            }
            named = Some((row.group, keys));
        }
        let keys = named.as_ref().map_or_else(|| samples.keys(row.group), |(_, keys)| keys);
        for (key, &value) in keys.iter().zip(&row.values).filter(|(_, value)| !value.is_nan()) {
            match batcher.sample(key, Sample::new(row.at, value)) {
                Ok(()) => report.accepted += 1,
                Err(why) => report.reject(row.line, None, why),
            }
        }
        if batcher.failed.is_some() {
            break Ok(());
        }
    };
    report.absorb(samples.take_report(), 0);
    broken
}

/// Says which names columns got that are called nothing in particular.
fn tell_names(file: &str, columns: &[SeriesKey], keys: &[SeriesKey]) {
    for (column, key) in columns.iter().zip(keys).filter(|(column, key)| column.name != key.name).take(8) {
        remark(&format!("{file}: {} becomes the series {}", column.name, key.name));
    }
}

impl How {
    /// The series of a file that holds one without its name: it is called `name`, or as the file; `None` of other files.
    fn one_series(&self, samples: &Samples<'_>) -> Result<Option<SeriesKey>, Failure> {
        if !samples.format().is_one_series {
            return Ok(None);
        }
        let Some(name) = self.name.as_ref().or(self.stem.as_ref()) else {
            let message =
                format!("{}: a file of this format does not hold the name of its series", self.file);
            return Err(Failure::user(message).hint("give it with --name"));
        };
        let key = carbon::series_key(name);
        key.map(Some).map_err(|error| Failure::user(format!("{}: {error}", self.file)))
    }

    /// `value` becomes `name`, and any other column `name.column`; without a name `value` is called as the file.
    fn named(&self, key: &SeriesKey) -> SeriesKey {
        let is_value = tables::is_nameless(&key.name);
        let name = match (&self.name, &self.stem) {
            (Some(name), _) if is_value => name.clone(),
            (Some(name), _) => format!("{name}.{}", key.name),
            (None, Some(stem)) if is_value => stem.clone(),
            (None, _) => return key.clone(),
        };
        SeriesKey::new(name, key.labels.clone())
    }
}

fn read_events(
    input: &mut dyn BufRead,
    how: &How,
    reader: EventReader,
    report: &mut Report,
    batcher: &mut Batcher<'_>,
) -> Result<(), Failure> {
    let read = in_pieces(input, reader.ends, report, |piece, report| {
        let (time_field, received_ms) = (how.time.as_deref(), how.now_ms);
        let options = events::Options { time_field, received_ms, wanted: Some(&[]) };
        (reader.parse)(piece, options, report, &mut |event| {
            if batcher.leaves_out_event(how, event.time_ms) {
                return Ok(());
            }
            batcher.batch.body.extend_from_slice(event.json.as_bytes());
            batcher.batch.body.push(b'\n');
            batcher.count()
        });
    });
    read.map_err(|error| Failure::user(format!("{}: {error}", how.file)))
}

/// Reads piece by piece; lines in the report are those of the file.
fn in_pieces(
    input: &mut dyn BufRead,
    ends: Ends,
    report: &mut Report,
    mut read: impl FnMut(&[u8], &mut Report),
) -> io::Result<()> {
    let mut piece = Vec::new();
    let mut n_lines = 0;
    while next_piece(input, ends, &mut piece)? {
        let mut part = Report::default();
        read(&piece, &mut part);
        report.absorb(part, n_lines);
        n_lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    Ok(())
}

struct Batcher<'s> {
    batch: Batch,
    odd: Batch,
    line: String,
    watch: Option<MutexGuard<'s, age::Watch>>,
    send: Send<'s>,
    failed: Option<io::Error>,
}

impl Batcher<'_> {
    fn leaves_out_event(&mut self, how: &How, time_ms: i64) -> bool {
        let stream = how.stream.as_deref().unwrap_or_default();
        self.watch.as_mut().is_some_and(|watch| watch.leaves_out_event(stream, time_ms))
    }

    fn sample(&mut self, key: &SeriesKey, sample: Sample) -> Result<(), String> {
        if self.watch.as_mut().is_some_and(|watch| watch.leaves_out(key, sample)) {
            return Ok(());
        }
        self.line.clear();
        if line_protocol::write_sample(&mut self.line, key, sample).is_err() {
            ndjson::write_sample(&mut self.odd.body, key, sample)
                .map_err(|error| format!("the name \"{}\" cannot be sent: {error}", key.name))?;
            self.odd.n_items += 1;
            if self.odd.body.len() >= BATCH_BYTES {
                self.flush();
            }
            return Ok(());
        }
        self.batch.body.extend_from_slice(self.line.as_bytes());
        self.count()
    }

    fn count(&mut self) -> Result<(), String> {
        self.batch.n_items += 1;
        if self.batch.body.len() >= BATCH_BYTES {
            self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) {
        let odd = Batch { lines: Lines::Samples, ..Batch::default() };
        let batches = [std::mem::take(&mut self.batch), std::mem::replace(&mut self.odd, odd)];
        for batch in batches {
            if batch.n_items > 0 && self.failed.is_none() {
                self.failed = (self.send)(batch).err();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lanner_wire::format::named;

    use super::*;

    /// Samples of a format that is given, or found.
    fn samples(format: &str) -> Form {
        Form::Samples(named(format))
    }

    fn events(format: &str) -> Form {
        Form::Events(named(format).and_then(|format| format.events).unwrap())
    }

    const FOUND: Form = Form::Samples(None);

    fn how(form: Form) -> How {
        How {
            file: "it".to_owned(),
            form,
            table: TableArgs::default(),
            stem: Some("stem".to_owned()),
            is_quiet: false,
            time: None,
            name: None,
            precision: Precision::Nanoseconds,
            now_ms: 7_000,
            stream: None,
            watch: None,
        }
    }

    fn run(form: Form, name: Option<&str>, text: &str) -> (String, Report, Result<(), Failure>) {
        let how = How { name: name.map(str::to_owned), ..how(form) };
        let mut sent = Vec::new();
        let mut report = Report::default();
        let result = read(&mut text.as_bytes(), &how, &mut report, &mut |batch| {
            sent.extend(batch.body);
            Ok(())
        });
        (String::from_utf8(sent).unwrap(), report, result)
    }

    #[test]
    fn everything_becomes_lines() {
        #[track_caller]
        fn check(form: Form, name: Option<&str>, text: &str, expected: &str) {
            let (sent, report, result) = run(form, name, text);
            assert_eq!((sent.as_str(), report.rejected), (expected, 0), "{result:?}");
            assert!(result.is_ok(), "{result:?}");
        }
        check(
            samples("csv"),
            None,
            "time,name,value,host\n2026-01-01,cpu,2,a\n",
            "cpu,host=a value=2 1767225600000000000\n",
        );
        check(samples("csv"), None, "time;a;b\n2026-01-01;2;\n", "a value=2 1767225600000000000\n");
        check(samples("csv"), None, "time,value\n2026-01-01,2\n", "stem value=2 1767225600000000000\n");
        check(samples("csv"), Some("x"), "time,value\n2026-01-01,2\n", "x value=2 1767225600000000000\n");
        check(samples("csv"), Some("x"), "time,a\n2026-01-01,2\n", "x.a value=2 1767225600000000000\n");
        check(
            samples("ndjson"),
            None,
            "{\"name\":\"a b\",\"time\":1000,\"value\":2}\n",
            "a\\ b value=2 1000000000\n",
        );
        check(
            samples("line"),
            None,
            "cpu,h=a v=1,w=2 1000000\n",
            "cpu.v,h=a value=1 1000000\ncpu.w,h=a value=2 1000000\n",
        );
        check(samples("line"), None, "cpu value=1", "cpu value=1 7000000000\n");
        check(FOUND, None, "cpu{h=\"a\"} 1 1000\n", "cpu,h=a value=1 1000000000000\n");
        let answer = r#"{"data":{"result":[{"metric":{"__name__":"cpu"},"values":[[1,"1"],[2,"NaN"]]}]}}"#;
        check(FOUND, None, answer, "cpu value=1 1000000000\n");
        // Names that line protocol cannot hold.
        let odd = r##"{"name":"#a\\","time":"1970-01-01T00:00:01Z","value":2.0}"##;
        check(samples("ndjson"), None, odd, &format!("{odd}\n"));
        check(events("ndjson"), None, "[{\"a\": 1}, {\"b\": 2}]", "{\"a\":1}\n{\"b\":2}\n");
        check(events("ndjson"), None, "{\n \"a\": 1\n}\n{\"b\":2}", "{\"a\":1}\n{\"b\":2}\n");
        check(events("ndjson"), None, "", "");
        check(
            events("text"),
            None,
            "a \"b\"\r\n\n{}",
            "{\"message\":\"a \\\"b\\\"\"}\n{\"message\":\"{}\"}\n",
        );
    }

    #[test]
    fn bad_lines_cost_only_themselves() {
        #[track_caller]
        fn check(form: Form, text: &str, lines: &[u64]) {
            let (_, report, _) = run(form, None, text);
            let found: Vec<u64> = report.problems.iter().map(|problem| problem.line).collect();
            assert_eq!(found, lines, "{:?}", report.problems);
        }
        let table = "time,a\nx,1\n2026-01-01,2\n2026-01-02,x\n2026-01-03,3\n2026-01-04,3\n";
        check(samples("csv"), table, &[2, 4]);
        check(samples("ndjson"), "{}\n{\"name\":\"a\",\"time\":1,\"value\":1}\n7\n", &[1, 3]);
        check(samples("line"), "a v=1\nb v=\nc v=2\n", &[2]);
        check(events("ndjson"), "{\"a\":1}\n{\"b\"\n{\"c\":3}\n{\"time\":\"then\"}\n", &[2, 4]);
        let many = format!("{}a v=\n", "a v=1\n".repeat(400_000));
        check(samples("line"), &many, &[400_001]); // in a later piece
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        let (_, _, result) = run(samples("csv"), None, "1,2\n3,4\n");
        assert!(result.is_err_and(|why| format!("{why:?}").contains("it has no column of times")));
        let how = how(events("ndjson"));
        let mut refuse = |_| Err(io::Error::other("gone"));
        let result = read(&mut "{}".as_bytes(), &how, &mut Report::default(), &mut refuse);
        assert!(result.is_err_and(|why| format!("{why:?}").contains("it: gone")));
    }
}

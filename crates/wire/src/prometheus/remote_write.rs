//! Remote write of Prometheus, versions 1.0 and 2.0: samples by series, as protocol buffers that were compressed by Snappy.
//!
//! Reading order: [`Version`] (which of both a request is), [`read`] (its samples), [`Series`] (whose they are). As with line
//! protocol, a store looks up a series as it was [written](Series::written), and makes its key only where it is new.

use std::collections::HashSet;

use lanner_core::{Labels, Sample, SeriesKey};

use super::series::NAME;
use crate::Report;
use crate::instant::within_bounds;
use crate::protobuf::{self, ProtobufError, Value, fields};
use crate::report::shown;

/// More texts than this in one request of version 2.0 are refused; Prometheus sends some thousands.
const MAX_SYMBOLS: usize = 1 << 20;

/// The longest labels of a series, bytes.
const MAX_LABELS_BYTES: usize = 64 * 1024;

/// Which version a request is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `prometheus.WriteRequest`.
    One,
    /// `io.prometheus.write.v2.Request`.
    Two,
}

impl Version {
    /// What a request says of itself in `Content-Type`; the first version says nothing but `application/x-protobuf`.
    ///
    /// ```
    /// use lanner_wire::prometheus::remote_write::Version;
    /// let of = Version::of_content_type;
    /// assert_eq!(of("application/x-protobuf"), Some(Version::One));
    /// assert_eq!(of("application/x-protobuf;proto=io.prometheus.write.v2.Request"), Some(Version::Two));
    /// assert_eq!(of("application/json"), None);
    /// ```
    #[must_use]
    pub fn of_content_type(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case("application/x-protobuf") {
            return None;
        }
        match parts.find_map(|part| part.strip_prefix("proto=")).map(|name| name.trim_matches('"')) {
            None | Some("prometheus.WriteRequest") => Some(Self::One),
            Some("io.prometheus.write.v2.Request") => Some(Self::Two),
            Some(_) => None,
        }
    }
}

/// Why a request cannot be read; nothing of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteWriteError {
    /// It is no message.
    #[error("the body is no remote write request: {0}")]
    Protobuf(#[from] ProtobufError),
    /// A field is of another type than remote write has it.
    #[error("the body is no remote write request: a field has the wrong type")]
    WrongType,
    /// A label stands for a text that is not there.
    #[error("the body is no remote write request: a label refers to a symbol that does not exist")]
    NoSymbol,
    /// It has too many texts.
    #[error("the request has more than {MAX_SYMBOLS} symbols; send smaller batches")]
    ManySymbols,
}

/// The series of a sample.
#[derive(Debug, Default)]
pub struct Series<'a> {
    labels: Vec<(&'a [u8], &'a [u8])>,
    written: Vec<u8>,
    is_too_long: bool,
}

impl<'a> Series<'a> {
    /// Its labels as they were written: bytes that no other labels have.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        &self.written
    }

    /// What it is called.
    ///
    /// # Errors
    /// What is wrong with its labels.
    pub fn key(&self) -> Result<SeriesKey, String> {
        let (mut name, mut labels, mut seen) = ("", Vec::with_capacity(self.labels.len()), HashSet::new());
        for (label, value) in &self.labels {
            let (label, value) = (text(label)?, text(value)?);
            if !seen.insert(label) {
                return Err(format!("the label \"{}\" is given twice", shown(label)));
            }
            match label {
                "" => return Err("a label has no name".to_owned()),
                NAME => name = value,
                _ => labels.push((label, value)),
            }
        }
        let labels = Labels::new(labels);
        if name.is_empty() {
            return Err(format!("the series {} has no name (__name__)", shown(&labels.to_string())));
        }
        Ok(SeriesKey::new(name, labels))
    }

    fn clear(&mut self) {
        self.labels.clear();
        self.written.clear();
        self.is_too_long = false;
    }

    /// Adds a label, unless they are too long already: short references may stand for long texts.
    fn add(&mut self, label: &'a [u8], value: &'a [u8]) {
        self.is_too_long |= self.written.len() + label.len() + value.len() > MAX_LABELS_BYTES;
        if self.is_too_long {
            return;
        }
        self.labels.push((label, value));
        for text in [label, value] {
            self.written.extend_from_slice(&(text.len() as u64).to_le_bytes());
            self.written.extend_from_slice(text);
        }
    }
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| {
        let text = String::from_utf8_lossy(bytes);
        format!("\"{}\" is not UTF-8 text", shown(&text))
    })
}

/// Reads a request, calling `on_sample` for each sample; the report's lines are series, counted from 1.
///
/// A sample that is no number, as Prometheus marks the end of a series, is skipped. One that cannot be taken, or for which
/// `on_sample` returns a reason, is counted and explained in `report`, and costs only itself; so do native histograms. Exemplars
/// and metadata are left out. Cost: O(length).
///
/// # Errors
/// [`RemoteWriteError`]; samples before the mistake were handed out already.
pub fn read<'a>(
    version: Version,
    message: &'a [u8],
    report: &mut Report,
    mut on_sample: impl FnMut(&Series<'a>, Sample) -> Result<(), String>,
) -> Result<(), RemoteWriteError> {
    let layout = Layout::new(version, message)?;
    let (mut series, mut parts, mut number) = (Series::default(), Parts::default(), 0);
    for field in fields(message) {
        let (field, value) = field?;
        if field != layout.series {
            continue;
        }
        number += 1;
        parts.read(&layout, bytes(value)?, &mut series)?;
        for (time_ms, value) in &parts.samples {
            let taken = match sample(*time_ms, *value) {
                Ok(Some(_)) if series.is_too_long => Err(LONG_LABELS.to_owned()),
                Ok(Some(sample)) => on_sample(&series, sample).map(|()| true),
                Ok(None) => Ok(false),
                Err(why) => Err(why),
            };
            match taken {
                Ok(true) => report.accepted += 1,
                Ok(false) => report.skipped += 1,
                Err(why) => report.reject(number, None, why),
            }
        }
        for _ in 0..parts.n_histograms {
            report.reject(number, None, HISTOGRAM);
        }
    }
    Ok(())
}

const LONG_LABELS: &str = "the labels of the series are longer than 64 KiB";
const HISTOGRAM: &str =
    "native histograms are not kept; send classic ones, or make numbers of them by a recording rule";

/// A sample that can be kept; `None` where its value is no number.
fn sample(time_ms: i64, value: f64) -> Result<Option<Sample>, String> {
    if !value.is_finite() {
        return Ok(None);
    }
    let time_ms =
        within_bounds(time_ms).ok_or_else(|| format!("{time_ms} ms is not a time between 1900 and 2200"))?;
    Ok(Some(Sample::new(time_ms, value)))
}

/// The numbers of fields, in which the versions differ, and the texts that labels of version 2.0 stand for.
struct Layout<'a> {
    series: u32,
    histograms: u32,
    symbols: Option<Vec<&'a [u8]>>,
}

impl<'a> Layout<'a> {
    fn new(version: Version, message: &'a [u8]) -> Result<Self, RemoteWriteError> {
        Ok(match version {
            Version::One => Self { series: 1, histograms: 4, symbols: None },
            Version::Two => Self { series: 5, histograms: 3, symbols: Some(symbols(message)?) },
        })
    }

    fn symbol(symbols: &[&'a [u8]], reference: u64) -> Result<&'a [u8], RemoteWriteError> {
        let symbol = usize::try_from(reference).ok().and_then(|at| symbols.get(at));
        symbol.copied().ok_or(RemoteWriteError::NoSymbol)
    }

    /// Adds what the field 1 of a series says: a label, or the references of labels.
    fn add_labels(
        &self,
        value: Value<'a>,
        parts: &mut Parts,
        series: &mut Series<'a>,
    ) -> Result<(), RemoteWriteError> {
        let Some(symbols) = &self.symbols else {
            let (label, value) = label(bytes(value)?)?;
            series.add(label, value);
            return Ok(());
        };
        let mut add = |reference: u64| {
            match parts.name.take() {
                None => parts.name = Some(reference),
                Some(name) => series.add(Self::symbol(symbols, name)?, Self::symbol(symbols, reference)?),
            }
            Ok(())
        };
        match value {
            Value::Bytes(list) => protobuf::varints(list).try_for_each(|reference| add(reference?)),
            Value::Varint(reference) => add(reference),
            _ => Err(RemoteWriteError::WrongType),
        }
    }
}

fn symbols(message: &[u8]) -> Result<Vec<&[u8]>, RemoteWriteError> {
    let mut symbols = Vec::new();
    for field in fields(message) {
        if let (4, value) = field? {
            symbols.push(bytes(value)?);
        }
        if symbols.len() > MAX_SYMBOLS {
            return Err(RemoteWriteError::ManySymbols);
        }
    }
    Ok(symbols)
}

/// What stands in a series besides its labels.
#[derive(Default)]
struct Parts {
    samples: Vec<(i64, f64)>,
    n_histograms: u64,
    /// The reference of a label's name, while that of its value is still to come.
    name: Option<u64>,
}

impl Parts {
    fn read<'a>(
        &mut self,
        layout: &Layout<'a>,
        message: &'a [u8],
        series: &mut Series<'a>,
    ) -> Result<(), RemoteWriteError> {
        series.clear();
        self.samples.clear();
        (self.n_histograms, self.name) = (0, None);
        for field in fields(message) {
            match field? {
                (1, value) => layout.add_labels(value, self, series)?,
                (2, value) => self.samples.push(time_and_value(bytes(value)?)?),
                (number, _) if number == layout.histograms => self.n_histograms += 1,
                _ => {}
            }
        }
        if self.name.is_some() { Err(RemoteWriteError::NoSymbol) } else { Ok(()) }
    }
}

/// A name and a value; what is left out is empty.
fn label(message: &[u8]) -> Result<(&[u8], &[u8]), RemoteWriteError> {
    let (mut label, mut text): (&[u8], &[u8]) = (b"", b"");
    for field in fields(message) {
        match field? {
            (1, value) => label = bytes(value)?,
            (2, value) => text = bytes(value)?,
            _ => {}
        }
    }
    Ok((label, text))
}

/// A sample's time and value; what is left out is zero.
fn time_and_value(message: &[u8]) -> Result<(i64, f64), RemoteWriteError> {
    let (mut time_ms, mut number) = (0, 0.0);
    for field in fields(message) {
        match field? {
            (1, value) => number = value.double().ok_or(RemoteWriteError::WrongType)?,
            (2, value) => time_ms = value.int64().ok_or(RemoteWriteError::WrongType)?,
            _ => {}
        }
    }
    Ok((time_ms, number))
}

const fn bytes(value: Value<'_>) -> Result<&[u8], RemoteWriteError> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        _ => Err(RemoteWriteError::WrongType),
    }
}

#[cfg(test)]
mod tests;

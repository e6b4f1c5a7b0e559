//! Samples as CSV in long form: `time,name,value,` and a column per label.

use std::io;
use std::sync::Arc;

use lanner_core::time::format_time;
use lanner_core::{Sample, SeriesKey};

/// Why a sample was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A label that is called like one of the fixed columns, or has no name.
    #[error("a label called \"{label}\" cannot be a column; export as ndjson instead")]
    Unwritable {
        /// The label.
        label: String,
    },
    /// A series with a label that was not announced.
    #[error("the label \"{label}\" has no column; create the writer with the keys of all series")]
    NoColumn {
        /// The label.
        label: String,
    },
    /// The output failed.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Writes samples of series that are known beforehand, so that each label has its column.
///
/// ```
/// use lanner_core::{Labels, Sample, SeriesKey};
/// use lanner_wire::csv::Writer;
/// let cpu = SeriesKey::new("cpu", Labels::new([("host", "a")]));
/// let mem = SeriesKey::new("mem", Labels::default());
/// let mut writer = Writer::new(Vec::new(), [&cpu, &mem])?;
/// writer.write(&cpu, Sample::new(0, 1.5))?;
/// writer.write(&mem, Sample::new(0, 80.0))?;
/// let text = String::from_utf8_lossy(&writer.finish()?).into_owned();
/// assert_eq!(text, "time,name,value,host\n1970-01-01T00:00:00Z,cpu,1.5,a\n1970-01-01T00:00:00Z,mem,80,\n");
/// # Ok::<(), lanner_wire::csv::WriteError>(())
/// ```
pub struct Writer<W: io::Write> {
    out: ::csv::Writer<W>,
    labels: Vec<Arc<str>>,
}

impl<W: io::Write> Writer<W> {
    /// Writes the first row: time, name, value, and the labels of `keys` in alphabetical order.
    ///
    /// # Errors
    /// [`WriteError::Unwritable`], and what the output returns.
    pub fn new<'k>(out: W, keys: impl IntoIterator<Item = &'k SeriesKey>) -> Result<Self, WriteError> {
        let mut labels: Vec<&str> =
            keys.into_iter().flat_map(|key| key.labels.iter().map(|(name, _)| name)).collect();
        labels.sort_unstable();
        labels.dedup();
        let is_taken = |label: &str| {
            let fixed = [
                "time",
                "name",
                "value",
                "series",
                "metric",
                "timestamp",
                "@timestamp",
                "datetime",
                "date",
                "ts",
            ];
            label.trim() != label
                || label.is_empty()
                || fixed.iter().any(|name| label.eq_ignore_ascii_case(name))
        };
        if let Some(label) = labels.iter().find(|label| is_taken(label)) {
            return Err(WriteError::Unwritable { label: (*label).to_owned() });
        }
        let mut out = ::csv::Writer::from_writer(out);
        let first_row = ["time", "name", "value"].into_iter().chain(labels.iter().copied());
        out.write_record(first_row).map_err(io::Error::from)?;
        Ok(Self { out, labels: labels.into_iter().map(Arc::from).collect() })
    }

    /// Writes one row.
    ///
    /// # Errors
    /// [`WriteError::NoColumn`] before anything is written, and what the output returns.
    pub fn write(&mut self, key: &SeriesKey, sample: Sample) -> Result<(), WriteError> {
        let has_column = |label: &str| self.labels.binary_search_by(|known| (**known).cmp(label)).is_ok();
        if let Some((label, _)) = key.labels.iter().find(|(label, _)| !has_column(label)) {
            return Err(WriteError::NoColumn { label: label.to_owned() });
        }
        let (time, value) = (format_time(sample.time_ms), sample.value.to_string());
        let cells = [time.as_str(), &key.name, &value].into_iter();
        let labels = self.labels.iter().map(|label| key.labels.get(label).unwrap_or_default());
        self.out.write_record(cells.chain(labels)).map_err(io::Error::from)?;
        Ok(())
    }

    /// Flushes, and gives the output back.
    ///
    /// # Errors
    /// What the output returns.
    pub fn finish(self) -> Result<W, WriteError> {
        Ok(self.out.into_inner().map_err(::csv::IntoInnerError::into_error)?)
    }
}

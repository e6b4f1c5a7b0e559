//! The data at hand: what queries ask of the streams, series and sources that an installation has.
//!
//! A kind of query is written in terms of these few, so that a new kind needs no word in whoever holds the data.

use std::sync::Arc;

use jiff::tz::TimeZone;
use lanner_conditions::Condition;
use lanner_core::{Answer, Ask, Matcher, RemoteAsk, RemoteSeries, SourceError, TimeRange};

use crate::measure::{Measure, Remembers};

/// A measure on the events of a stream.
#[derive(Debug, Clone)]
pub struct StreamQuery {
    /// The stream's name.
    pub stream: Arc<str>,
    /// What is measured.
    pub measure: Measure,
    /// Which events count; all without.
    pub condition: Option<Condition>,
    /// Fields whose values form groups.
    pub by: Vec<String>,
    /// What is remembered of the values of the last of them, for a rule that looks for new ones.
    pub remembers: Option<Remembers>,
    /// A name for this query: equal queries have equal fingerprints, whatever rules they stand in.
    pub fingerprint: u64,
}

impl StreamQuery {
    /// For how long values are known after they were last seen, milliseconds; 0 where none are remembered.
    #[must_use]
    pub fn over_ms(&self) -> i64 {
        self.remembers.as_ref().map_or(0, |remembers| remembers.over_ms)
    }
}

/// A measure on the samples of series.
#[derive(Debug, Clone)]
pub struct SeriesQuery {
    /// The series' name; `*` stands for any characters.
    pub name: Arc<str>,
    /// Which of them, by label.
    pub labels: Vec<Matcher>,
    /// What is measured.
    pub measure: Measure,
    /// Labels whose values form groups; `*` alone makes each series a group.
    pub by: Vec<String>,
    /// A name for this query.
    pub fingerprint: u64,
}

/// Series by the names that Graphite knows them by, with when they began.
pub trait Stored: lanner_graphite::Source {
    /// The time of the first value of a series; `None` if it has none.
    ///
    /// # Errors
    /// What the source says, for people.
    fn first_s(&self, name: &str) -> Result<Option<i64>, String>;

    /// The time zone of times of day in expressions that name none.
    fn zone(&self) -> TimeZone {
        TimeZone::UTC
    }
}

/// The series that a source elsewhere answers, or why it does not.
pub type Fetched = Result<Arc<Vec<RemoteSeries>>, SourceError>;

/// A trained detector as a query sees it: rows of numbers become scores.
pub trait RowScorer: std::fmt::Debug + Send + Sync {
    /// The names of its columns.
    fn columns(&self) -> &[String];

    /// Rows that a score looks at.
    fn n_rows(&self) -> usize;

    /// The distance of two rows, milliseconds, where that is known.
    fn row_ms(&self) -> Option<i64>;

    /// How unusual the last of [`Self::n_rows`] rows is, oldest first, one after the other; 1 is the threshold. NaN is a gap, and
    /// `None` what cannot be scored.
    fn score(&self, rows: &[f64]) -> Option<f64>;

    /// What each column contributes to that.
    fn contributions(&self, rows: &[f64]) -> Vec<f64>;

    /// Where the values of a column usually lie.
    fn usual(&self, column: usize) -> Option<[f64; 2]>;

    /// The label whose values have a detector each; `None` for one that judges all groups. Those of all values have the same columns
    /// and look at as many rows.
    fn by(&self) -> Option<&str> {
        None
    }

    /// The detector of one of these values; `None` for one that was not trained.
    fn of(&self, _entity: &str) -> Option<&dyn RowScorer> {
        None
    }
}

/// Groups that nobody can judge, because the model has no detector for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unjudged {
    /// How many.
    pub n: u64,
    /// The name of the model.
    pub model: String,
    /// The label whose values have a detector each, and some values that have none.
    pub by: String,
    /// Some of them, in order.
    pub some: Vec<String>,
}

/// What there is to measure.
pub trait Data {
    /// Measures events of a stream.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn stream(&mut self, ask: &Ask, query: &Arc<StreamQuery>) -> Answer;

    /// Measures samples of series.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn series(&mut self, ask: &Ask, query: &SeriesQuery) -> Answer;

    /// The series as Graphite's expressions see them.
    ///
    /// # Errors
    /// Why they cannot be listed.
    fn graphite(&mut self) -> Result<Box<dyn Stored + '_>, SourceError>;

    /// Asks a source elsewhere, by the name that the configuration gives it.
    ///
    /// # Errors
    /// What the source says; by default that there is none of this name.
    fn fetch(&mut self, source: &str, _ask: &RemoteAsk) -> Fetched {
        Err(SourceError::Permanent(format!("there is no source \"{source}\"")))
    }

    /// A trained detector, by its name.
    ///
    /// # Errors
    /// Why it cannot be asked; by default that there is none of this name.
    fn model(&mut self, name: &str) -> Result<Arc<dyn RowScorer>, SourceError> {
        Err(SourceError::Permanent(format!("there is no model \"{name}\"")))
    }

    /// Is told which groups of the window could not be judged, or that all could: 0.
    fn unjudged(&mut self, _unjudged: Unjudged) {}

    /// When nothing was received: what is not known of these times is not zero.
    fn away(&mut self) -> Vec<TimeRange> {
        Vec::new()
    }
}

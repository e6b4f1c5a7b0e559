//! One life for all kinds: trained, calibrated, kept in a file, and then scoring rows in batches or as they come.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alike::is_too_alike;
use crate::frame::{Frame, FrameError, check_columns};
use crate::limit::{Follow, Limit};
use crate::method::{Expectations, Kind, Progress, WithPoints};
use crate::rows::{RowSource, Rows};
use crate::scale::Scale;
use crate::store::{Damage, FORMAT, Part, Store, Writer};
use crate::threshold::Rule;
use crate::training::{Fitted, TrainError, Training};

/// Why rows cannot be scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the columns differ from those of training: {}", .differences.join(", "))]
pub struct ColumnsError {
    differences: Vec<String>,
}

/// A trained detector. It never changes, but for its threshold.
///
/// ```
/// use lanner_deep::{Detector, Frame, Training};
///
/// // Two columns that rise and fall together, and then do not.
/// let wave = |i: u16| (f32::from(i) / 10.0).sin();
/// let values = (0..2_000).flat_map(|i| [wave(i), 5.0 * wave(i) + 3.0]).collect();
/// let columns = vec!["requests".to_owned(), "cpu".to_owned()];
/// let training = Frame::new(columns.clone(), values)?;
/// let detector = Detector::train(&training, &Training::default(), &mut |_| ())?;
///
/// let values = (2_000..2_100).flat_map(|i| [wave(i), if i < 2_090 { 5.0 * wave(i) + 3.0 } else { -2.0 }]).collect();
/// let scores = detector.scores(&Frame::new(columns, values)?)?;
/// assert!(scores[18].is_nan() && scores[89] < 1.0 && scores[92] > 1.0);
///
/// let again = Detector::from_bytes(&detector.to_bytes())?;
/// assert_eq!(again.threshold(), detector.threshold());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Detector {
    about: About,
    kind: &'static Kind,
    pub(crate) fitted: Fitted,
    /// Scores of rows that the method had not seen, oldest first.
    held_out: Vec<f32>,
    /// The threshold after training, which follows from these.
    limit: Limit,
}

/// What is known of a detector beside its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct About {
    kind: String,
    columns: Vec<String>,
    n_rows: usize,
    rows_per_day: f64,
    seed: u64,
    rule: Rule,
    follow: Follow,
    points: bool,
    is_too_alike: bool,
    /// What whoever trained it wants to be kept.
    notes: Value,
}

/// Scores of rows, and what they were judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// A score for each row: 1 is the threshold. NaN where nothing can be said.
    pub scores: Vec<f64>,
    /// The threshold of each row, in units of the kind.
    pub thresholds: Vec<f64>,
}

/// What is expected of rows in place of their values, row by row, each in its own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// The first row that is judged.
    pub first: usize,
    /// What the rows before say of each value.
    pub forecasts: Vec<f32>,
    /// What the row and those before say of each value.
    pub reconstructions: Vec<f32>,
    /// What each value contributes to the score of its row, in units of the kind.
    pub errors: Vec<f32>,
}

impl Detector {
    /// Trains a detector: fits the method, and sets the threshold by scores of rows that it was not fitted on.
    ///
    /// Quick kinds are fitted five times: for each quarter of the rows on the others, and then on all. Slow kinds are fitted
    /// once, on the first four fifths.
    ///
    /// # Errors
    /// See [`TrainError`].
    pub fn train(
        frame: &Frame,
        training: &Training,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, TrainError> {
        Self::train_on(frame.into(), training, progress)
    }

    /// The same of rows that may lie elsewhere than in memory: piece by piece, with the same result to the last bit.
    ///
    /// Memory: some pieces of 4,096 rows, about 32 bytes for each row whatever the number of columns, and what the kind looks at all
    /// at once, at most 20,000 windows.
    ///
    /// # Errors
    /// See [`TrainError`].
    pub fn train_on(
        rows: RowSource<'_>,
        training: &Training,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, TrainError> {
        if let Err(error) = check_columns(rows.columns()) {
            return Err(TrainError::Settings(vec![error.to_string()]));
        }
        let (fitted, held_out) = training.fit(rows, progress)?;
        let about = About {
            kind: training.kind.name.to_owned(),
            columns: rows.columns().to_vec(),
            n_rows: rows.n_rows(),
            rows_per_day: training.rows_per_day,
            seed: training.seed,
            rule: training.rule,
            follow: training.follow,
            points: training.points,
            is_too_alike: is_too_alike(&rows.whole()),
            notes: Value::Null,
        };
        let limit = about.limit(&fitted, &held_out);
        Ok(Self { about, kind: training.kind, fitted, held_out, limit })
    }

    /// A score for each row, oldest first: 1 is the threshold. NaN where nothing can be said: for the first rows, which have no
    /// whole window before them, and for rows of nothing but gaps.
    ///
    /// The threshold goes on from where training left it.
    ///
    /// # Errors
    /// The columns are not those of training.
    pub fn scores(&self, frame: &Frame) -> Result<Vec<f64>, ColumnsError> {
        self.judge(frame, &mut self.limit()).map(|judged| judged.scores)
    }

    /// The same, from where a threshold stands; afterwards it stands where these rows left it.
    ///
    /// # Errors
    /// The columns are not those of training.
    pub fn judge(&self, frame: &Frame, limit: &mut Limit) -> Result<Judged, ColumnsError> {
        self.check_columns(frame.columns())?;
        let (mut scores, mut thresholds) = (Vec::new(), Vec::new());
        for score in self.fitted.scores(&RowSource::from(frame).whole()) {
            let threshold = limit.value();
            limit.push(score);
            scores.push(f64::from(score) / threshold);
            thresholds.push(threshold);
        }
        Ok(Judged { scores, thresholds })
    }

    /// The threshold as training left it.
    #[must_use]
    pub fn limit(&self) -> Limit {
        self.limit.clone()
    }

    /// The score of the last row of one window, [`Self::window`] rows of a value for each column; `None` for other lengths, and for a
    /// row of nothing but gaps. A window by itself says nothing of the scores before it: the threshold is that of training.
    #[must_use]
    pub fn score_window(&self, rows: &[f32]) -> Option<f64> {
        let n_columns = self.columns().len();
        let last = rows.get(rows.len().checked_sub(n_columns)?..)?;
        if rows.len() != self.window() * n_columns || last.iter().all(|value| !value.is_finite()) {
            return None;
        }
        let score = self.fitted.method.score(&self.fitted.scale.apply(rows));
        Some(f64::from(score) / self.threshold())
    }

    /// What each column contributes to that; empty for other lengths.
    #[must_use]
    pub fn explain_window(&self, rows: &[f32]) -> Vec<f64> {
        if rows.len() != self.window() * self.columns().len() {
            return Vec::new();
        }
        self.contributions(&self.fitted.scale.apply(rows), self.threshold())
    }

    /// What is expected of each row in place of its values, where the kind forecasts: value by value, from the first row on that has a
    /// whole window.
    ///
    /// # Errors
    /// The columns are not those of training.
    pub fn details(&self, frame: &Frame) -> Result<Option<Details>, ColumnsError> {
        self.check_columns(frame.columns())?;
        let (scale, n_columns) = (&self.fitted.scale, frame.n_columns());
        let scaled = scale.apply(frame.values());
        let rows = Rows::of(&scaled, n_columns);
        let expected = self.fitted.method.expectations(&rows);
        Ok(expected.map(|Expectations { forecasts, reconstructions, errors }| Details {
            first: frame.n_rows().saturating_sub(errors.len() / n_columns),
            forecasts: scale.restore(&forecasts),
            reconstructions: scale.restore(&reconstructions),
            errors,
        }))
    }

    /// A value as a share of the range of its column in training: from 0 to 1, and beyond where it lies outside.
    #[must_use]
    pub fn share_of_range(&self, column: usize, value: f64) -> f64 {
        match self.usual(column) {
            Some([low, high]) if high > low => (value - low) / (high - low),
            Some([low, _]) => value - low,
            None => 0.0,
        }
    }

    /// From where to where the values of a column lay in training, but for the most extreme ones; `None` for one without any.
    #[must_use]
    pub fn usual(&self, column: usize) -> Option<[f64; 2]> {
        self.fitted.scale.range(column)
    }

    /// What each column contributes to the score of row `index`, in the order of the columns; it adds up to the score by the
    /// threshold of training. Empty if the row has no whole window.
    ///
    /// # Errors
    /// The columns are not those of training.
    pub fn explain(&self, frame: &Frame, index: usize) -> Result<Vec<f64>, ColumnsError> {
        self.check_columns(frame.columns())?;
        let window = self.fitted.method.window();
        let Some(first) = (index + 1).checked_sub(window) else { return Ok(Vec::new()) };
        let rows = frame.rows(first..index + 1);
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.contributions(&self.fitted.scale.apply(rows), self.threshold()))
    }

    /// What each column of a scaled window contributes, by a threshold.
    pub(crate) fn contributions(&self, window: &[f32], threshold: f64) -> Vec<f64> {
        let parts = self.fitted.method.contributions(window);
        parts.into_iter().map(|part| f64::from(part) / threshold).collect()
    }

    /// Refuses columns that are not those of training, in its order.
    ///
    /// # Errors
    /// Says which are missing, and which are new.
    pub fn check_columns(&self, columns: &[String]) -> Result<(), ColumnsError> {
        let known = &self.about.columns;
        if columns == known {
            return Ok(());
        }
        let missing =
            known.iter().filter(|name| !columns.contains(name)).map(|name| format!("{name} is missing"));
        let new = columns.iter().filter(|name| !known.contains(name)).map(|name| format!("{name} is new"));
        let mut differences: Vec<String> = missing.chain(new).take(20).collect();
        if differences.is_empty() {
            differences.push("their order".to_owned());
        }
        Err(ColumnsError { differences })
    }

    /// The same detector with another threshold, which goes on as before; nothing is trained.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the rule.
    pub fn with_rule(self, rule: Rule) -> Result<Self, String> {
        let follow = self.about.follow;
        self.with_threshold(rule, follow)
    }

    /// The same detector with another threshold; nothing is trained.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the rule, or with how the threshold goes on.
    pub fn with_threshold(mut self, rule: Rule, follow: Follow) -> Result<Self, String> {
        if let Some(problem) = rule.problem().or_else(|| follow.problem(rule)) {
            return Err(problem);
        }
        (self.about.rule, self.about.follow) = (rule, follow);
        self.limit = self.about.limit(&self.fitted, &self.held_out);
        Ok(self)
    }

    /// The same detector with notes, which are kept in its file.
    #[must_use]
    pub fn with_notes(mut self, notes: Value) -> Self {
        self.about.notes = notes;
        self
    }

    /// Alarms a day to expect: those of the held-out rows at this threshold, rows close together counted as one alarm. Zero
    /// means less than one in all held-out rows.
    #[must_use]
    pub fn expected_alarms_per_day(&self) -> f64 {
        self.alarms_per_day_above(1.0)
    }

    /// As [`Self::expected_alarms_per_day`], if a score of `limit` were the threshold: 1 is the present one.
    #[must_use]
    pub fn alarms_per_day_above(&self, limit: f64) -> f64 {
        let n = self.limit.n_alarms_above(limit, &self.held_out) as f64;
        n / self.n_held_out() as f64 * self.about.rows_per_day
    }

    /// How many rows the threshold was set by.
    #[must_use]
    pub fn n_held_out(&self) -> usize {
        self.held_out.iter().filter(|score| score.is_finite()).count().max(1)
    }

    /// The threshold as training left it, in units of the method. Scores are given relative to it, as far as it did not go on since.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.limit.value()
    }

    /// Whether the rows of training followed a course without any noise, so that they do not say how far usual rows stray.
    #[must_use]
    pub fn is_too_alike(&self) -> bool {
        self.about.is_too_alike
    }

    /// How the threshold was set.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.about.rule
    }

    /// How it goes on.
    #[must_use]
    pub fn follow(&self) -> Follow {
        self.about.follow
    }

    /// Whether single values, and jumps of the mean, count beside the kind's own score.
    #[must_use]
    pub fn has_points(&self) -> bool {
        self.about.points
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// The names of its columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.about.columns
    }

    /// Rows that it was trained on, and how many of them come in a day.
    #[must_use]
    pub fn trained_on(&self) -> (usize, f64) {
        (self.about.n_rows, self.about.rows_per_day)
    }

    /// Rows that a score looks at.
    #[must_use]
    pub fn window(&self) -> usize {
        self.fitted.method.window()
    }

    /// What whoever trained it wanted to be kept.
    #[must_use]
    pub fn notes(&self) -> &Value {
        &self.about.notes
    }

    /// The bytes of its file; the same detector gives the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut store = Store::default();
        let about = self.write(&mut store.whole());
        store.to_bytes(FORMAT, about)
    }

    /// Writes its numbers; the rest is returned.
    pub(crate) fn write(&self, part: &mut Writer<'_>) -> &About {
        let mut scale = part.inner("scale");
        scale.put("centres", &[self.about.columns.len()], &self.fitted.scale.centres);
        scale.put("widths", &[self.about.columns.len()], &self.fitted.scale.widths);
        scale.put("lows", &[self.about.columns.len()], &self.fitted.scale.lows);
        scale.put("highs", &[self.about.columns.len()], &self.fitted.scale.highs);
        let finite: Vec<f32> =
            self.held_out.iter().map(|score| if score.is_finite() { *score } else { -1.0 }).collect();
        part.inner("held_out").put("scores", &[finite.len()], &finite);
        self.fitted.method.write(&mut part.inner("method"));
        &self.about
    }

    /// Reads what [`Detector::to_bytes`] wrote.
    ///
    /// # Errors
    /// The bytes are damaged, of another version, or something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let (about, store): (About, Store) = Store::from_bytes(FORMAT, bytes)?;
        Self::read(about, &store.all())
    }

    /// Reads what [`Detector::write`] wrote.
    pub(crate) fn read(about: About, all: &Part<'_>) -> Result<Self, Damage> {
        let kind = Kind::named(&about.kind).ok_or_else(|| Damage::Kind { kind: about.kind.clone() })?;
        let content = |error: FrameError| Damage::Content { what: error.to_string() };
        check_columns(&about.columns).map_err(content)?;
        let n_columns = about.columns.len();
        let column = |name: &str| -> Result<Vec<f32>, Damage> {
            match all.inner("scale").get(name)? {
                ([n], values) if *n == n_columns => Ok(values.to_vec()),
                _ => Err(all.inner("scale").misshapen(name)),
            }
        };
        let (centres, widths) = (column("centres")?, column("widths")?);
        let scale = Scale { centres, widths, lows: column("lows")?, highs: column("highs")? };
        let (_, scores) = all.inner("held_out").get("scores")?;
        let held_out: Vec<f32> =
            scores.iter().map(|score| if *score < 0.0 { f32::NAN } else { *score }).collect();
        let part = all.inner("method");
        let method = if about.points {
            let inner = (kind.read)(&part.inner("inner"), n_columns)?;
            Box::new(WithPoints::read(inner, &part, n_columns)?)
        } else {
            (kind.read)(&part, n_columns)?
        };
        let problem = about.rule.problem().or_else(|| about.follow.problem(about.rule));
        let problem =
            problem.or_else(|| (about.rows_per_day <= 0.0).then(|| "it has no rows a day".to_owned()));
        if let Some(what) = problem {
            return Err(Damage::Content { what });
        }
        let fitted = Fitted { scale, method };
        let limit = about.limit(&fitted, &held_out);
        Ok(Self { about, kind, fitted, held_out, limit })
    }
}

impl About {
    /// The threshold after training: not below what the least noise comes to.
    fn limit(&self, fitted: &Fitted, held_out: &[f32]) -> Limit {
        let floor = f64::from(fitted.method.floor()).max(f64::MIN_POSITIVE);
        Limit::new(self.rule, self.follow, held_out, self.rows_per_day, floor)
    }
}

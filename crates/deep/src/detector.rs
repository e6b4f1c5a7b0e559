//! One life for all kinds: trained, calibrated, kept in a file, and then scoring rows in batches or as they come.

use lanner_core::Score;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alike::is_too_alike;
use crate::frame::{Frame, FrameError, check_columns};
use crate::method::{Expectations, Fit, Kind, Method, NetworkSettings, Progress, Rows};
use crate::scale::Scale;
use crate::store::{Damage, Store};
use crate::threshold::{Rule, n_alarms};

/// What a detector is trained with.
#[derive(Debug, Clone)]
pub struct Training {
    /// Which kind; the default is the first of [`KINDS`](crate::KINDS).
    pub kind: &'static Kind,
    /// Rows that a score looks at; as the kind says, if not given. From 1 to 1000.
    pub window: Option<usize>,
    /// What chance is seeded with.
    pub seed: u64,
    /// Passes over all rows, for kinds that learn so.
    pub n_epochs: usize,
    /// How many rows come in a day, for numbers of alarms. Above 0.
    pub rows_per_day: f64,
    /// How the threshold is set.
    pub rule: Rule,
    /// The network, for mtad-gat.
    pub network: NetworkSettings,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            kind: &crate::KINDS[0],
            window: None,
            seed: 0,
            n_epochs: 4,
            rows_per_day: 1_440.0,
            rule: Rule::AlarmsPerDay(0.3),
            network: NetworkSettings::default(),
        }
    }
}

/// Why nothing was trained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Settings are out of their range.
    #[error("{}", .0.join("\n"))]
    Settings(Vec<String>),
    /// There is too little to learn from.
    #[error("training needs at least {required} rows, found {found}; give more rows, or a shorter window")]
    TooFewRows {
        /// The least number.
        required: usize,
        /// How many there are.
        found: usize,
    },
    /// No column has a value.
    #[error("no column contains a number; check the table")]
    NoValues,
}

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
    fitted: Fitted,
    /// Scores of rows that the method had not seen, oldest first.
    held_out: Vec<f32>,
}

/// What is known of a detector beside its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct About {
    kind: String,
    columns: Vec<String>,
    n_rows: usize,
    rows_per_day: f64,
    seed: u64,
    rule: Rule,
    threshold: f64,
    is_too_alike: bool,
    /// What whoever trained it wants to be kept.
    notes: Value,
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

/// A method, and the scale of the rows it sees.
#[derive(Debug)]
struct Fitted {
    scale: Scale,
    method: Box<dyn Method>,
}

/// Parts that are held out, one after the other.
const N_PARTS: usize = 4;

/// The share of rows, the last ones, that slow kinds hold out once.
const HELD_OUT: f64 = 0.2;

impl Fitted {
    fn fit(
        rows: &[f32],
        n_columns: usize,
        kind: &Kind,
        fit: &Fit,
        progress: &mut dyn FnMut(Progress),
    ) -> Self {
        let scale = Scale::fit(rows, n_columns);
        let scaled = scale.apply(rows);
        let method = (kind.fit)(&Rows { values: &scaled, n_columns }, fit, progress);
        Self { scale, method }
    }

    /// Not below what the least noise comes to.
    fn threshold(&self, rule: Rule, held_out: &[f32], rows_per_day: f64) -> f64 {
        rule.threshold(held_out, rows_per_day).max(f64::from(self.method.floor()))
    }

    /// A score for each row; NaN for the first ones, which have no window, and for rows of nothing but gaps.
    fn scores(&self, rows: &[f32]) -> Vec<f32> {
        let n_columns = self.scale.centres.len();
        let scaled = self.scale.apply(rows);
        let scored = self.method.scores(&Rows { values: &scaled, n_columns });
        let n_before = (rows.len() / n_columns).saturating_sub(scored.len());
        let mut scores = vec![f32::NAN; n_before];
        scores.extend(scored);
        for (score, row) in scores.iter_mut().zip(rows.chunks_exact(n_columns)) {
            if row.iter().all(|value| value.is_nan()) {
                *score = f32::NAN;
            }
        }
        scores
    }
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
        let window = training.window.unwrap_or(training.kind.window);
        check(frame, training, window)?;
        let network = training.network.clone();
        let fit = Fit { window, seed: training.seed, n_epochs: training.n_epochs, network };
        let (fitted, held_out) = if training.kind.is_slow {
            Self::hold_out_the_last(frame, training.kind, &fit, progress)
        } else {
            Self::hold_out_in_turn(frame, training.kind, &fit, progress)
        };
        let about = About {
            kind: training.kind.name.to_owned(),
            columns: frame.columns().to_vec(),
            n_rows: frame.n_rows(),
            rows_per_day: training.rows_per_day,
            seed: training.seed,
            rule: training.rule,
            threshold: fitted.threshold(training.rule, &held_out, training.rows_per_day),
            is_too_alike: is_too_alike(frame),
            notes: Value::Null,
        };
        Ok(Self { about, kind: training.kind, fitted, held_out })
    }

    fn hold_out_the_last(
        frame: &Frame,
        kind: &Kind,
        fit: &Fit,
        progress: &mut dyn FnMut(Progress),
    ) -> (Fitted, Vec<f32>) {
        let n_fitted = frame.n_rows() - (frame.n_rows() as f64 * HELD_OUT) as usize;
        let fitted = Fitted::fit(frame.rows(0..n_fitted), frame.n_columns(), kind, fit, progress);
        let held_out = fitted.scores(frame.rows(n_fitted..frame.n_rows()));
        (fitted, held_out)
    }

    fn hold_out_in_turn(
        frame: &Frame,
        kind: &Kind,
        fit: &Fit,
        progress: &mut dyn FnMut(Progress),
    ) -> (Fitted, Vec<f32>) {
        let (n, mut held_out) = (frame.n_rows(), Vec::with_capacity(frame.n_rows()));
        for part in 0..N_PARTS {
            let (from, to) = (part * n / N_PARTS, (part + 1) * n / N_PARTS);
            let others = [frame.rows(0..from), frame.rows(to..n)].concat();
            let fitted = Fitted::fit(&others, frame.n_columns(), kind, fit, &mut |_| ());
            held_out.extend(fitted.scores(frame.rows(from..to)));
            progress(Progress { n_done: part + 1, n: N_PARTS + 1, note: String::new(), losses: None });
        }
        (Fitted::fit(frame.values(), frame.n_columns(), kind, fit, progress), held_out)
    }

    /// A score for each row, oldest first: 1 is the threshold. NaN where nothing can be said: for the first rows, which have no
    /// whole window before them, and for rows of nothing but gaps.
    ///
    /// # Errors
    /// The columns are not those of training.
    pub fn scores(&self, frame: &Frame) -> Result<Vec<f64>, ColumnsError> {
        self.check_columns(frame.columns())?;
        let scores = self.fitted.scores(frame.values());
        Ok(scores.into_iter().map(|score| f64::from(score) / self.about.threshold).collect())
    }

    /// The score of the last row of one window, [`Self::window`] rows of a value for each column; `None` for other lengths, and for a
    /// row of nothing but gaps.
    #[must_use]
    pub fn score_window(&self, rows: &[f32]) -> Option<f64> {
        let n_columns = self.columns().len();
        let last = rows.get(rows.len().checked_sub(n_columns)?..)?;
        if rows.len() != self.window() * n_columns || last.iter().all(|value| !value.is_finite()) {
            return None;
        }
        let score = self.fitted.method.score(&self.fitted.scale.apply(rows));
        Some(f64::from(score) / self.about.threshold)
    }

    /// What each column contributes to that; empty for other lengths.
    #[must_use]
    pub fn explain_window(&self, rows: &[f32]) -> Vec<f64> {
        if rows.len() != self.window() * self.columns().len() {
            return Vec::new();
        }
        self.contributions(&self.fitted.scale.apply(rows))
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
        let rows = Rows { values: &scaled, n_columns };
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

    /// Scores rows as they come.
    #[must_use]
    pub fn stream(&self) -> Stream<'_> {
        Stream { detector: self, scaled: Vec::new(), kept: Vec::new() }
    }

    /// What each column contributes to the score of row `index`, in the order of the columns; it adds up to the score. Empty if
    /// the row has no whole window.
    ///
    /// # Errors
    /// The columns are not those of training.
    pub fn explain(&self, frame: &Frame, index: usize) -> Result<Vec<f64>, ColumnsError> {
        self.check_columns(frame.columns())?;
        let window = self.fitted.method.window();
        let Some(first) = (index + 1).checked_sub(window) else { return Ok(Vec::new()) };
        let rows = frame.rows(first..index + 1);
        Ok(if rows.is_empty() { Vec::new() } else { self.contributions(&self.fitted.scale.apply(rows)) })
    }

    fn contributions(&self, window: &[f32]) -> Vec<f64> {
        let parts = self.fitted.method.contributions(window);
        parts.into_iter().map(|part| f64::from(part) / self.about.threshold).collect()
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

    /// The same detector with another threshold; nothing is trained.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the rule.
    pub fn with_rule(mut self, rule: Rule) -> Result<Self, String> {
        if let Some(problem) = rule.problem() {
            return Err(problem);
        }
        self.about.rule = rule;
        self.about.threshold = self.fitted.threshold(rule, &self.held_out, self.about.rows_per_day);
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
        let n = n_alarms(&self.held_out, limit * self.about.threshold) as f64;
        n / self.n_held_out() as f64 * self.about.rows_per_day
    }

    /// How many rows the threshold was set by.
    #[must_use]
    pub fn n_held_out(&self) -> usize {
        self.held_out.iter().filter(|score| score.is_finite()).count().max(1)
    }

    /// The threshold, in units of the method. Scores are given relative to it.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.about.threshold
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
        let mut scale = store.writer("scale");
        scale.put("centres", &[self.about.columns.len()], &self.fitted.scale.centres);
        scale.put("widths", &[self.about.columns.len()], &self.fitted.scale.widths);
        scale.put("lows", &[self.about.columns.len()], &self.fitted.scale.lows);
        scale.put("highs", &[self.about.columns.len()], &self.fitted.scale.highs);
        let finite: Vec<f32> =
            self.held_out.iter().map(|score| if score.is_finite() { *score } else { -1.0 }).collect();
        store.writer("held_out").put("scores", &[finite.len()], &finite);
        self.fitted.method.write(&mut store.writer("method"));
        store.to_bytes(&self.about)
    }

    /// Reads what [`Detector::to_bytes`] wrote.
    ///
    /// # Errors
    /// The bytes are damaged, of another version, or something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let (about, store): (About, Store) = Store::from_bytes(bytes)?;
        let kind = Kind::named(&about.kind).ok_or_else(|| Damage::Kind { kind: about.kind.clone() })?;
        let content = |error: FrameError| Damage::Content { what: error.to_string() };
        check_columns(&about.columns).map_err(content)?;
        let n_columns = about.columns.len();
        let column = |name: &str| -> Result<Vec<f32>, Damage> {
            match store.part("scale").get(name)? {
                ([n], values) if *n == n_columns => Ok(values.to_vec()),
                _ => Err(store.part("scale").misshapen(name)),
            }
        };
        let (centres, widths) = (column("centres")?, column("widths")?);
        let scale = Scale { centres, widths, lows: column("lows")?, highs: column("highs")? };
        let (_, scores) = store.part("held_out").get("scores")?;
        let held_out = scores.iter().map(|score| if *score < 0.0 { f32::NAN } else { *score }).collect();
        let method = (kind.read)(&store.part("method"), n_columns)?;
        if !(about.threshold > 0.0 && about.rows_per_day > 0.0) {
            return Err(Damage::Content { what: "its threshold is not above 0".to_owned() });
        }
        Ok(Self { about, kind, fitted: Fitted { scale, method }, held_out })
    }
}

/// Refuses what cannot be trained on.
fn check(frame: &Frame, training: &Training, window: usize) -> Result<(), TrainError> {
    let mut problems: Vec<String> = training.rule.problem().into_iter().collect();
    if !(1..=1_000).contains(&window) {
        problems.push(format!("the window is {window} rows, which should be from 1 to 1000"));
    }
    if !(1..=1_000).contains(&training.n_epochs) {
        problems.push(format!("{} epochs should be from 1 to 1000", training.n_epochs));
    }
    let per_day = training.rows_per_day;
    if !(per_day > 0.0 && per_day.is_finite()) {
        problems.push(format!("{per_day} rows a day should be a number above 0"));
    }
    if !problems.is_empty() {
        return Err(TrainError::Settings(problems));
    }
    let required = (10 * window).max(200);
    if frame.n_rows() < required {
        return Err(TrainError::TooFewRows { required, found: frame.n_rows() });
    }
    if !Scale::fit(frame.values(), frame.n_columns()).has_values() {
        return Err(TrainError::NoValues);
    }
    Ok(())
}

/// Rows scored as they come. Memory: two windows of rows.
#[derive(Debug)]
pub struct Stream<'a> {
    detector: &'a Detector,
    /// The last rows, scaled.
    scaled: Vec<f32>,
    /// What the method keeps from one row to the next.
    kept: Vec<f32>,
}

impl Stream<'_> {
    /// The score of the next row, a value for each column; 1 is the threshold.
    ///
    /// `None` until there is a whole window, and for a row of nothing but gaps. Values that are missing at the end are gaps.
    pub fn push(&mut self, row: &[f32]) -> Option<Score> {
        let Fitted { scale, method } = &self.detector.fitted;
        let n_columns = scale.centres.len();
        let mut whole = vec![f32::NAN; n_columns];
        whole.iter_mut().zip(row).for_each(|(value, given)| *value = *given);
        self.scaled.extend(scale.apply(&whole));
        let length = method.window() * n_columns;
        if self.scaled.len() > 2 * length {
            self.scaled.drain(..self.scaled.len() - length);
        }
        if whole.iter().all(|value| !value.is_finite()) {
            self.kept.clear();
            return None;
        }
        let window = self.scaled.get(self.scaled.len().checked_sub(length)?..)?;
        let score = method.next(window, &mut self.kept);
        Some(Score::new(f64::from(score) / self.detector.about.threshold))
    }

    /// What each column contributes to the score of the last row; empty until there is one.
    #[must_use]
    pub fn explain(&self) -> Vec<f64> {
        self.window().map(|window| self.detector.contributions(window)).unwrap_or_default()
    }

    fn window(&self) -> Option<&[f32]> {
        let length = self.detector.window() * self.detector.columns().len();
        self.scaled.get(self.scaled.len().checked_sub(length)?..)
    }
}

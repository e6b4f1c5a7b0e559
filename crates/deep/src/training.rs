//! Training: settings, what is refused, and methods that are fitted and then asked of rows that were held out.

use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use crate::checkpoint::Checkpoint;
use crate::limit::Follow;
use crate::method::{Fit, Kind, Method, NetworkSettings, Progress, WithPoints, scores_of};
use crate::mtad::{Network, Shape};
use crate::rows::{Lesson, RowSource, Rows};
use crate::scale::Scale;
use crate::threshold::Rule;
use crate::weights::Weights;

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
    /// How it goes on from there.
    pub follow: Follow,
    /// Whether single values that are far from the usual one, and jumps of the mean, count beside the kind's own score.
    pub points: bool,
    /// The network, for mtad-gat.
    pub network: NetworkSettings,
    /// From where a training that was interrupted goes on, for kinds that learn in epochs.
    pub resume: Option<Checkpoint>,
    /// What the network begins with, for mtad-gat; with no epochs that is what it stays.
    pub weights: Option<Weights>,
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
            follow: Follow::Level { days: 4.0 },
            points: false,
            network: NetworkSettings::default(),
            resume: None,
            weights: None,
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
    /// What was interrupted was another training.
    #[error(
        "the checkpoint is that of another training: rows, columns or settings differ; give the same, or begin anew"
    )]
    OtherCheckpoint,
}

/// A method, and the scale of the rows it sees.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) scale: Scale,
    pub(crate) method: Box<dyn Method>,
}

/// Parts that are held out, one after the other.
const N_PARTS: usize = 4;

/// The share of rows, the last ones, that slow kinds hold out once.
const HELD_OUT: f64 = 0.2;

impl Fitted {
    fn fit(lesson: &Lesson<'_>, kind: &Kind, fit: &Fit, progress: &mut dyn FnMut(Progress)) -> Self {
        let (scale, mut scaled) = (lesson.scale(), Vec::new());
        let rows = lesson.scaled(&scale, &mut scaled);
        let method = (kind.fit)(&rows, fit, progress);
        let method = if fit.points { Box::new(WithPoints::fit(method, &rows)) } else { method };
        Self { scale, method }
    }

    /// A score for each row; NaN for the first ones, which have no window, and for rows of nothing but gaps.
    pub(crate) fn scores(&self, rows: &Lesson<'_>) -> Vec<f32> {
        let (n_columns, n_before) = (rows.n_columns(), self.method.window() - 1);
        let mut scores = vec![f32::NAN; n_before.min(rows.n_rows())];
        for piece in rows.pieces(n_before) {
            let scaled = self.scale.apply(&piece);
            let scored = scores_of(&*self.method, &Rows::of(&scaled, n_columns));
            let judged = piece.chunks_exact(n_columns).skip(n_before);
            scores.extend(judged.zip(scored).map(|(row, score)| {
                let is_gap = row.iter().all(|value| value.is_nan());
                if is_gap { f32::NAN } else { score }
            }));
        }
        scores
    }
}

impl Training {
    /// Fits the method, and scores rows that it was not fitted on, oldest first.
    ///
    /// # Errors
    /// See [`TrainError`].
    pub(crate) fn fit(
        &self,
        rows: RowSource<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Fitted, Vec<f32>), TrainError> {
        let window = self.window.unwrap_or(self.kind.window);
        self.check(rows, window)?;
        let (seed, n_epochs, points) = (self.seed, self.n_epochs, self.points);
        let (network, resume) = (self.network.clone(), self.resume.clone());
        let initial = self.initial(rows.columns().len(), window)?;
        let fit = Fit { window, seed, n_epochs, network, points, resume, initial };
        if !self.kind.is_slow {
            return Ok(hold_out_in_turn(rows, self.kind, &fit, progress));
        }
        let name = self.fingerprint(rows, window);
        if self.resume.as_ref().is_some_and(|checkpoint| !checkpoint.is_of(&name)) {
            return Err(TrainError::OtherCheckpoint);
        }
        Ok(hold_out_the_last(rows, self.kind, &fit, &mut |mut step| {
            step.checkpoint = step.checkpoint.map(|checkpoint| checkpoint.of(&name));
            progress(step);
        }))
    }

    /// The given weights, as the network wants them.
    fn initial(&self, n_columns: usize, window: usize) -> Result<Option<Vec<f32>>, TrainError> {
        let Some(weights) = &self.weights else { return Ok(None) };
        let network = Network::new(Shape::of(n_columns, window, &self.network));
        let initial = weights.of(&network.layout).map_err(|problem| {
            let of = format!("a network of {n_columns} columns and {window} rows");
            TrainError::Settings(vec![format!("the weights do not fit {of}: {problem}")])
        });
        initial.map(Some)
    }

    /// Refuses what cannot be trained on.
    fn check(&self, rows: RowSource<'_>, window: usize) -> Result<(), TrainError> {
        let mut problems: Vec<String> = self.rule.problem().into_iter().collect();
        problems.extend(self.follow.problem(self.rule));
        if !(1..=1_000).contains(&window) {
            problems.push(format!("the window is {window} rows, which should be from 1 to 1000"));
        }
        let is_given = self.weights.is_some();
        if is_given && self.kind.name != "mtad-gat" {
            problems.push(format!("{} has no weights to begin with; mtad-gat has", self.kind.name));
        }
        if !(usize::from(!is_given)..=1_000).contains(&self.n_epochs) {
            problems.push(format!("{} epochs should be from 1 to 1000", self.n_epochs));
        }
        let per_day = self.rows_per_day;
        if !(per_day > 0.0 && per_day.is_finite()) {
            problems.push(format!("{per_day} rows a day should be a number above 0"));
        }
        if self.resume.is_some() && !self.kind.is_slow {
            problems.push(format!(
                "{} does not learn in epochs, so there is nothing to go on from",
                self.kind.name
            ));
        }
        if !problems.is_empty() {
            return Err(TrainError::Settings(problems));
        }
        let required = (10 * window).max(200);
        if rows.n_rows() < required {
            return Err(TrainError::TooFewRows { required, found: rows.n_rows() });
        }
        let has_values = rows.whole().pieces(0).any(|piece| piece.iter().any(|value| value.is_finite()));
        if has_values { Ok(()) } else { Err(TrainError::NoValues) }
    }

    /// What is trained on what. The number of epochs is left out: an interrupted training may go on for longer.
    fn fingerprint(&self, rows: RowSource<'_>, window: usize) -> String {
        #[derive(Serialize)]
        struct Settings<'a> {
            kind: &'a str,
            columns: &'a [String],
            window: usize,
            seed: u64,
            points: bool,
            network: String,
        }
        let settings = Settings {
            kind: self.kind.name,
            columns: rows.columns(),
            window,
            seed: self.seed,
            points: self.points,
            network: format!("{:?}", self.network),
        };
        let mut hash = Xxh3::new();
        hash.update(&serde_json::to_vec(&settings).unwrap_or_default());
        if let Some(weights) = &self.weights {
            hash.update(format!("{weights:?}").as_bytes());
        }
        for piece in rows.whole().pieces(0) {
            piece.iter().for_each(|value| hash.update(&value.to_le_bytes()));
        }
        format!("{:016x}", hash.digest())
    }
}

fn hold_out_the_last(
    rows: RowSource<'_>,
    kind: &Kind,
    fit: &Fit,
    progress: &mut dyn FnMut(Progress),
) -> (Fitted, Vec<f32>) {
    let n = rows.n_rows();
    let n_fitted = n - (n as f64 * HELD_OUT) as usize;
    let fitted = Fitted::fit(&rows.part(0..n_fitted), kind, fit, progress);
    let held_out = fitted.scores(&rows.part(n_fitted..n));
    (fitted, held_out)
}

fn hold_out_in_turn(
    rows: RowSource<'_>,
    kind: &Kind,
    fit: &Fit,
    progress: &mut dyn FnMut(Progress),
) -> (Fitted, Vec<f32>) {
    let n = rows.n_rows();
    let mut held_out = Vec::with_capacity(n);
    for part in 0..N_PARTS {
        let (from, to) = (part * n / N_PARTS, (part + 1) * n / N_PARTS);
        let fitted = Fitted::fit(&rows.parts([0..from, to..n]), kind, fit, &mut |_| ());
        held_out.extend(fitted.scores(&rows.part(from..to)));
        progress(Progress { n_done: part + 1, n: N_PARTS + 1, ..Progress::default() });
    }
    (Fitted::fit(&rows.whole(), kind, fit, progress), held_out)
}

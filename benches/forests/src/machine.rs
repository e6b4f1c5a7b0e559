//! A machine of SMD: usual rows, and labelled ones.

use std::fs::File;
use std::io::Read as _;

use flate2::read::GzDecoder;
use lanner_deep::Frame;

/// Its rows.
pub(crate) struct Machine {
    pub(crate) train: Frame,
    pub(crate) test: Frame,
    pub(crate) labels: Vec<bool>,
}

impl Machine {
    /// From its three tables.
    ///
    /// # Panics
    /// If one cannot be read.
    pub(crate) fn read(folder: &str, name: &str) -> Self {
        let table = |what: &str| table(&format!("{folder}/{name}_{what}.csv.gz"));
        let labels = table("label").values().iter().map(|label| *label > 0.5).collect();
        Self { train: table("train"), test: table("test"), labels }
    }

    pub(crate) fn n_columns(&self) -> usize {
        self.train.columns().len()
    }

    pub(crate) fn n_test(&self) -> usize {
        self.labels.len()
    }

    /// The values over the range of training, as Lanner scales them.
    pub(crate) fn scaled(&self, frame: &Frame) -> Vec<f32> {
        let k = self.n_columns();
        let range = |column: usize| {
            let values = self.train.values().iter().skip(column).step_by(k);
            values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
                (low.min(*value), high.max(*value))
            })
        };
        let ranges: Vec<(f32, f32)> = (0..k).map(range).collect();
        let values = frame.values().iter().zip(ranges.iter().cycle());
        values.map(|(value, (low, high))| ((value - low) / (high - low).max(1e-3)).clamp(-5.0, 6.0)).collect()
    }
}

fn table(path: &str) -> Frame {
    let mut text = String::new();
    let file = File::open(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    GzDecoder::new(file).read_to_string(&mut text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let n_columns = text.lines().next().map_or(0, |line| line.split(',').count());
    let columns = (1..=n_columns).map(|column| format!("column {column}")).collect();
    let values = text.lines().flat_map(|line| line.split(',')).map(|value| value.parse().unwrap_or(f32::NAN));
    Frame::new(columns, values.collect()).unwrap_or_else(|error| panic!("{path}: {error}"))
}

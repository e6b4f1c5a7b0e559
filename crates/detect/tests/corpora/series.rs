//! One series of a corpus, and how files of them are read.

use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// Samples, and what is known of them.
#[derive(Clone, Default)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) times_ms: Vec<i64>,
    pub(crate) y: Vec<f64>,
    /// Ranges of samples in which something happened.
    pub(crate) windows: Vec<Range<usize>>,
}

impl Series {
    /// Whether each sample lies in a window.
    pub(crate) fn labels(&self) -> Vec<bool> {
        let mut labels = vec![false; self.y.len()];
        self.windows.iter().for_each(|window| labels[window.clone()].fill(true));
        labels
    }

    /// The usual time between two samples.
    pub(crate) fn step_ms(&self) -> i64 {
        let mut steps: Vec<i64> = self.times_ms.windows(2).map(|pair| pair[1] - pair[0]).collect();
        steps.sort_unstable();
        steps[steps.len() / 2]
    }

    /// From the first sample to the last.
    pub(crate) fn days(&self) -> f64 {
        (self.times_ms[self.y.len() - 1] - self.times_ms[0]) as f64 / 86_400_000.0
    }

    /// Those samples that `keep` wants, by their number. Windows are kept whole.
    pub(crate) fn without(&self, gone: Range<usize>) -> Self {
        let mut kept = self.clone();
        kept.times_ms.drain(gone.clone());
        kept.y.drain(gone);
        kept
    }
}

/// The text of a gzipped file.
pub(crate) fn text(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// The files of a folder that end in `.csv.gz`, by name.
pub(crate) fn tables(folder: &Path) -> Vec<(String, String)> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".csv.gz")?.to_owned()))
        .collect();
    names.sort_unstable();
    names.into_iter().map(|name| (name.clone(), text(&folder.join(format!("{name}.csv.gz"))))).collect()
}

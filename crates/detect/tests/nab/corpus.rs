//! The corpus: series and the windows around their anomalies.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use jiff::civil::DateTime;

/// One file.
pub(crate) struct Series {
    pub(crate) times_ms: Vec<i64>,
    pub(crate) y: Vec<f64>,
    /// Ranges of samples.
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
}

/// All files, sorted by name; `None` when the corpus is not there.
pub(crate) fn load() -> Option<Vec<Series>> {
    let folder = lanner_testkit::shared_data("nab")?;
    let windows = std::fs::read(folder.join("combined_windows.json")).unwrap();
    let windows: BTreeMap<String, Vec<[String; 2]>> = serde_json::from_slice(&windows).unwrap();
    let series = |(name, windows): (&String, &Vec<[String; 2]>)| {
        let file = std::fs::File::open(folder.join("data").join(format!("{name}.gz"))).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
        parse(&text, windows)
    };
    Some(windows.iter().map(series).collect())
}

fn parse(text: &str, windows: &[[String; 2]]) -> Series {
    let rows = text.lines().skip(1).map(|line| line.split_once(',').unwrap());
    let (times_ms, y): (Vec<i64>, Vec<f64>) =
        rows.map(|(time, value)| (time_ms(time), value.parse::<f64>().unwrap())).unzip();
    let row = |time: &str| times_ms.iter().position(|&other| other == time_ms(time)).unwrap();
    let windows = windows.iter().map(|[start, end]| row(start)..row(end) + 1).collect();
    Series { times_ms, y, windows }
}

fn time_ms(text: &str) -> i64 {
    let time: DateTime = text.parse().unwrap();
    time.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond()
}

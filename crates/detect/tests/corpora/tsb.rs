//! TSB-AD-U's own measure on those of its files that are made of the series at hand.
//!
//! Its files are cut from the same sources. Lengths, numbers of anomalies and of anomalous rows, and where the first one begins
//! say how: of the benchmark's series all rows but the last, or the first thousand, with windows without their last row; of
//! web indicators the second half of all minutes, also of those without a row. Other files are of series that are not at hand,
//! or have windows of the authors' own.

use lanner_detect::automatic::Constants;
use lanner_quality::{Scored, vus_pr};

use super::series::Series;
use super::verdict::judge_with;
use super::{nab, wsd};

/// The number of a file, our name of its series, the first row that is taken, how many are, and where the first anomaly begins.
const FILES: [(&str, &str, usize, usize, usize); 11] = [
    ("001", "realKnownCause/ec2_request_latency_system_failure.csv", 0, 4_031, 2_014),
    ("006", "realKnownCause/nyc_taxi.csv", 0, 10_319, 5_839),
    ("008", "artificialWithAnomaly/art_load_balancer_spikes.csv", 0, 4_031, 2_734),
    ("009", "realTraffic/TravelTime_451.csv", 0, 2_161, 438),
    ("010", "realAdExchange/exchange-3_cpc_results.csv", 0, 1_000, 271),
    ("016", "realKnownCause/ambient_temperature_system_failure.csv", 0, 7_266, 3_540),
    ("025", "realTweets/Twitter_volume_FB.csv", 0, 15_832, 4_614),
    ("043", "057", 18_085, 18_085, 6_828),
    ("060", "111", 18_305, 18_305, 4_766),
    ("099", "096", 18_235, 18_236, 14_411),
    ("137", "099", 18_235, 18_236, 14_404),
];

/// The buffer where no period is found, and the longest and shortest that is believed.
const NO_PERIOD: usize = 125;
const PERIODS: std::ops::RangeInclusive<usize> = 6..=303;
const MINUTE_MS: i64 = 60_000;
/// Lags and samples that are looked at.
const LAGS: std::ops::RangeInclusive<usize> = 3..=400;
const LOOKED_AT: usize = 20_000;

/// The buffer of the measure: the lag at which the series is most like itself, of those that are more so than their neighbours.
fn buffer(y: &[f64]) -> usize {
    let y = &y[..y.len().min(LOOKED_AT)];
    let mean = y.iter().sum::<f64>() / y.len() as f64;
    let off: Vec<f64> = y.iter().map(|y| y - mean).collect();
    let alike: Vec<f64> = LAGS.map(|lag| off.iter().zip(&off[lag..]).map(|(a, b)| a * b).sum()).collect();
    let peaks = (1..alike.len() - 1).filter(|&at| alike[at] > alike[at - 1] && alike[at] > alike[at + 1]);
    let highest = peaks.max_by(|&a, &b| alike[a].total_cmp(&alike[b])).map(|at| at + LAGS.start());
    highest.filter(|lag| PERIODS.contains(lag)).unwrap_or(NO_PERIOD)
}

/// The series with a row for each minute; where there was none, the value is that of the row before.
fn filled(series: &Series) -> Series {
    let mut filled = Series { name: series.name.clone(), ..Series::default() };
    let mut at = Vec::new();
    for (&time_ms, &y) in series.times_ms.iter().zip(&series.y) {
        while let (Some(&last_ms), Some(&last)) = (filled.times_ms.last(), filled.y.last())
            && last_ms + MINUTE_MS < time_ms
        {
            filled.times_ms.push(last_ms + MINUTE_MS);
            filled.y.push(last);
        }
        at.push(filled.y.len());
        filled.times_ms.push(time_ms);
        filled.y.push(y);
    }
    filled.windows = series.windows.iter().map(|window| at[window.start]..at[window.end - 1] + 1).collect();
    filled
}

/// The series as the benchmark has it.
fn cut(series: &Series, from: usize, n: usize, is_open: bool) -> Series {
    let rows = from..from + n;
    let windows = series.windows.iter().filter_map(|window| {
        let end = if is_open { window.end - 1 } else { window.end };
        let (start, end) = (window.start.max(rows.start), end.min(rows.end));
        (start < end).then(|| start - from..end - from)
    });
    Series {
        name: series.name.clone(),
        times_ms: series.times_ms[rows.clone()].to_vec(),
        y: series.y[rows.clone()].to_vec(),
        windows: windows.collect(),
    }
}

#[test]
fn volume_under_the_surface() {
    let (Some(nab), Some(wsd)) = (nab::load(), wsd::load()) else { return };
    let (mut of_nab, mut of_wsd) = (Vec::new(), Vec::new());
    println!("| File | Buffer | VUS-PR |");
    println!("| --- | --- | --- |");
    for (file, name, from, n, first) in FILES {
        let find = |corpus: &[Series]| corpus.iter().find(|series| series.name == name).cloned();
        let (series, is_nab) = find(&nab).map_or_else(|| (find(&wsd), false), |series| (Some(series), true));
        let series = series.unwrap();
        let series = cut(&if is_nab { series } else { filled(&series) }, from, n, is_nab);
        assert_eq!(series.windows[0].start, first, "{file}");
        let scores = judge_with(Constants::default(), &series).scores;
        let (labels, buffer) = (series.labels(), buffer(&series.y));
        let vus = vus_pr(&Scored::new(&labels, &scores).unwrap(), buffer);
        println!("| {file} | {buffer} | {vus:.3} |");
        if is_nab { &mut of_nab } else { &mut of_wsd }.push(vus);
    }
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    let all = [of_nab.clone(), of_wsd.clone()].concat();
    println!("all {:.3}, NAB {:.3}, WSD {:.3}", mean(&all), mean(&of_nab), mean(&of_wsd));
    assert!(mean(&all) > 0.2, "{all:?}");
}

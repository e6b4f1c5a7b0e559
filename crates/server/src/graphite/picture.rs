//! Series as a picture: lines over time, in SVG.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lanner_graphite::Series;

/// Width and height, pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub width: usize,
    pub height: usize,
}

/// Colours that can be told apart, also by people who see few of them (Okabe and Ito).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"];
/// Names that a legend can show.
const MAX_NAMES: usize = 12;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 28.0;
const LINE: f64 = 16.0;

/// Where things lie on the picture.
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    from_s: f64,
    until_s: f64,
    low: f64,
    high: f64,
}

impl Frame {
    fn x(&self, time_s: f64) -> f64 {
        self.left + (time_s - self.from_s) / (self.until_s - self.from_s) * self.width
    }

    fn y(&self, value: f64) -> f64 {
        self.top + (self.high - value) / (self.high - self.low) * self.height
    }
}

/// Draws `series`. Gaps stay gaps; a pixel column with many values shows their extent.
pub(super) fn svg(series: &[Series], zone: &TimeZone, size: Size, title: &str) -> String {
    let n_names = series.len().min(MAX_NAMES);
    let (width, height) = (size.width as f64, size.height as f64);
    let frame = frame(series, width, height, n_names);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"11\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
         <text x=\"{}\" y=\"18\" text-anchor=\"middle\" font-size=\"14\">{}</text>",
        width / 2.0,
        escaped(title)
    );
    let Some(frame) = frame else {
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"18\">No data</text></svg>",
            width / 2.0,
            height / 2.0
        );
        return svg;
    };
    axes(&mut svg, &frame, zone);
    for (at, series) in series.iter().enumerate() {
        let colour =
            series.options.get("color").map_or(COLOURS[at % COLOURS.len()], |colour| plain_colour(colour));
        let _ = write!(
            svg,
            "<path fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.2\" d=\"{}\"/>",
            path(series, &frame)
        );
        if at < MAX_NAMES {
            let y = frame.top + frame.height + 2.0 * LINE + LINE * at as f64;
            let left = frame.left;
            let _ = write!(
                svg,
                "<rect x=\"{left}\" y=\"{}\" width=\"10\" height=\"10\" fill=\"{colour}\"/><text x=\"{}\" y=\"{y}\">{}</text>",
                y - 9.0,
                left + 16.0,
                escaped(&series.name)
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

fn frame(series: &[Series], width: f64, height: f64, n_names: usize) -> Option<Frame> {
    let there = series.iter().flat_map(|series| series.values.iter()).filter(|value| value.is_finite());
    let (low, high) = there
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (value.min(low), value.max(high)));
    let from_s = series.iter().map(|series| series.start_s).min()?;
    let until_s = series.iter().map(|series| series.end_s).max()?;
    if low > high || until_s <= from_s {
        return None;
    }
    // A constant lies in the middle.
    let margin = if high > low { (high - low) * 0.05 } else { low.abs().max(1.0) * 0.5 };
    Some(Frame {
        left: LEFT,
        top: TOP,
        width: (width - LEFT - RIGHT).max(10.0),
        height: (height - TOP - LINE * (n_names as f64 + 2.0)).max(10.0),
        from_s: from_s as f64,
        until_s: until_s as f64,
        low: low - margin,
        high: high + margin,
    })
}

/// A step of 1, 2 or 5 times a power of ten, with about `n` of them in `extent`.
fn round_step(extent: f64, n: f64) -> f64 {
    let rough = extent / n;
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough)
        .unwrap_or(rough)
}

const STEPS_S: [f64; 16] = [
    1.0,
    5.0,
    15.0,
    60.0,
    300.0,
    900.0,
    1_800.0,
    3_600.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    604_800.0,
    2_592_000.0,
    31_536_000.0,
];

fn axes(svg: &mut String, frame: &Frame, zone: &TimeZone) {
    let (left, right) = (frame.left, frame.left + frame.width);
    let step = round_step(frame.high - frame.low, (frame.height / 40.0).max(1.0));
    let mut value = (frame.low / step).ceil() * step;
    while value <= frame.high && step > 0.0 {
        let y = frame.y(value);
        let _ = write!(
            svg,
            "<path stroke=\"#ddd\" d=\"M{left:.1} {y:.1}H{right:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 6.0,
            y + 4.0,
            short(value, step)
        );
        let next = value + step;
        if next <= value {
            break;
        }
        value = next;
    }
    let extent_s = frame.until_s - frame.from_s;
    let rough_s = extent_s / (frame.width / 90.0).max(1.0);
    let step_s = STEPS_S.into_iter().find(|step_s| *step_s >= rough_s).unwrap_or(rough_s);
    let format = if step_s >= 86_400.0 {
        "%d %b"
    } else if extent_s > 86_400.0 {
        "%d %b %H:%M"
    } else {
        "%H:%M"
    };
    let mut time_s = (frame.from_s / step_s).ceil() * step_s;
    while time_s <= frame.until_s {
        let x = frame.x(time_s);
        let bottom = frame.top + frame.height;
        let label = Timestamp::from_second(time_s as i64)
            .map(|time| time.to_zoned(zone.clone()).strftime(format).to_string());
        let _ = write!(
            svg,
            "<path stroke=\"#eee\" d=\"M{x:.1} {:.1}V{bottom:.1}\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            frame.top,
            bottom + 14.0,
            label.unwrap_or_default()
        );
        time_s += step_s;
    }
}

/// A number with as many digits as tell two neighbours apart.
fn short(value: f64, step: f64) -> String {
    let value = if value.abs() < step / 2.0 { 0.0 } else { value };
    let (divisor, unit) = match value.abs().max(step) {
        large if large >= 1e12 => (1e12, "T"),
        large if large >= 1e9 => (1e9, "G"),
        large if large >= 1e6 => (1e6, "M"),
        large if large >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let digits = (-(step / divisor).log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{:.digits$}{unit}", value / divisor)
}

/// The line of a series: at most two points for each pixel column.
fn path(series: &Series, frame: &Frame) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    let per_column = (series.values.len() as f64 / frame.width).ceil().max(1.0) as usize;
    for (at, chunk) in series.values.chunks(per_column).enumerate() {
        let x = frame.x((series.start_s + (at * per_column) as i64 * series.step_s) as f64);
        let there = chunk.iter().copied().filter(|value| value.is_finite());
        let (low, high) = there
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (value.min(low), value.max(high)));
        if low > high {
            pen_down = false;
            continue;
        }
        let _ = write!(path, "{}{x:.1} {:.1}", if pen_down { 'L' } else { 'M' }, frame.y(high));
        if high > low {
            let _ = write!(path, "V{:.1}", frame.y(low));
        } else if !pen_down {
            // A value between two gaps is a dot.
            path.push_str("h0.8");
        }
        pen_down = true;
    }
    path
}

/// A colour by its name or in hexadecimal; anything else is grey, and no text gets into the picture's markup.
fn plain_colour(colour: &str) -> &str {
    let simple = !colour.is_empty()
        && colour.len() < 32
        && colour.chars().all(|c| c.is_ascii_alphanumeric() || c == '#');
    if simple { colour } else { "#888888" }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 400, height: 200 };

    #[test]
    fn lines_are_drawn_and_gaps_left() {
        let series = [Series::new("a<b>", 0, 60, vec![1.0, 2.0, f64::NAN, 4.0])];
        let picture = svg(&series, &TimeZone::UTC, SIZE, "A & B");
        assert!(picture.contains("a&lt;b&gt;") && picture.contains("A &amp; B"), "{picture}");
        assert_eq!(picture.matches("stroke-width").count(), 1);
        let line = path(&series[0], &frame(&series, 400.0, 200.0, 1).unwrap());
        assert_eq!(line.matches('M').count(), 2, "{line}");
    }

    #[test]
    fn odd_series_make_pictures_too() {
        for values in [
            vec![],
            vec![f64::NAN],
            vec![5.0],
            vec![0.0, 0.0],
            vec![f64::MAX, -f64::MAX],
            vec![1e300, 1e300],
            vec![f64::INFINITY],
        ] {
            let picture = svg(&[Series::new("x", 0, 1, values)], &TimeZone::UTC, SIZE, "");
            assert!(picture.ends_with("</svg>"));
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, step, expected) in
            [(0.5, 0.1, "0.5"), (20_000.0, 5_000.0, "20k"), (3e6, 1e6, "3M"), (1e-17, 0.2, "0.0")]
        {
            assert_eq!(short(value, step), expected);
        }
    }
}

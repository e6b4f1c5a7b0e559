//! Which form a log has.

use super::LogFormat;
use super::pattern::Pattern;

/// Tells the form of a log by some of its lines: the one that reads most of them; `None` if none reads any. Cost: each line is
/// read in each form.
///
/// ```
/// use lanner_traffic::log::{LogFormat, detect};
///
/// let line = r#"10.0.0.1 - - [29/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8""#;
/// assert_eq!(detect(&[line, "worker process exited"]), Some(LogFormat::Combined));
/// assert_eq!(detect(&["worker process exited"]), None);
/// ```
#[must_use]
pub fn detect<L: AsRef<str>>(lines: &[L]) -> Option<LogFormat> {
    let formats = [LogFormat::Combined, LogFormat::Json, LogFormat::Pattern(Pattern::alb())];
    let n_read =
        |format: &LogFormat| lines.iter().filter(|line| format.read(line.as_ref()).is_some()).count();
    let mut best: Option<(usize, LogFormat)> = None;
    for format in formats {
        let n = n_read(&format);
        if n > best.as_ref().map_or(0, |(n, _)| *n) {
            best = Some((n, format));
        }
    }
    best.map(|(_, format)| format)
}

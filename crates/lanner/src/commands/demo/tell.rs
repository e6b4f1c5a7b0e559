//! Prints the results as text.

use lanner_core::time::{MINUTE_MS, SECOND_MS, format_duration};
use lanner_wire::api::Time;

use super::facts::{Facts, Found, LabelFacts, Outage, SeriesFacts};
use super::refusal::Refusal;
use crate::failure;
use crate::progress::scaled;

/// Bold, red, green and dim, where the terminal shows colours.
struct Style {
    colours: bool,
}

impl Style {
    fn with(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn heading(&self, text: &str) -> String {
        self.with("1", text)
    }

    fn bad(&self, text: &str) -> String {
        self.with("31", text)
    }

    fn good(&self, text: &str) -> String {
        self.with("32", text)
    }

    fn dim(&self, text: &str) -> String {
        self.with("2", text)
    }
}

/// The whole story.
pub(super) fn story(facts: &Facts) -> String {
    let style = Style { colours: failure::colours(&std::io::stdout()) };
    let mut lines = vec![style.heading("Three weeks of data, the last one monitored"), String::new()];
    lines.extend(data(facts));
    lines.push(String::new());
    lines.extend(outage(&facts.outage, &facts.false_alarms, &style));
    lines.extend(refusal(facts.refusal.as_ref(), &facts.outage, &style));
    lines.push(String::new());
    lines.push(style.heading("Two real series, and what people labelled in them"));
    lines.push(
        style.dim("  The rules' limits were chosen with these weeks in view: how it works, not how well."),
    );
    for series in &facts.series {
        lines.push(String::new());
        lines.extend(labelled(series, &style));
    }
    lines.push(String::new());
    lines.extend(webhook(facts));
    lines.push(String::new());
    lines.join("\n")
}

fn data(facts: &Facts) -> Vec<String> {
    let (loaded, story) = (&facts.loaded, &facts.story);
    let rate = (loaded.samples + loaded.events) as f64 / story.took_s.max(1e-3);
    let day = |time: Time| moment(time.0, "%a %d %b %Y %H:%M");
    vec![
        format!("  {} to {}, UTC, in {:.1} s", day(story.start), day(story.end), story.took_s),
        format!(
            "  {} generated payments, {} samples of two real series, {} rows/s; {} refused",
            thousands(loaded.events),
            thousands(loaded.samples),
            scaled(rate),
            loaded.rejected
        ),
        format!(
            "  {} rules, {} evaluations, each when it was due",
            loaded.rules,
            thousands(loaded.evaluations)
        ),
    ]
}

fn outage(outage: &Outage, false_alarms: &[Found], style: &Style) -> Vec<String> {
    let mut lines = vec![
        style.heading("A bank fails"),
        String::new(),
        format!("  {}  every payment of {} begins to fail", clock(outage.began.0), outage.bank),
    ];
    for (at, alert) in outage.alerts.iter().enumerate() {
        let late = late(alert);
        let late = if at == 0 { style.good(&late) } else { late };
        lines.push(format!(
            "  {}  {}  {} late, notified at {}",
            clock(alert.evaluated.0),
            style.bad(&alert.rule),
            late,
            clock(alert.told.0)
        ));
        lines.push(format!("            {}", alert.content));
    }
    lines.push(String::new());
    lines.push(match (outage.found, outage.within_one_window) {
        (true, true) => style.good("  Found within one window of its start, and the bank is named."),
        (true, false) => style.bad("  Found, but later than one window after its start."),
        (false, _) => style.bad("  Not found."),
    });
    lines.push(if false_alarms.is_empty() {
        "  No alert about payments before, and none about another bank.".to_owned()
    } else {
        style.bad(&format!("  {} false alarms about payments:", false_alarms.len()))
    });
    lines.extend(false_alarms.iter().map(|alert| format!("    {}", line(alert))));
    lines
}

/// What was refused, and when.
fn refusal(refusal: Option<&Refusal>, outage: &Outage, style: &Style) -> Vec<String> {
    let Some(Refusal { at, switch, reason, others_pass }) = refusal else {
        return vec![style.bad(&format!("  Payments with {} are not refused.", outage.bank))];
    };
    let after = rounded(at.0 - outage.began.0);
    let others = if *others_pass { "payments with others pass" } else { "and so are those with others" };
    let mut lines = vec![
        String::new(),
        format!("  {}  {} is activated by the alert", clock(at.0), style.bad(switch)),
        format!("            {after} after the start payments with {} are refused; {others}", outage.bank),
    ];
    lines.extend(reason.as_ref().map(|reason| format!("            the shop gets the reason: {reason}")));
    lines
}

fn labelled(series: &SeriesFacts, style: &Style) -> Vec<String> {
    let mut lines = Vec::new();
    for label in &series.labels {
        let name = format!("{}: {}", series.series, label.about);
        lines.push(format!("  {name}  {}", style.dim(&format!("(rule {})", series.rule))));
        lines.push(format!(
            "    labelled  {}  {}",
            moment(label.label.0, "%a %d %b %H:%M"),
            style.dim(&format!("{} in NAB's {}", &label.original[..16], series.file))
        ));
        lines.extend(hits(label, style));
    }
    lines.push(if series.outside.is_empty() {
        "    Nothing fired outside the labelled window.".to_owned()
    } else {
        format!("    Fired outside the labelled window: {} times", series.outside.len())
    });
    lines.extend(series.outside.iter().map(|alert| format!("      {}", line(alert))));
    lines
}

fn hits(label: &LabelFacts, style: &Style) -> Vec<String> {
    if label.alerts.is_empty() {
        return vec![format!("    {}", style.bad("missed"))];
    }
    let hit = |alert: &Found| {
        let after_s = alert.after_s.unwrap_or_default();
        let side = if after_s < 0.0 { "before" } else { "after" };
        let ended = alert.ended.map_or_else(
            || "goes on".to_owned(),
            |ended| format!("over {}", moment(ended.0, "%a %d %b %H:%M")),
        );
        [
            format!(
                "    {}     {}  {} {side} the moment that was labelled; {ended}",
                style.good("found"),
                moment(alert.evaluated.0, "%a %d %b %H:%M"),
                rounded((after_s.abs() * 1e3) as i64)
            ),
            format!("              {}", alert.content),
        ]
    };
    label.alerts.iter().flat_map(hit).collect()
}

fn webhook(facts: &Facts) -> Vec<String> {
    let webhook = &facts.webhook;
    let last = webhook
        .last
        .as_ref()
        .map_or_else(String::new, |last| format!(", the last at {}: {}", clock(last.at.0), last.title));
    vec![format!("A webhook on this machine got {} messages{last}", webhook.messages)]
}

/// One alert in one line.
fn line(alert: &Found) -> String {
    format!("{}  {}  {}", moment(alert.evaluated.0, "%a %d %b %H:%M"), alert.rule, alert.content)
}

fn late(alert: &Found) -> String {
    rounded((alert.after_s.unwrap_or_default() * 1e3) as i64)
}

/// A duration to the second below an hour, as clocks show it, else to the nearest minute.
fn rounded(duration_ms: i64) -> String {
    let is_short = duration_ms < 60 * MINUTE_MS;
    let text = format_duration(if is_short {
        duration_ms / SECOND_MS * SECOND_MS
    } else {
        (duration_ms + MINUTE_MS / 2) / MINUTE_MS * MINUTE_MS
    });
    // `15m3s` reads better apart.
    let mut spaced = String::new();
    let mut last = '0';
    for letter in text.chars() {
        if last.is_ascii_alphabetic() && letter.is_ascii_digit() {
            spaced.push(' ');
        }
        spaced.push(letter);
        last = letter;
    }
    spaced
}

fn clock(time_ms: i64) -> String {
    moment(time_ms, "%H:%M:%S")
}

fn moment(time_ms: i64, format: &str) -> String {
    jiff::Timestamp::from_millisecond(time_ms)
        .map_or_else(|_| String::new(), |at| at.strftime(format).to_string())
}

/// `315,204`
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([905_900, 8 * 3_600_000 - 9_000].map(rounded), ["15m 5s", "8h"]);
    }
}

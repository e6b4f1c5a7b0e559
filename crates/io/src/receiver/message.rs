//! The content of a message: Lanner's own JSON, version 1, and plain text for people.

use lanner_core::printable::printable;
use lanner_core::time::format_time;
use lanner_core::{
    Acknowledgement, Annotations, Evidence, Labels, Notification, NotifiedAlert, ResolvedReason,
};
use serde::Serialize;
use serde_json::Value;

use super::Links;

/// Contributors to a value that people read of.
const MAX_CONTRIBUTORS: usize = 5;
/// Room for the number of alerts that are not shown.
const MORE_CHARS: usize = 128;

/// Lanner's own JSON: what `webhook` sends, `command` reads and `log` writes.
///
/// Times are RFC 3339 in UTC. A field is added without a new version; one that changes its meaning is not.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    version: &'static str,
    key: &'a str,
    receiver: &'a str,
    status: &'static str,
    title: String,
    repeat: bool,
    created: String,
    group: &'a Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_url: Option<&'a str>,
    alerts: Vec<MessageAlert<'a>>,
    /// How many alerts the message is about, listed or not, and how many of them are not listed.
    n_alerts: u64,
    truncated_alerts: u64,
}

#[derive(Debug, Serialize)]
struct MessageAlert<'a> {
    status: &'static str,
    state: &'static str,
    fingerprint: &'a str,
    episode: u32,
    rule: &'a str,
    labels: &'a Labels,
    group: &'a Labels,
    content: &'a Value,
    annotations: &'a Annotations,
    generator_url: Option<String>,
    started: String,
    resolved: Option<String>,
    resolved_reason: Option<&'static str>,
    window: Window,
    value: Option<f64>,
    base: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a Evidence>,
    late: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<Acknowledged<'a>>,
}

/// Who has taken on an alert.
#[derive(Debug, Serialize)]
struct Acknowledged<'a> {
    author: &'a str,
    comment: &'a str,
    at: String,
    until: Option<String>,
}

#[derive(Debug, Serialize)]
struct Window {
    start: String,
    end: String,
}

/// `resolved` once all is over, `firing` before.
pub(super) const fn status(is_resolved: bool) -> &'static str {
    if is_resolved { "resolved" } else { "firing" }
}

impl<'a> Message<'a> {
    pub(super) fn new(notification: &'a Notification, links: &'a Links) -> Self {
        Self {
            version: "1",
            key: &notification.key,
            receiver: &notification.receiver,
            status: status(notification.is_resolved()),
            title: notification.title(),
            repeat: notification.repeat,
            created: format_time(notification.created_ms),
            group: &notification.group,
            external_url: links.home(),
            alerts: notification.alerts.iter().map(|alert| MessageAlert::new(alert, links)).collect(),
            n_alerts: notification.n_alerts(),
            truncated_alerts: notification.omitted.total(),
        }
    }
}

impl<'a> MessageAlert<'a> {
    fn new(alert: &'a NotifiedAlert, links: &Links) -> Self {
        Self {
            status: status(alert.is_resolved()),
            state: alert.state.name(),
            fingerprint: &alert.fingerprint,
            episode: alert.episode,
            rule: &alert.rule,
            labels: &alert.labels,
            group: &alert.group,
            content: &alert.content,
            annotations: &alert.annotations,
            generator_url: links.rule(&alert.rule),
            started: format_time(alert.started_ms),
            resolved: alert.resolved_ms.map(format_time),
            resolved_reason: alert.resolved_reason.map(ResolvedReason::name),
            window: Window {
                start: format_time(alert.window.start_ms),
                end: format_time(alert.window.end_ms),
            },
            value: alert.value,
            base: alert.base,
            evidence: alert.evidence.as_deref(),
            late: alert.late,
            acknowledged: alert.acknowledged.as_ref().map(|it| Acknowledged {
                author: &it.author,
                comment: &it.comment,
                at: format_time(it.at_ms),
                until: it.until_ms.map(format_time),
            }),
        }
    }
}

/// Serialises what cannot fail: maps with text keys, text and numbers.
pub(super) fn to_json<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}").into_bytes())
}

/// The content as text: itself, or one `name: value` per line. What acts on a terminal or turns text is shown, and does nothing.
pub(super) fn content_text(content: &Value) -> String {
    let text = match content {
        Value::Null => String::new(),
        Value::String(text) => text.trim_end().to_owned(),
        Value::Object(fields) => {
            let lines: Vec<String> = fields
                .iter()
                .map(|(name, value)| match value {
                    Value::String(text) => format!("{name}: {text}"),
                    other => format!("{name}: {other}"),
                })
                .collect();
            lines.join("\n")
        }
        other => other.to_string(),
    };
    printable(&text).into_owned()
}

/// `150, compared with 200 (-25 %)`, if anything was measured.
pub(super) fn value_text(alert: &NotifiedAlert) -> Option<String> {
    let value = alert.value?;
    Some(match alert.base {
        Some(base) if base != 0.0 => {
            // Rounded to a tenth: the exact numbers stand beside it.
            let percent = ((value - base) / base.abs() * 1000.0).round() / 10.0;
            let sign = if percent > 0.0 { "+" } else { "" };
            format!("{value}, compared with {base} ({sign}{percent} %)")
        }
        Some(base) => format!("{value}, compared with {base}"),
        None => value.to_string(),
    })
}

/// What is known about one alert besides its content, as names and values for people: why it ended, what was
/// measured, and the rule's annotations.
pub(super) fn facts(alert: &NotifiedAlert) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), printable(&value).into_owned()));
    for (name, value) in &alert.annotations {
        fact(name, value.clone());
    }
    if let Some(value) = value_text(alert) {
        // Of what is over the last bad value is told, which must not look like a present one.
        fact(if alert.is_resolved() { "last bad value" } else { "value" }, value);
    }
    if let Some(contributors) = alert.evidence.as_deref().and_then(contributors) {
        fact("contributors", contributors);
    }
    let window = alert.window;
    fact("window", format!("{} to {}", format_time(window.start_ms), format_time(window.end_ms)));
    fact("started", format_time(alert.started_ms));
    if let Some(resolved_ms) = alert.resolved_ms {
        fact("resolved", ending(resolved_ms, alert.resolved_reason));
    }
    if let Some(acknowledged) = &alert.acknowledged {
        fact("acknowledged", acknowledgement(acknowledged));
    }
    if alert.late {
        fact("late", "Lanner was down when this became due".to_owned());
    }
    facts
}

/// `cpu (75 %), disk (20 %) and 3 more`, the largest share first.
fn contributors(evidence: &Evidence) -> Option<String> {
    let shown = evidence.contributors.iter().take(MAX_CONTRIBUTORS);
    let shown: Vec<String> = shown.map(ToString::to_string).collect();
    let more = match evidence.contributors.len().saturating_sub(MAX_CONTRIBUTORS) {
        0 => String::new(),
        n_more => format!(" and {n_more} more"),
    };
    (!shown.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
}

/// `by ann until 2026-01-01T01:00:00Z: on it`
fn acknowledgement(acknowledged: &Acknowledgement) -> String {
    let Acknowledgement { author, comment, until_ms, .. } = acknowledged;
    let until = until_ms.map_or_else(String::new, |until_ms| format!(" until {}", format_time(until_ms)));
    let comment = if comment.is_empty() { String::new() } else { format!(": {comment}") };
    format!("by {author}{until}{comment}")
}

/// `2026-01-01T01:00:00Z (rule deleted)`
fn ending(resolved_ms: i64, reason: Option<ResolvedReason>) -> String {
    let time = format_time(resolved_ms);
    reason.map_or_else(|| time.clone(), |reason| format!("{time} ({reason})"))
}

/// One alert as plain text: content, facts, labels.
pub(super) fn alert_text(alert: &NotifiedAlert, links: &Links) -> String {
    let mut text = String::new();
    let content = content_text(&alert.content);
    if !content.is_empty() {
        text.push_str(&format!("{content}\n\n"));
    }
    let mut facts = facts(alert);
    facts.push(("labels".to_owned(), printable(&alert.labels.to_string()).into_owned()));
    facts.extend(links.shown_rule(alert).map(|url| ("rule".to_owned(), url)));
    let width = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).clamp(9, 24);
    for (name, value) in facts {
        text.push_str(&format!("{name:<width$} {}\n", value.trim_end().replace('\n', "\n  ")));
    }
    text
}

/// The whole message as plain text, one paragraph per alert.
pub(super) fn plain_text(notification: &Notification, links: &Links) -> String {
    let mut text = String::new();
    for alert in &notification.alerts {
        text.push_str(&format!("{}\n\n{}\n", alert.title(), alert_text(alert, links)));
    }
    if let Some(more) = notification.more() {
        text.push_str(&format!("{more}\n\n"));
    }
    if let Some(home) = links.home() {
        text.push_str(home);
        text.push('\n');
    }
    text
}

/// Where people can go from here, what each place is and its address: the foremost alert's rule, where they can reach it, and
/// its runbook.
pub(super) fn places(notification: &Notification, links: &Links) -> Vec<(&'static str, String)> {
    let Some(first) = notification.foremost() else { return Vec::new() };
    let rule = links.shown_rule(first).map(|url| ("the rule", url));
    let runbook = first.annotations.get("runbook_url").map(|url| ("the runbook", url.clone()));
    rule.into_iter().chain(runbook).collect()
}

/// A name for a notification group at services that find things again by a key: 16 hexadecimal digits.
pub(super) fn group_key(notification: &Notification) -> String {
    lanner_core::alert::fingerprint(&notification.receiver, &notification.group)
}

/// As many alerts of a message as text as fit into `max`, the first one cut if need be, then how many more there are.
///
/// - `max`: in UTF-16 units of what is escaped, which is never less than a service counts;
/// - `escape`: what stands for a character.
pub(super) fn bounded_text(
    notification: &Notification,
    links: &Links,
    max: usize,
    escape: fn(char) -> String,
) -> String {
    let escaped = |text: &str| text.chars().map(escape).collect::<String>();
    let size = |text: &str| text.encode_utf16().count();
    let room = max.saturating_sub(MORE_CHARS);
    let (mut text, mut n_shown) = (String::new(), 0);
    for (at, alert) in notification.alerts.iter().enumerate() {
        let section = format!("{}\n{}", alert.title(), alert_text(alert, links));
        let shown = escaped(&section);
        if size(&text) + size(&shown) < room {
            text.push_str(&shown);
        } else if at == 0 {
            let mut kept = size(&section);
            // Escaping makes it longer by at most a constant factor, so this ends soon.
            while size(&escaped(&cut(&section, kept, char::len_utf16))) >= room && kept > 0 {
                kept = kept * 3 / 4;
            }
            text = escaped(&cut(&section, kept, char::len_utf16));
        } else {
            break;
        }
        n_shown = at + 1;
        text.push('\n');
    }
    if let Some(more) = notification.more_after(n_shown) {
        text.push_str(&escaped(&format!("\n{more}")));
    }
    text.truncate(text.trim_end().len());
    text
}

/// `text` in at most `max` characters; what is cut is marked.
///
/// - `length`: how the service counts one character.
pub(super) fn cut(text: &str, max: usize, length: fn(char) -> usize) -> String {
    if text.chars().map(length).sum::<usize>() <= max {
        return text.to_owned();
    }
    let mut room = max.saturating_sub(length('…'));
    let fits = |c: &char| {
        let fits = length(*c) <= room;
        room = if fits { room - length(*c) } else { 0 };
        fits
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    if max > 0 {
        kept.push('…');
    }
    kept
}

/// Counts a character as one.
pub(super) fn one(_: char) -> usize {
    1
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use lanner_core::{AlertState, TimeRange};

    use super::*;

    /// A message about one running and one resolved alert.
    pub(in crate::receiver) fn sample() -> Notification {
        let alert = |bank: &str, resolved_ms: Option<i64>, content: Value| NotifiedAlert {
            fingerprint: "0123456789abcdef".to_owned(),
            episode: 3,
            state: if resolved_ms.is_some() { AlertState::Normal } else { AlertState::Firing },
            rule: Arc::from("payments-floor"),
            labels: Labels::new([("bank", bank), ("rule", "payments-floor"), ("team", "pay")]),
            group: Labels::new([("bank", bank)]),
            content,
            annotations: Annotations::from([(
                "runbook_url".to_owned(),
                format!("https://runbooks.example.org/{bank}"),
            )]),
            started_ms: 1_767_225_600_000,
            resolved_ms,
            resolved_reason: resolved_ms.map(|_| ResolvedReason::Recovered),
            window: TimeRange::new(1_767_223_800_000, 1_767_225_600_000),
            value: Some(150.0),
            base: Some(200.0),
            evidence: None,
            late: false,
            acknowledged: None,
        };
        Notification {
            key: "000102030405060708090a0b0c0d0e0f".to_owned(),
            receiver: Arc::from("on-call"),
            group: Labels::new([("rule", "payments-floor"), ("team", "pay")]),
            alerts: vec![
                alert("hsbc", None, Value::from("hsbc: 150 payments <now> & then")),
                alert(
                    "ing",
                    Some(1_767_229_200_500),
                    serde_json::json!({"bank": "ing", "runbook": ["a", 1]}),
                ),
            ],
            omitted: lanner_core::Omitted::default(),
            repeat: false,
            give_up_ms: None,
            created_ms: 1_767_229_201_000,
        }
    }

    /// Compares with a file in `testdata/receiver`.
    #[track_caller]
    pub(in crate::receiver) fn check_golden(name: &str, message: &impl Serialize) {
        let path = format!("{}/testdata/receiver/{name}", env!("CARGO_MANIFEST_DIR"));
        let actual = serde_json::to_string_pretty(message).unwrap() + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &actual).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert_eq!(actual, expected, "{name}: UPDATE_GOLDEN=1, then read the diff");
    }

    #[test]
    fn contributors_are_told_as_far_as_people_read() {
        let contributor =
            |at: usize| lanner_core::Contributor::new(format!("m{at}"), 0.5 / (at as f64 + 1.0));
        let of = |n: usize| {
            contributors(&Evidence { contributors: (0..n).map(contributor).collect(), ..Evidence::default() })
        };
        assert_eq!(of(0), None);
        assert_eq!(of(2).as_deref(), Some("m0 (50 %), m1 (25 %)"));
        assert_eq!(
            of(7).as_deref(),
            Some("m0 (50 %), m1 (25 %), m2 (17 %), m3 (12 %), m4 (10 %) and 2 more")
        );
    }

    #[test]
    fn json_version_1() {
        check_golden("lanner-v1.json", &Message::new(&sample(), &links()));
    }

    pub(in crate::receiver) fn links() -> Links {
        Links::new(Some("https://lanner.example.org/".to_owned()), None)
    }

    #[test]
    fn what_is_not_listed_is_counted() {
        let omitted = lanner_core::Omitted { firing: 9_900, resolved: 0 };
        let storm = Notification { omitted, ..sample() };
        assert!(plain_text(&storm, &Links::default()).ends_with("\n\nand 9,900 more\n\n"));
        assert_eq!(storm.title(), "FIRING payments-floor {bank=\"hsbc\"} and 9,901 more");
        let json = serde_json::to_value(Message::new(&storm, &Links::default())).unwrap();
        assert_eq!((&json["n_alerts"], &json["truncated_alerts"]), (&9_902.into(), &9_900.into()));
        let omitted = lanner_core::Omitted { firing: 1_000, resolved: 20 };
        let mixed = Notification { omitted, ..sample() };
        assert_eq!(mixed.more().unwrap(), "and 1,020 more (1,000 firing, 20 resolved)");
    }

    #[test]
    fn text_reads_well() {
        let expected = "FIRING payments-floor {bank=\"hsbc\"}

hsbc: 150 payments <now> & then

runbook_url https://runbooks.example.org/hsbc
value       150, compared with 200 (-25 %)
window      2025-12-31T23:30:00Z to 2026-01-01T00:00:00Z
started     2026-01-01T00:00:00Z
labels      {bank=\"hsbc\",rule=\"payments-floor\",team=\"pay\"}
rule        https://lanner.example.org/api/v1/rules/payments-floor

RESOLVED payments-floor {bank=\"ing\"}

bank: ing
runbook: [\"a\",1]

runbook_url    https://runbooks.example.org/ing
last bad value 150, compared with 200 (-25 %)
window         2025-12-31T23:30:00Z to 2026-01-01T00:00:00Z
started        2026-01-01T00:00:00Z
resolved       2026-01-01T01:00:00.5Z (recovered)
labels         {bank=\"ing\",rule=\"payments-floor\",team=\"pay\"}
rule           https://lanner.example.org/api/v1/rules/payments-floor

https://lanner.example.org
";
        assert_eq!(plain_text(&sample(), &links()), expected);
    }

    /// Sets a terminal's title, rings its bell and turns the order of text.
    const BAD: &str = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2066}\0";

    #[test]
    fn what_came_with_the_data_does_nothing_to_whoever_reads() {
        let mut message = sample();
        for alert in &mut message.alerts {
            alert.group = Labels::new([("bank", BAD)]);
            alert.labels = Labels::new([("bank", BAD), ("rule", "floor")]);
            alert.annotations = [("summary".to_owned(), BAD.to_owned())].into();
        }
        message.alerts[0].content = BAD.into();
        message.alerts[1].content = serde_json::json!({ BAD: BAD, "list": [BAD] });
        let links = links();
        let mut texts = vec![message.title(), plain_text(&message, &links)];
        texts.push(bounded_text(&message, &links, 10_000, |c| c.to_string()));
        for alert in &message.alerts {
            texts.extend([alert.title(), alert_text(alert, &links), content_text(&alert.content)]);
            texts.extend(facts(alert).into_iter().map(|(_, value)| value));
        }
        let is_shown = |text: &String| !text.contains(lanner_core::printable::is_hidden);
        assert!(texts.iter().all(is_shown), "{texts:?}");
        assert!(texts.iter().filter(|text| text.contains("owned")).count() >= 9, "{texts:?}");
    }

    #[test]
    fn every_end_says_why() {
        for reason in ResolvedReason::ALL {
            let mut message = sample();
            message.alerts.remove(0);
            message.alerts[0].resolved_reason = Some(reason);
            let text = plain_text(&message, &Links::default());
            assert!(text.contains(&format!("({reason})")), "{text}");
            let marked = message.title().contains(reason.text());
            assert_eq!(marked, reason != ResolvedReason::Recovered, "{}", message.title());
        }
    }

    #[test]
    fn what_is_cut_is_marked_and_within_the_limit() {
        #[track_caller]
        fn check(text: &str, max: usize, length: fn(char) -> usize, expected: &str) {
            assert_eq!(cut(text, max, length), expected);
        }
        check("abc", 3, one, "abc");
        check("abcd", 3, one, "ab…");
        check("äöüß", 3, one, "äö…");
        check("😀😀😀", 4, char::len_utf16, "😀…");
        check("abc", 0, one, "");
        check("ab", 1, one, "…");
    }
}

//! `TIMESTAMP HOST TAG[PID]: TEXT`, of which devices leave out or change every part.

use super::message::{Message, Received};
use super::stamp::{self, word};

/// The longest tag, bytes; RFC 3164 has 32, programs write more.
const MAX_TAG_BYTES: usize = 128;

/// Reads what follows the priority. What is no time, host or tag is text.
pub(super) fn parse<'a>(text: &'a str, received: Received<'_>) -> Message<'a> {
    let body = without_number(text).trim_start_matches(' ');
    let dated = match word(body).and_then(|(first, rest)| Some((stamp::iso(first, received.zone)?, rest))) {
        Some((time_ms, rest)) => Some((time_ms, rest)),
        None => stamp::bsd(body, received),
    };
    let Some((time_ms, rest)) = dated else {
        // Without a time there is no host either: nothing would tell it from the text.
        return tagged(text);
    };
    let rest = rest.trim_start_matches([' ', ':']);
    let (host, rest) = match word(rest) {
        Some((first, after)) if !is_tag(first, after) => {
            (Some(first.trim_end_matches(':')), after.trim_start_matches(' '))
        }
        _ => (None, rest),
    };
    // Firewalls set a colon apart: `fw1 : %ASA-6-302013: ...`.
    let rest = rest.strip_prefix(": ").unwrap_or(rest);
    Message { time_ms: Some(time_ms), host, ..tagged(rest) }
}

/// Without the number that Cisco counts messages by, `29: `, or the colon that is left of it.
fn without_number(text: &str) -> &str {
    match text.split_once(':') {
        Some((number, rest)) if number.trim().bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => text,
    }
}

/// Whether the word after the time is the tag, because no host is given: addresses of version 6 have colons too, but none at
/// their end.
fn is_tag(word: &str, after: &str) -> bool {
    let is_before_cisco = || after.trim_start().starts_with('%');
    (word.ends_with(':') && !is_before_cisco()) || tag(word).is_some_and(|(_, pid, _)| pid.is_some())
}

/// A text that may begin with a tag.
fn tagged(text: &str) -> Message<'_> {
    match tag(text) {
        Some((app, pid, text)) => Message { app: Some(app), pid, text, ..Message::default() },
        None => Message { text, ..Message::default() },
    }
}

/// `TAG: TEXT`, `TAG[PID]: TEXT` or `TAG[PID] TEXT`.
fn tag(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let end = text.find([' ', '[', ':'])?;
    if end == 0 || end > MAX_TAG_BYTES {
        return None;
    }
    let (app, rest) = text.split_at(end);
    if let Some((pid, rest)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let is_pid = pid.len() <= MAX_TAG_BYTES && !pid.contains([' ', '[']);
        let is_apart = rest.is_empty() || rest.starts_with([':', ' ']);
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let pid = Some(pid).filter(|pid| !pid.is_empty());
        return (is_pid && is_apart).then(|| (app, pid, unspaced(rest)));
    }
    // A colon within a word is no end of a tag: `10:00`, `fe80::1`.
    let rest = rest.strip_prefix(':').filter(|rest| rest.is_empty() || rest.starts_with(' '))?;
    Some((app, None, unspaced(rest)))
}

fn unspaced(text: &str) -> &str {
    text.strip_prefix(' ').unwrap_or(text)
}

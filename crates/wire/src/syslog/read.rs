//! A message as a whole: its priority, and then the format that it is in.

use super::message::{Message, Received};
use super::{rfc3164, rfc5424};

/// What a message without a priority counts as: `user.notice`, as RFC 3164 has it.
const NO_PRIORITY: u8 = 13;

/// Reads a message. Cost: O(length).
///
/// ```
/// use lanner_wire::syslog::{Received, parse};
/// let received = Received { time_ms: 1_767_268_800_000, zone: &jiff::tz::TimeZone::UTC, sender: None };
/// let message = parse("<38>Jan  1 11:59:58 web1 sshd[812]: Accepted publickey for ops", received);
/// assert_eq!((message.host, message.app, message.pid), (Some("web1"), Some("sshd"), Some("812")));
/// assert_eq!((message.time_ms, message.text), (Some(1_767_268_798_000), "Accepted publickey for ops"));
/// ```
#[must_use]
pub fn parse<'a>(text: &'a str, received: Received<'_>) -> Message<'a> {
    let text = text.trim_matches(['\n', '\r', '\0']);
    let Some((priority, rest)) = priority(text) else {
        return Message { priority: NO_PRIORITY, text, ..Message::default() };
    };
    let message = rfc5424::parse(rest, received.zone).unwrap_or_else(|| rfc3164::parse(rest, received));
    Message { priority, ..message }
}

/// `<34>`, and what follows it.
fn priority(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let priority = digits.parse().ok().filter(|priority| is_number && *priority < 192)?;
    Some((priority, rest))
}

//! Syslog: any bytes are cut into messages, alike however they come, and each becomes an event with a time that can be kept.
#![no_main]

use jiff::tz::TimeZone;
use lanner_core::instant::within_bounds;
use lanner_wire::syslog::{Frames, MAX_MESSAGE_BYTES, Received, parse};
use libfuzzer_sys::fuzz_target;

/// 2026-01-01T12:00:00Z.
const NOON_MS: i64 = 1_767_268_800_000;

fuzz_target!(|bytes: &[u8]| {
    let received = Received { time_ms: NOON_MS, zone: &TimeZone::UTC, sender: Some("192.0.2.7") };
    let messages = |length: usize| {
        let (mut frames, mut messages) = (Frames::default(), Vec::new());
        bytes.chunks(length).for_each(|piece| frames.take(piece, |message| messages.push(message.to_vec())));
        frames.end(|message| messages.push(message.to_vec()));
        messages
    };
    let whole = messages(bytes.len().max(1));
    assert_eq!(whole, messages(3));
    for message in whole {
        assert!(message.len() <= MAX_MESSAGE_BYTES);
        let event = parse(&String::from_utf8_lossy(&message), received).into_event(received);
        assert!(event.fields.contains_key("host") && within_bounds(event.time_ms).is_some());
    }
});

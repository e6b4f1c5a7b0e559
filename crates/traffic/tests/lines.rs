//! Lines of any kind are read or refused, and what was read can be recorded.

use lanner_traffic::log::{LogFormat, detect};
use lanner_traffic::{KeyBy, Recording, SessionSettings};
use proptest::prelude::*;

/// What lines are made of, in the order of a good one, and what breaks them.
const PIECES: [&str; 26] = [
    "10.0.0.1",
    " - - [",
    "29/Nov/2026:10:00:00 +0000",
    "] \"",
    "GET /a?b=1&b=2 HTTP/1.1",
    "\" 200 ",
    "512 \"-\" \"",
    "curl/8\"",
    " ",
    "\"",
    "\\",
    " [",
    "] ",
    "]: ",
    ": ",
    " stdout F ",
    "{\"method\":\"GET\",\"path\":\"/a\",\"start_time\":\"2026-11-29T10:00:00Z\"",
    "}",
    "2026-11-29T10:00:00Z",
    "http://",
    "://",
    "[::1]:443",
    "99999999999999999999",
    "ä",
    "\u{0}",
    "\\x16\\x03",
];

const FORMATS: [&str; 4] = ["combined", "json", "alb", "$remote_addr [$time_local] \"$request\" $status"];

fn line() -> impl Strategy<Value = String> {
    let good = (0..PIECES.len()).prop_map(|cut| PIECES[..8].concat() + PIECES[cut]);
    let mixed = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..14).prop_map(|it| it.concat());
    let changed =
        (any::<prop::sample::Index>(), prop::sample::select(&PIECES[..])).prop_map(|(at, piece)| {
            let mut line = PIECES[..8].concat();
            let at = at.index(line.len());
            line.insert_str(at, piece);
            line
        });
    prop_oneof![good, mixed, changed, ".*"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn any_line_is_read_or_refused(lines in prop::collection::vec(line(), 1..8)) {
        let mut recording = Recording::new(KeyBy::Session);
        let formats = FORMATS.iter().map(|format| LogFormat::parse(format).unwrap());
        for format in formats.chain(detect(&lines)) {
            lines.iter().filter_map(|line| format.read(line)).for_each(|request| recording.add(&request));
        }
        let (templates, endpoints) = recording.learn(&[]);
        let traffic = recording.traffic(&templates, &endpoints, SessionSettings::default());
        let n_calls: usize = traffic.sessions.iter().map(|session| session.n_calls as usize).sum();
        prop_assert_eq!(n_calls, recording.n_calls());
    }
}

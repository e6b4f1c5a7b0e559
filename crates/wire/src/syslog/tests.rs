//! Messages as the RFCs show them, and as devices write them.

use jiff::tz::TimeZone;
use lanner_core::time::{format_time, parse_time_ms};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The fields of the event that a message becomes, received at noon on the second of January 2026 in Berlin, and its time.
fn event(text: &str) -> (Value, String) {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let time_ms = parse_time_ms("2026-01-02T12:00:00Z").unwrap();
    let received = Received { time_ms, zone: &zone, sender: Some("192.0.2.7") };
    let event = parse(text, received).into_event(received);
    (Value::Object(event.fields), format_time(event.time_ms))
}

/// `time` is when the event happened; `parts` are host, app, process and text, separated by bars.
#[track_caller]
fn check(text: &str, time: &str, parts: &str) {
    let (event, found) = event(text);
    assert_eq!(found, time, "{text}: {event}");
    let part = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
    assert_eq!(["host", "app", "pid", "message"].map(part).join("|"), parts, "{text}");
}

const NOON: &str = "2026-01-02T12:00:00Z";

#[test]
fn messages_of_rfc_5424() {
    // The examples of section 6.5.
    check(
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed for lonvick on /dev/pts/8",
        "2003-10-11T22:14:15.003Z",
        "mymachine.example.com|su|-|'su root' failed for lonvick on /dev/pts/8",
    );
    check(
        "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
        "2003-08-24T12:14:15Z",
        "192.0.2.1|myproc|8710|%% It's time to make the do-nuts.",
    );
    let (event, _) = event(
        r#"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]"#,
    );
    let expected = json!({
        "host": "mymachine.example.com", "app": "evntslog", "msgid": "ID47", "facility": "local4", "severity": "notice",
        "severity_code": 5, "message": "", "sender": "192.0.2.7",
        "data": {
            "exampleSDID@32473": { "iut": "3", "eventSource": "Application", "eventID": "1011" },
            "examplePriority@32473": { "class": "high" },
        },
    });
    assert_eq!(event, expected);
    check("<0>1 - - - - - -", NOON, "192.0.2.7|-|-|");
    check("<0>1 - - - - - - hello\n", NOON, "192.0.2.7|-|-|hello");
    check("<0>1 2026-01-02T11:00:00 a b c d hello", "2026-01-02T10:00:00Z", "a|b|c|hello");
    // What is missing or broken stays in the text.
    check("<0>1 - a b c d [x y=z] hello", NOON, "a|b|c|[x y=z] hello");
    check("<0>1 - a b c d [x y=\"z", NOON, "a|b|c|[x y=\"z");
    check("<0>1 - a b", NOON, "192.0.2.7|-|-|1 - a b");
    check("<0>1 soon a b c d - hello", NOON, "192.0.2.7|-|-|1 soon a b c d - hello");
}

#[test]
fn structured_data() {
    #[track_caller]
    fn check(data: &str, expected: &Value, text: &str) {
        let (event, _) = event(&format!("<0>1 - - - - - {data}"));
        assert_eq!((&event["data"], event["message"].as_str()), (expected, Some(text)), "{data}");
    }
    check(r#"[a b="c"] text"#, &json!({ "a": { "b": "c" } }), "text");
    check(r#"[a b="\"\\\]\n" d=""]"#, &json!({ "a": { "b": "\"\\]\\n", "d": "" } }), "");
    check(r#"[a][b c="]"] [x]"#, &json!({ "a": {}, "b": { "c": "]" } }), "[x]");
    check(
        r#"[origin ip="192.0.2.1" ip="192.0.2.2" ip="192.0.2.3"]"#,
        &json!({ "origin": { "ip": ["192.0.2.1", "192.0.2.2", "192.0.2.3"] } }),
        "",
    );
}

#[test]
fn messages_of_rfc_3164() {
    // The examples of section 5.4; the third is one that a relay would mend.
    check(
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
        "2025-10-11T20:14:15Z",
        "mymachine|su|-|'su root' failed for lonvick on /dev/pts/8",
    );
    check("Use the BFG!", NOON, "192.0.2.7|-|-|Use the BFG!");
    check("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!", "2025-02-05T16:32:18Z", "10.0.0.99|-|-|Use the BFG!");
    // nginx, rsyslog's RSYSLOG_ForwardFormat, glibc without a host, BusyBox without a time.
    let access = "192.0.2.1 - - [02/Jan/2026:12:59:59 +0100] \"GET / HTTP/1.1\" 200 9 \"-\" \"curl/8.0\"";
    check(
        &format!("<190>Jan  2 12:59:59 web1 nginx: {access}"),
        "2026-01-02T11:59:59Z",
        &format!("web1|nginx|-|{access}"),
    );
    check(
        "<30>2026-01-02T12:59:59.123456+01:00 web-1.example.org systemd[1]: Started x.",
        "2026-01-02T11:59:59.123Z",
        "web-1.example.org|systemd|1|Started x.",
    );
    check(
        "<13>Jan  2 12:59:59 cron[77]: (root) CMD (x)",
        "2026-01-02T11:59:59Z",
        "192.0.2.7|cron|77|(root) CMD (x)",
    );
    check("<13>dropbear[812]: Child connection", NOON, "192.0.2.7|dropbear|812|Child connection");
    // Without a year: the latest that is at most a day ahead.
    check("<13>Jan  3 11:00:00 a b: c", "2026-01-03T10:00:00Z", "a|b|-|c");
    check("<13>Jan  4 13:00:00 a b: c", "2025-01-04T12:00:00Z", "a|b|-|c");
    check("<13>Feb 29 11:00:00 a b: c", "2024-02-29T10:00:00Z", "a|b|-|c");
}

#[test]
fn messages_of_devices() {
    // Cisco IOS with numbers, an unset clock and milliseconds, with a zone; NX-OS; ASA with a host and without a header.
    check(
        "<189>29: *Jan  2 11:00:29.123: %SYS-5-CONFIG_I: Configured from console",
        "2026-01-02T10:00:29.123Z",
        "192.0.2.7|%SYS-5-CONFIG_I|-|Configured from console",
    );
    check(
        "<187>42: Jan  2 11:00:29.123 UTC: %LINK-3-UPDOWN: Interface Gi0/1, changed state to up",
        "2026-01-02T11:00:29.123Z",
        "192.0.2.7|%LINK-3-UPDOWN|-|Interface Gi0/1, changed state to up",
    );
    check(
        "<189>: 2026 Jan  2 11:00:29 UTC: %ETHPORT-5-IF_UP: Interface Ethernet1/1 is up",
        "2026-01-02T11:00:29Z",
        "192.0.2.7|%ETHPORT-5-IF_UP|-|Interface Ethernet1/1 is up",
    );
    for host in ["fw1 :", "fw1:"] {
        check(
            &format!("<166>Jan 02 2026 11:00:00 {host} %ASA-6-302013: Built outbound TCP"),
            "2026-01-02T10:00:00Z",
            "fw1|%ASA-6-302013|-|Built outbound TCP",
        );
    }
    check("<166>%ASA-6-302013: Built outbound TCP", NOON, "192.0.2.7|%ASA-6-302013|-|Built outbound TCP");
    // The year behind the time (Aruba, Juniper), hosts that are no names, messages without a tag.
    check("<13>Jan  2 11:00:00 2026 ap-7 stm[3]: up", "2026-01-02T10:00:00Z", "ap-7|stm|3|up");
    check("<13>Jan  2 11:00:00 2001:db8::17 su: x", "2026-01-02T10:00:00Z", "2001:db8::17|su|-|x");
    check(
        "<30>Jan  2 11:00:00 U7PG2,f09fc2aabbcc,v4.0 hostapd: ath0: STA",
        "2026-01-02T10:00:00Z",
        "U7PG2,f09fc2aabbcc,v4.0|hostapd|-|ath0: STA",
    );
    check("<30>Jan  2 11:00:00 größe app: x", "2026-01-02T10:00:00Z", "größe|app|-|x");
    check(
        "<30>Jan  2 11:00:00 router system,info user admin logged in",
        "2026-01-02T10:00:00Z",
        "router|-|-|system,info user admin logged in",
    );
    let pairs = "date=2026-01-02 time=11:00:00 devname=\"fw: 2\" level=notice";
    check(&format!("<189>{pairs}"), NOON, &format!("192.0.2.7|-|-|{pairs}"));
    // No priorities, no times.
    check("<192>x", NOON, "192.0.2.7|-|-|<192>x");
    check("<1234>x", NOON, "192.0.2.7|-|-|<1234>x");
    check("<13>Jan 32 11:00:00 a b: c", NOON, "192.0.2.7|-|-|Jan 32 11:00:00 a b: c");
    check("<13>Jan  2 25:00:00 a b: c", NOON, "192.0.2.7|-|-|Jan  2 25:00:00 a b: c");
    check("<13>", NOON, "192.0.2.7|-|-|");
}

#[test]
fn priorities_have_names() {
    for (priority, facility, severity) in [
        (0, "kern", "emerg"),
        (34, "auth", "crit"),
        (86, "authpriv", "info"),
        (165, "local4", "notice"),
        (191, "local7", "debug"),
    ] {
        let (event, _) = event(&format!("<{priority}>x"));
        assert_eq!(
            (event["facility"].as_str(), event["severity"].as_str()),
            (Some(facility), Some(severity))
        );
        assert_eq!(event["severity_code"], json!(priority % 8));
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "(<[0-9]{1,4}>)?(1 |29: )?([*.]?Jan  ?[0-9]{1,2}|2026|-|[0-9:.T-]{1,20}|[a-z]+\\[[0-9]*\\]?:?|\\[[a-z]( [a-z]=\"[^\"]*\"?)*\\]?|UTC:|%|ä|:| ){0,9}") {
        let (event, _) = event(&text);
        prop_assert!(event["message"].as_str().unwrap().len() <= text.len());
        prop_assert!(event["host"].is_string());
    }

    #[test]
    fn any_characters_are_answered(text in ".{0,80}") {
        event(&text);
    }
}

//! The services that have a kind of their own, each against a real HTTP server that answers as documented: what is
//! sent, within which limits, and what each answer means.

use lanner_core::{Acknowledgement, Annotations, Labels, Notification, ResolvedReason};
use lanner_io::receiver::SendErrorKind::{self, Permanent, Retry};
use lanner_io::receiver::{BuildContext, KINDS, Links, Receiver, ReceiverConfig};
use serde_json::{Value, json};

use crate::peers::{Answer, HttpPeer, Request, message};

const TOKEN: &str = "123456:S3CRET-token_of-the-bot";
const KEY: &str = "0123456789abcdefS3CRET0123456789"; // 32 characters, as every routing key

/// The document of a receiver of each kind that speaks HTTP, which talks to `peer`.
fn document(kind: &str, peer: &HttpPeer) -> Value {
    let url = peer.url("/S3CRETPATH");
    match kind {
        "pagerduty" => json!({"kind": kind, "routing_key": KEY, "url": peer.url("/v2/enqueue")}),
        "opsgenie" => json!({"kind": kind, "api_key": "S3CRET", "url": peer.url("/"),
            "responders": [{"type": "team", "name": "pay"}], "tags": ["lanner"]}),
        "telegram" => {
            json!({"kind": kind, "token": TOKEN, "chat_id": -100_123, "thread_id": 7, "url": peer.url("")})
        }
        "servicenow" => json!({"kind": kind, "url": peer.url("/api/global/em/jsonv2"), "node": "bank",
            "auth": {"username": "u", "password": "S3CRET"}}),
        "discord" => json!({"kind": kind, "url": url, "username": "Lanner"}),
        _ => json!({"kind": kind, "url": url}),
    }
}

fn built(document: &Value) -> Receiver {
    let links = Links::new(Some("https://lanner.example.org".to_owned()), None);
    ReceiverConfig::from_value(document).unwrap().build(&BuildContext::new(links)).unwrap()
}

/// What a receiver of this kind sends for a message that it takes.
async fn sent(kind: &str, notification: &Notification) -> Request {
    let peer = HttpPeer::start(vec![Answer::Status(202, Vec::new(), "{}")]).await;
    built(&document(kind, &peer)).send(notification).await.unwrap();
    peer.requests().remove(0)
}

fn firing() -> Notification {
    let mut message = message("k1", "a");
    message.alerts[0].labels =
        message.alerts[0].labels.with(&Labels::new([("severity", "critical"), ("bank", "hsbc")]));
    message
}

fn resolved(reason: ResolvedReason) -> Notification {
    let mut message = firing();
    message.key = "k2".to_owned();
    message.alerts[0].state = lanner_core::AlertState::Normal;
    (message.alerts[0].resolved_ms, message.alerts[0].resolved_reason) =
        (Some(1_767_229_200_000), Some(reason));
    message
}

/// A message about 500 alerts with long, hostile texts.
fn huge() -> Notification {
    let mut message = firing();
    let mut alert = message.alerts[0].clone();
    alert.content = "<b>&*_`[x](y) @everyone 😀 ".repeat(400).into();
    alert.annotations = Annotations::from([("summary".to_owned(), "<&>\\_*".repeat(500))]);
    message.alerts = vec![alert; 500];
    message
}

/// Every service says how many alerts a message does not list.
#[tokio::test]
async fn what_is_not_listed_is_counted_for_everybody() {
    for kind in SERVICES {
        let omitted = lanner_core::Omitted { firing: 9_900, resolved: 0 };
        let body = sent(kind, &Notification { omitted, ..firing() }).await.body.to_string();
        // Slack's text and webhooks have numbers of their own for it.
        let expected = match kind {
            "webhook" => "\"truncated_alerts\":9900",
            "slack" => "9900 of them not shown",
            _ => "and 9,900 more",
        };
        assert!(body.contains(expected), "{kind}: {body}");
        // These list every alert.
        if !matches!(kind, "webhook" | "slack" | "servicenow") {
            let omitted = lanner_core::Omitted { firing: 9_900, resolved: 0 };
            let storm = sent(kind, &Notification { omitted, ..huge() }).await.body.to_string();
            let n_more =
                storm.split("and 10,").nth(1).unwrap_or_else(|| panic!("{kind}: nothing is counted"));
            assert!(n_more[3..].starts_with(" more"), "{kind}: {n_more:.40}");
        }
    }
}

/// Who has taken on an alert is said to everybody.
#[tokio::test]
async fn who_has_taken_it_on_is_said_to_everybody() {
    for kind in SERVICES {
        let mut message = firing();
        message.alerts[0].acknowledged = Some(Acknowledgement {
            author: "ann".to_owned(),
            comment: "looking into it".to_owned(),
            at_ms: 1_767_225_600_000,
            until_ms: Some(1_767_229_200_000),
        });
        let body = sent(kind, &message).await.body.to_string();
        assert!(body.contains("ann") && body.contains("looking into it"), "{kind}: {body}");
    }
}

const SERVICES: [&str; 8] =
    ["webhook", "slack", "pagerduty", "opsgenie", "teams", "telegram", "discord", "servicenow"];

#[tokio::test]
async fn every_service_is_told_the_runbook_and_why_it_ended() {
    // In `mail` and `local`; a switch reads nothing, and brokers are given what a webhook is.
    let others = ["email", "command", "log", "switch", "nats", "amqp", "kafka"];
    for kind in KINDS {
        assert!(SERVICES.contains(&kind.name) || others.contains(&kind.name), "{} is not tried", kind.name);
    }
    for kind in SERVICES {
        let body = sent(kind, &firing()).await.body.to_string();
        let said = body.replace("\\\\", ""); // escapes of Markdown
        assert!(said.contains("https://example.org/floor"), "{kind} has no annotations: {body}");
        assert!(
            said.contains("lanner.example.org/api/v1/rules/payments-floor"),
            "{kind} has no link: {body}"
        );
        let body = sent(kind, &resolved(ResolvedReason::RuleDeleted)).await.body.to_string();
        let said = body.replace("\\\\", "");
        let says = said.contains("rule deleted") || said.contains("rule_deleted");
        assert!(says, "{kind} does not say why it ended: {body}");
    }
}

#[tokio::test]
async fn pagerduty_triggers_and_resolves_one_alert_a_group() {
    let request = sent("pagerduty", &firing()).await;
    let (trigger, resolve) =
        (request.body, sent("pagerduty", &resolved(ResolvedReason::Recovered)).await.body);
    assert_eq!(request.path, "/v2/enqueue");
    assert_eq!((&trigger["event_action"], &resolve["event_action"]), (&json!("trigger"), &json!("resolve")));
    assert_eq!(trigger["dedup_key"], resolve["dedup_key"]);
    assert_eq!(trigger["dedup_key"].as_str().unwrap().len(), 16);
    assert_eq!(trigger["routing_key"], KEY);
    let payload = &trigger["payload"];
    assert_eq!(payload["summary"], "FIRING payments-floor {bank=\"hsbc\"}");
    assert_eq!((&payload["severity"], &payload["source"]), (&json!("critical"), &json!("payments-floor")));
    assert_eq!(trigger["links"][1], json!({"href": "https://example.org/floor", "text": "the runbook"}));
    let body = sent("pagerduty", &huge()).await.body;
    assert!(body.to_string().len() < 512 * 1024);
    assert!(body["payload"]["custom_details"]["text"].as_str().unwrap().ends_with("more"));
    assert_eq!(body["payload"]["custom_details"]["alerts"], 500);
}

#[tokio::test]
async fn opsgenie_creates_and_closes_by_alias() {
    let (create, close) =
        (sent("opsgenie", &firing()).await, sent("opsgenie", &resolved(ResolvedReason::RulePaused)).await);
    assert_eq!((create.path.as_str(), create.header("authorization")), ("/v2/alerts", "GenieKey S3CRET"));
    let alias = create.body["alias"].as_str().unwrap();
    assert_eq!(close.path, format!("/v2/alerts/{alias}/close?identifierType=alias"));
    assert!(close.body["note"].as_str().unwrap().contains("rule paused"));
    assert_eq!((&create.body["priority"], &create.body["entity"]), (&json!("P1"), &json!("payments-floor")));
    assert_eq!(create.body["responders"], json!([{"type": "team", "name": "pay"}]));
    assert_eq!(create.body["details"]["bank"], "hsbc");
    let mut long = huge();
    long.alerts[0].rule = "r".repeat(300).into();
    let body = sent("opsgenie", &long).await.body;
    let chars = |value: &Value| value.as_str().unwrap().chars().count();
    assert_eq!(chars(&body["message"]), 130);
    assert!(chars(&body["description"]) <= 15_000 && chars(&body["entity"]) <= 512);
    let details = body["details"].as_object().unwrap();
    assert!(details.iter().map(|(name, value)| name.chars().count() + chars(value)).sum::<usize>() <= 8_000);
}

#[tokio::test]
async fn teams_gets_an_adaptive_card() {
    let body = sent("teams", &firing()).await.body;
    let attachment = &body["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    let card = &attachment["content"];
    assert_eq!((&card["type"], &card["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
    assert_eq!(card["body"][0]["color"], "Attention");
    assert_eq!(card["actions"][1]["url"], "https://example.org/floor");
    let body = sent("teams", &huge()).await.body;
    assert!(body.to_string().len() <= 28 * 1024, "{}", body.to_string().len());
    let last = body["attachments"][0]["content"]["body"].as_array().unwrap().last().unwrap()["text"].clone();
    let n_left: usize = last.as_str().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let n_shown = body["attachments"][0]["content"]["body"].as_array().unwrap().len() - 2;
    assert_eq!(n_shown + n_left, 500);
}

#[tokio::test]
async fn telegram_gets_escaped_text_within_its_limit() {
    let mut hostile = firing();
    hostile.alerts[0].content = "a < b && c > d</b>".into();
    let request = sent("telegram", &hostile).await;
    assert_eq!(request.path, format!("/bot{TOKEN}/sendMessage"));
    let body = request.body;
    assert_eq!((&body["chat_id"], &body["message_thread_id"]), (&json!(-100_123), &json!(7)));
    assert_eq!(body["parse_mode"], "HTML");
    assert!(body["text"].as_str().unwrap().contains("a &lt; b &amp;&amp; c &gt; d&lt;/b&gt;"), "{body}");
    let text = sent("telegram", &huge()).await.body["text"].as_str().unwrap().to_owned();
    assert!(text.encode_utf16().count() <= 4_096 && text.ends_with("and 499 more"), "{text}");
    // Nothing is cut in the middle of an entity.
    for at in text.match_indices('&').map(|(at, _)| at) {
        assert!(
            ["&amp;", "&lt;", "&gt;"].iter().any(|entity| text[at..].starts_with(entity)),
            "{}",
            &text[at..]
        );
    }
}

#[tokio::test]
async fn discord_gets_an_embed_that_mentions_nobody() {
    let body = sent("discord", &firing()).await.body;
    assert_eq!(body["allowed_mentions"], json!({"parse": []}));
    assert_eq!((&body["username"], &body["embeds"][0]["color"]), (&json!("Lanner"), &json!(0xe0_1e_5a)));
    assert_eq!(body["embeds"][0]["title"], "FIRING payments-floor {bank=\"hsbc\"}");
    let embed = sent("discord", &huge()).await.body["embeds"][0].clone();
    let chars = |name: &str| embed[name].as_str().unwrap().encode_utf16().count();
    assert!(
        chars("title") <= 256
            && chars("description") <= 4_096
            && chars("title") + chars("description") <= 6_000
    );
    assert!(embed["description"].as_str().unwrap().ends_with("and 499 more"));
}

#[tokio::test]
async fn servicenow_gets_an_event_an_alert() {
    let request = sent("servicenow", &firing()).await;
    assert_eq!(request.path, "/api/global/em/jsonv2");
    assert!(request.header("authorization").starts_with("Basic "));
    let event = &request.body["records"][0];
    assert_eq!((&event["severity"], &event["resolution_state"]), (&json!("1"), &json!("New")));
    assert_eq!((&event["node"], &event["message_key"]), (&json!("hsbc"), &json!("0123456789abcdef")));
    assert_eq!(event["time_of_event"], "2026-01-01 00:00:00");
    let info: Value = serde_json::from_str(event["additional_info"].as_str().unwrap()).unwrap();
    assert_eq!(info["annotations"]["runbook_url"], "https://example.org/floor");
    let body = sent("servicenow", &resolved(ResolvedReason::Recovered)).await.body;
    let event = &body["records"][0];
    assert_eq!((&event["severity"], &event["resolution_state"]), (&json!("0"), &json!("Closing")));
    let mut many = huge();
    many.alerts.truncate(50);
    let body = sent("servicenow", &many).await.body;
    assert_eq!(body["records"].as_array().unwrap().len(), 50);
    assert!(body["records"][0]["description"].as_str().unwrap().chars().count() <= 4_000);
}

/// Answers as their documentation shows them.
#[tokio::test]
async fn what_each_service_answers_is_understood() {
    async fn check(
        kind: &str,
        status: u16,
        text: &'static str,
        expected: Result<(), (SendErrorKind, Option<i64>, &str)>,
    ) {
        let peer = HttpPeer::start(vec![Answer::Status(status, Vec::new(), text)]).await;
        let result = built(&document(kind, &peer)).send(&firing()).await;
        match (result, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err((expected, retry_after_ms, part))) => {
                assert_eq!(
                    (error.kind, error.retry_after_ms),
                    (expected, retry_after_ms),
                    "{kind} {status}: {error}"
                );
                assert!(error.message.contains(part), "{part} in {error}");
                assert!(!error.message.contains("S3CRET"), "{error}");
            }
            (result, expected) => panic!("{kind} {status} {text}: {result:?}, not {expected:?}"),
        }
    }
    let taken = r#"{"status":"success","message":"Event processed","dedup_key":"samplekeyhere"}"#;
    check("pagerduty", 202, taken, Ok(())).await;
    let invalid = r#"{"status":"invalid event","message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect (should be 32 characters)"]}"#;
    check("pagerduty", 400, invalid, Err((Permanent, None, "Length of 'routing_key'"))).await;
    check("pagerduty", 429, "", Err((Retry, None, "429"))).await;
    check("pagerduty", 500, "", Err((Retry, None, "500"))).await;

    let taken = r#"{"result":"Request will be processed","took":0.302,"requestId":"43a29c5c-3dbf-4fa4-9c26-f4f71023e120"}"#;
    check("opsgenie", 202, taken, Ok(())).await;
    let refused = r#"{"message":"Key format is not valid!","took":0.001,"requestId":"r"}"#;
    check("opsgenie", 401, refused, Err((Permanent, None, "Key format is not valid"))).await;
    check(
        "opsgenie",
        422,
        r#"{"message":"Request body is not processable"}"#,
        Err((Permanent, None, "not processable")),
    )
    .await;
    check(
        "opsgenie",
        429,
        r#"{"message":"You are making too many requests!"}"#,
        Err((Retry, None, "too many")),
    )
    .await;

    check("teams", 202, "", Ok(())).await;
    check("teams", 200, "1", Ok(())).await;
    let behind = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0";
    check("teams", 200, behind, Err((Retry, None, "too often"))).await;
    let behind = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with ContextId tcid=0";
    check("teams", 200, behind, Err((Permanent, None, "413"))).await;
    check(
        "teams",
        400,
        r#"{"error":{"code":"TriggerInputSchemaMismatch","message":"m"}}"#,
        Err((Permanent, None, "TriggerInput")),
    )
    .await;

    check("telegram", 200, r#"{"ok":true,"result":{"message_id":1}}"#, Ok(())).await;
    let slow = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}"#;
    check("telegram", 429, slow, Err((Retry, Some(35_000), "Too Many Requests"))).await;
    check("telegram", 200, slow, Err((Retry, Some(35_000), "Too Many Requests"))).await;
    let moved = r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-100987}}"#;
    check("telegram", 400, moved, Err((Permanent, None, "-100987"))).await;
    check("telegram", 200, moved, Err((Permanent, None, "chat_id: -100987"))).await;
    let gone = r#"{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}"#;
    check("telegram", 403, gone, Err((Permanent, None, "bot was blocked"))).await;
    let unknown = r#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#;
    check("telegram", 401, unknown, Err((Permanent, None, "Unauthorized"))).await;

    check("discord", 204, "", Ok(())).await;
    let slow = r#"{"message":"You are being rate limited.","retry_after":0.5,"global":false}"#;
    check("discord", 429, slow, Err((Retry, Some(500), "rate limited"))).await;
    let unknown = r#"{"message": "Unknown Webhook", "code": 10015}"#;
    check("discord", 404, unknown, Err((Permanent, None, "Unknown Webhook"))).await;

    check("servicenow", 201, r#"{"result":{"sys_id":"a"}}"#, Ok(())).await;
    check("servicenow", 200, r#"{"records":[{"sys_id":"a"}]}"#, Ok(())).await;
    let refused = r#"{"error":{"message":"User Not Authenticated","detail":"Required to provide Auth information"},"status":"failure"}"#;
    check("servicenow", 401, refused, Err((Permanent, None, "User Not Authenticated"))).await;
    check("servicenow", 429, "", Err((Retry, None, "429"))).await;
}

#[tokio::test]
async fn a_header_wins_over_what_a_body_asks() {
    let slow = r#"{"message":"You are being rate limited.","retry_after":64.57,"global":false}"#;
    let answer = Answer::Status(429, vec![("retry-after", "65".to_owned())], slow);
    let peer = HttpPeer::start(vec![answer]).await;
    let error = built(&document("discord", &peer)).send(&firing()).await.unwrap_err();
    assert_eq!(error.retry_after_ms, Some(65_000));
}

/// docs/receivers.md has a section for each kind, with an example that is accepted.
#[test]
fn the_manual_describes_every_kind() {
    let manual = include_str!("../../../../docs/receivers.md");
    for kind in KINDS {
        let section =
            manual.split("\n## ").find(|section| section.starts_with(&format!("`{}`\n", kind.name)));
        let section = section.unwrap_or_else(|| panic!("docs/receivers.md has no section of {}", kind.name));
        let examples = section.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        let mut n_examples = 0;
        for example in examples {
            let document = lanner_core::Node::from_yaml(example).unwrap().to_json();
            assert_eq!(document["kind"], kind.name);
            ReceiverConfig::from_value(&document)
                .unwrap_or_else(|problems| panic!("{}: {problems:?}", kind.name));
            n_examples += 1;
        }
        assert!(n_examples > 0, "{} has no example", kind.name);
    }
}

#[test]
fn mistakes_are_named_without_showing_secrets() {
    #[track_caller]
    fn check(document: &Value, fields: &[&str]) {
        let problems = ReceiverConfig::from_value(document).unwrap_err();
        let found: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(found, fields, "{problems:?}");
        assert!(problems.iter().all(|problem| !problem.message.contains("S3CRET")), "{problems:?}");
    }
    check(&json!({"kind": "pagerduty"}), &["routing_key"]);
    check(&json!({"kind": "pagerduty", "routing_key": "S3CRET", "url": "ftp://a"}), &["url", "routing_key"]);
    check(&json!({"kind": "opsgenie", "responders": [{"type": "team"}]}), &["api_key", "responders"]);
    check(&json!({"kind": "opsgenie", "api_key": "k", "responders": [{"type": "crowd"}]}), &["responders"]);
    check(&json!({"kind": "teams"}), &["url"]);
    check(&json!({"kind": "telegram"}), &["token", "chat_id"]);
    check(&json!({"kind": "telegram", "token": "S3CRET", "chat_id": "pay"}), &["token", "chat_id"]);
    check(&json!({"kind": "discord", "url": "https://a/b", "username": ""}), &["username"]);
    check(&json!({"kind": "servicenow", "url": "https://a/b"}), &["auth"]);
    for chat in [json!(-5), json!("-5"), json!("@pay")] {
        ReceiverConfig::from_value(&json!({"kind": "telegram", "token": TOKEN, "chat_id": chat})).unwrap();
    }
}

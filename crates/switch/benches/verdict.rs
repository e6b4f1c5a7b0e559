//! What a verdict costs: one switch, many, hit and miss; and taking up a snapshot of many.

use divan::{Bencher, black_box};
use lanner_switch::{Snapshot, SwitchSet};
use serde_json::{Map, Value, json};

fn main() {
    divan::main();
}

const SIZES: [usize; 4] = [1, 100, 10_000, 100_000];
const NOW_MS: i64 = 1_767_225_600_000;

fn snapshot(n: usize) -> Snapshot {
    let switch = |at: usize| {
        let when = format!("WORKFLOW == \"WF{}\" and BANK == \"BANK{at}\"", at % 10);
        json!({"id": format!("s{at}"), "when": when})
    };
    Snapshot::new(1, (0..n).map(switch).collect())
}

fn context(bank: usize) -> Map<String, Value> {
    let context = json!({
        "WORKFLOW": format!("WF{}", bank % 10), "BANK": format!("BANK{bank}"), "amount": 12.5, "user": {"id": 7},
    });
    context.as_object().cloned().unwrap_or_default()
}

#[divan::bench(args = SIZES)]
fn hit(bencher: Bencher<'_, '_>, n: usize) {
    let set = SwitchSet::compile(&snapshot(n)).unwrap_or_default();
    let context = context(n / 2);
    assert!(set.evaluate(&context, NOW_MS).is_blocked());
    bencher.bench(|| set.evaluate(black_box(&context), NOW_MS));
}

#[divan::bench(args = SIZES)]
fn miss(bencher: Bencher<'_, '_>, n: usize) {
    let set = SwitchSet::compile(&snapshot(n)).unwrap_or_default();
    let context = context(n + 1);
    assert!(!set.evaluate(&context, NOW_MS).is_blocked());
    bencher.bench(|| set.evaluate(black_box(&context), NOW_MS));
}

#[divan::bench(args = [10_000], sample_count = 10)]
fn compile(bencher: Bencher<'_, '_>, n: usize) {
    let snapshot = snapshot(n);
    bencher.bench(|| SwitchSet::compile(black_box(&snapshot)));
}

//! Kill switches: conditions asked by Lanner and by its peers, in one run: `cargo xtask bench switch`.
//!
//! The conditions are those of the seed, `WORKFLOW == "WF7" and BANK == "BANK7"`, each with values of its own; a
//! context hits one of them or none. Every engine gets the context in the form that it likes best, made before
//! the clock starts; what making it of JSON text costs is measured apart, where the engine has a way to do it.
//!
//! Reading order: [`Engine`] (what is measured), a file an engine, `clock` (how), `table` (what is shown).

mod atree;
mod celp;
mod clock;
mod lanner;
mod python;
mod table;
mod wire;

use table::Table;

/// How many conditions there are.
const SIZES: [usize; 4] = [1, 100, 10_000, 100_000];

/// A context of a payment, as a text. A peer that needs ready fields gets the two that conditions read.
fn context(workflow: &str, bank: &str) -> String {
    format!(
        r#"{{"USER":"u-1234","WORKFLOW":"{workflow}","AMOUNT":129.95,"CURRENCY":"EUR","BANK":"{bank}","card":{{"type":"debit","country":"DE"}},"items":["a","b"],"RETRY":false}}"#
    )
}

/// The values of a context that hits one condition, and of one that hits none.
const HIT: (&str, &str) = ("WF0", "BANK0");
const MISS: (&str, &str) = ("WFx", "BANKx");

/// What an engine takes for one context, nanoseconds; `None` where it cannot be asked or takes too long.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    build_ms: Option<f64>,
    hit_ns: Option<f64>,
    miss_ns: Option<f64>,
    text_hit_ns: Option<f64>,
    text_miss_ns: Option<f64>,
}

/// An engine and what it takes for `n` conditions.
type Engine = (&'static str, fn(usize) -> Option<Figures>);

const ENGINES: [Engine; 6] = [
    ("Lanner, condition by condition", lanner::by_loop),
    ("Lanner, index", lanner::by_index),
    ("wirefilter-engine 0.6.1, loop", wire::run),
    ("a-tree 0.6.1", atree::run),
    ("cel 0.15.0, loop", celp::run),
    ("rule-engine 3.4.0 (Python), loop", python::run),
];

fn main() {
    for n in SIZES {
        let mut table = Table::new(n);
        for (name, run) in ENGINES {
            table.add(name, run(n));
        }
        print!("{table}");
    }
}

/// The conditions in a language of the peers: how equality and `and` are written there.
fn conditions(n: usize, equal: &str, and: &str) -> Vec<String> {
    (0..n).map(|id| format!("WORKFLOW {equal} \"WF{id}\" {and} BANK {equal} \"BANK{id}\"")).collect()
}

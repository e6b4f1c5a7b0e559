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
mod question;
mod table;
mod wire;

use question::Figures;
use table::Table;

/// How many conditions there are.
const SIZES: [usize; 4] = [1, 100, 10_000, 100_000];

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

//! Boosted trees: learned, asked and explained by Lanner and by its peers, in one run: `cargo xtask bench boost`.
//!
//! The tables are drawn: skewed columns, of which some matter, and some cells are missing. Every program learns as many trees of as
//! many leaves with the same rates on one thread, and is judged by rows that it has not seen, so that none is fast by learning less.
//! Before that, `treeshap` judges our exact reasons: of every recorded model, and of each that was just learned.
//!
//! Reading order: `table` (what is learned from), `figures` (what is measured), a file a program, `clock` (how), `judge` (the second opinion), `shown`.

mod clock;
mod figures;
mod hess;
mod judge;
mod lanner;
mod python;
mod shown;
mod table;

use std::error::Error;
use std::path::Path;

use shown::Shown;
use table::Table;

/// Sizes of tables: rows and columns; the first is that of the public data of API behaviour.
const SIZES: [(usize, usize); 2] = [(1_157, 9), (100_000, 17)];

/// Trees and leaves of a model.
const MODELS: [(usize, usize); 2] = [(60, 16), (200, 15)];

/// Arguments: the folder of recorded models, and Python with LightGBM and scikit-learn. Without them, what they are for is left out.
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(Path::new)
    };
    match given("--recorded") {
        Some(folder) => judge::recorded(folder)?,
        None => eprintln!("SKIPPED: recorded models, because none are here"),
    }
    for (n_rows, n_columns) in SIZES {
        let table = Table::draw(n_rows, n_columns);
        for (n_trees, max_leaves) in MODELS {
            let mut shown = Shown::new(format!(
                "{n_rows} rows of {n_columns} columns, {n_trees} trees of {max_leaves} leaves"
            ));
            let (ours, model) = lanner::run(&table, n_trees, max_leaves)?;
            judge::learned(&model, &table)?;
            shown.add("Lanner", Ok(ours));
            shown.add("hessboost 0.4.6", hess::run(&table, n_trees, max_leaves));
            for (name, figures) in python::run(given("--python"), &table, n_trees, max_leaves) {
                shown.add(&name, figures);
            }
            print!("{shown}");
        }
    }
    Ok(())
}

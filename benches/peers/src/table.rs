//! What is shown: a table for each number of conditions, with ratios to the index.

use std::fmt;

use crate::question::Figures;

/// The figures of all engines for `n` conditions.
pub(crate) struct Table {
    n: usize,
    rows: Vec<(&'static str, Option<Figures>)>,
}

/// The row that the others are compared with.
const OURS: &str = "Lanner, index";

impl Table {
    pub(crate) fn new(n: usize) -> Self {
        Self { n, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &'static str, figures: Option<Figures>) {
        self.rows.push((name, figures));
    }
}

type Column = (&'static str, fn(&Figures) -> Option<f64>);

const COLUMNS: [Column; 5] = [
    ("built, ms", |f| f.build_ms),
    ("hit, ns", |f| f.hit_ns),
    ("miss, ns", |f| f.miss_ns),
    ("hit from JSON, ns", |f| f.text_hit_ns),
    ("miss from JSON, ns", |f| f.text_miss_ns),
];

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{} conditions; in parentheses: times the index\n", self.n)?;
        write!(f, "{:<34}", "")?;
        COLUMNS.iter().try_for_each(|(name, _)| write!(f, "{name:>24}"))?;
        writeln!(f)?;
        let ours = self.rows.iter().find(|(name, _)| *name == OURS).and_then(|(_, figures)| *figures);
        for (name, figures) in &self.rows {
            write!(f, "{name:<34}")?;
            for (_, column) in COLUMNS {
                let figure = figures.as_ref().and_then(column);
                let ratio = figure.zip(ours.as_ref().and_then(column)).map(|(figure, ours)| figure / ours);
                let cell = match (figure, ratio) {
                    (Some(figure), Some(ratio)) => format!("{} ({})", digits(figure), digits(ratio)),
                    (Some(figure), None) => digits(figure),
                    _ => "–".to_owned(),
                };
                write!(f, "{cell:>24}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Three digits that count.
fn digits(figure: f64) -> String {
    let decimals = if figure >= 100.0 {
        0
    } else if figure >= 10.0 {
        1
    } else {
        2
    };
    format!("{figure:.decimals$}")
}

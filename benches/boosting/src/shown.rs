//! What is shown: a table for each size, with ratios to Lanner.

use std::fmt;

use crate::figures::{Figures, Measured};

/// The figures of all programs for one table and one kind of model; the first is Lanner.
pub(crate) struct Shown {
    title: String,
    rows: Vec<(String, Measured)>,
}

impl Shown {
    pub(crate) fn new(title: String) -> Self {
        Self { title, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, name: &str, measured: Measured) {
        self.rows.push((name.to_owned(), measured));
    }
}

type Column = (&'static str, fn(&Figures) -> Option<f64>);

const COLUMNS: [Column; 4] = [
    ("learn, ms", |f| Some(f.learn_ms)),
    ("a row, ns", |f| Some(f.row_ns)),
    ("reasons, us", |f| f.reasons_us),
    ("rows a second", |f| Some(f.rows_per_s)),
];

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}; in parentheses: times Lanner\n", self.title)?;
        write!(f, "{:<18}", "")?;
        COLUMNS.iter().try_for_each(|(name, _)| write!(f, "{name:>22}"))?;
        writeln!(f, "{:>10}", "AUC")?;
        let ours = self.rows.iter().find_map(|(_, measured)| measured.as_ref().ok());
        for (name, measured) in &self.rows {
            let figures = match measured {
                Ok(figures) => figures,
                Err(why) => {
                    writeln!(f, "{name:<18}    not measured: {why}")?;
                    continue;
                }
            };
            write!(f, "{name:<18}")?;
            for (_, column) in COLUMNS {
                let cell = match (column(figures), ours.and_then(column)) {
                    (Some(figure), Some(ours)) => format!("{} ({})", digits(figure), digits(figure / ours)),
                    (Some(figure), None) => digits(figure),
                    _ => "–".to_owned(),
                };
                write!(f, "{cell:>22}")?;
            }
            writeln!(f, "{:>10.4}", figures.auc)?;
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

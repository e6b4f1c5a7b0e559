//! Rules and receivers of other programs as Lanner's own: what has a counterpart becomes a document, and what has none is
//! named with its line. Pure: text in, documents out.
//!
//! [`PROGRAMS`] lists them, one file each; `moved` is what they share.

mod alertmanager;
mod elastalert;
mod encoded;
mod fields;
mod go_template;
mod grafana;
mod moved;
mod opensearch_detectors;
mod prometheus;
mod promql;
mod radar;
mod sigma;
mod span;
mod tree;

pub(crate) use moved::{Moving, Names, Program};

/// All of them.
pub(crate) const PROGRAMS: [Program; 7] = [
    prometheus::PROGRAM,
    grafana::PROGRAM,
    alertmanager::PROGRAM,
    elastalert::PROGRAM,
    opensearch_detectors::PROGRAM,
    radar::PROGRAM,
    sigma::PROGRAM,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(program: &Program) -> Names {
        Names { source: program.source.to_owned(), stream: None, receivers: vec!["on-call".to_owned()] }
    }

    /// Each program has an example in `testdata/moving`; beside it lies what it comes to.
    #[test]
    fn examples_come_to_what_lies_beside_them() {
        for program in &PROGRAMS {
            let folder = format!("{}/testdata/moving", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(format!("{folder}/{}.yaml", program.name)).unwrap();
            let mut moving = Moving::default();
            moving.take(program, &text, &names(program));
            let mut said = lanner_core::document::yaml(&moving.configuration());
            said.push_str(&format!("\n# {} of {}\n", moving.n_taken, moving.n_found));
            for (what, remarks) in [("left out", &moving.left), ("note", &moving.notes)] {
                said.extend(remarks.iter().map(|remark| format!("# {what}: {remark}\n")));
            }
            let file = format!("{folder}/{}.golden", program.name);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&file, &said).unwrap();
            }
            let expected = std::fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(said, expected, "{file}: UPDATE_GOLDEN=1, then read the difference");
        }
    }

    #[test]
    fn no_file_makes_it_panic() {
        let pieces = [
            "- a",
            "{}",
            "groups: [{rules: 7}]",
            "groups: 7",
            "detection: {condition: '((('}",
            "route: []",
            "a: &x [*x]",
            "\u{0}",
        ];
        for program in &PROGRAMS {
            for text in pieces {
                Moving::default().take(program, text, &names(program));
            }
        }
    }
}

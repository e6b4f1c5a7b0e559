//! The Common Expression Language: programs interpreted one after the other.

use std::hint::black_box;

use cel::{Context, Program, Value};

use crate::clock;
use crate::question::{Figures, HIT, MISS, conditions};

/// More take seconds a context.
const MOST: usize = 10_000;

pub(crate) fn run(n: usize) -> Option<Figures> {
    if n > MOST {
        return None;
    }
    let texts = conditions(n, "==", "&&");
    let (build_ms, programs) = clock::ms(|| {
        texts.iter().map(|text| Program::compile(text).expect("it is right")).collect::<Vec<_>>()
    });
    let time = |(workflow, bank): (&str, &str), n_found| {
        let mut context = Context::default();
        context.add_variable_from_value("WORKFLOW", workflow.to_owned());
        context.add_variable_from_value("BANK", bank.to_owned());
        let holds =
            |program: &&Program| matches!(program.execute(black_box(&context)), Ok(Value::Bool(true)));
        let count = || programs.iter().filter(holds).count();
        assert_eq!(count(), n_found);
        clock::ns(count)
    };
    Some(Figures {
        build_ms: Some(build_ms),
        hit_ns: Some(time(HIT, 1)),
        miss_ns: Some(time(MISS, 0)),
        ..Figures::default()
    })
}

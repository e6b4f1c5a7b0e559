//! Cloudflare's filter engine: typed fields, filters compiled to closures, run one after the other.

use std::hint::black_box;

use wirefilter::{ExecutionContext, Scheme, Type};

use crate::clock;
use crate::question::{Figures, HIT, MISS, conditions};

pub(crate) fn run(n: usize) -> Option<Figures> {
    let fields = [("WORKFLOW".to_owned(), Type::Bytes), ("BANK".to_owned(), Type::Bytes)];
    let scheme = Scheme::try_from_iter(fields).ok()?;
    let texts = conditions(n, "==", "and");
    let (build_ms, filters) = clock::ms(|| {
        texts.iter().map(|text| scheme.parse(text).expect("it is right").compile()).collect::<Vec<_>>()
    });
    let time = |(workflow, bank), n_found| {
        let mut context = ExecutionContext::new(&scheme);
        context.set_field_value("WORKFLOW", workflow).expect("it is a field");
        context.set_field_value("BANK", bank).expect("it is a field");
        let count = || {
            filters
                .iter()
                .filter(|filter| filter.execute(black_box(&context)).expect("of one scheme"))
                .count()
        };
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

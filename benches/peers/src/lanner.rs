//! Ours: an index, and one condition after the other.

use std::hint::black_box;

use lanner_conditions::{Buffer, Condition, Index, Missing, Reader, Scratch};
use serde_json::{Map, Value};

use crate::clock;
use crate::question::{Figures, HIT, MISS, conditions, context};

fn compiled(n: usize) -> Vec<Condition> {
    conditions(n, "==", "and").iter().map(|text| Condition::compile(text).expect("it is right")).collect()
}

/// The fields that peers get: the two that conditions read.
fn ready((workflow, bank): (&str, &str)) -> Map<String, Value> {
    [("WORKFLOW", workflow), ("BANK", bank)]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into_iter()
        .collect()
}

pub(crate) fn by_index(n: usize) -> Option<Figures> {
    let (build_ms, index) = clock::ms(|| {
        let conditions = compiled(n);
        Index::build((0..).zip(&conditions).map(|(id, condition)| (id, condition, Missing::Kleene)))
    });
    let (mut scratch, mut found) = (Scratch::default(), Vec::new());
    let mut fields = |values, n_found| {
        let fields = ready(values);
        let taken = clock::ns(|| index.matches(black_box(&fields), &mut scratch, &mut found));
        assert_eq!(found.len(), n_found);
        taken
    };
    let (hit_ns, miss_ns) = (fields(HIT, 1), fields(MISS, 0));
    let mut text = |(workflow, bank), n_found| {
        let text = context(workflow, bank);
        let taken = clock::ns(|| index.matches_json(black_box(&text), &mut scratch, &mut found).is_ok());
        assert_eq!(found.len(), n_found);
        taken
    };
    let (text_hit_ns, text_miss_ns) = (text(HIT, 1), text(MISS, 0));
    Some(Figures {
        build_ms: Some(build_ms),
        hit_ns: Some(hit_ns),
        miss_ns: Some(miss_ns),
        text_hit_ns: Some(text_hit_ns),
        text_miss_ns: Some(text_miss_ns),
    })
}

pub(crate) fn by_loop(n: usize) -> Option<Figures> {
    let (build_ms, conditions) = clock::ms(|| compiled(n));
    let fields = |values| {
        let fields = ready(values);
        let fields = black_box(&fields);
        clock::ns(|| conditions.iter().filter(|condition| condition.matches(fields, Missing::Kleene)).count())
    };
    let reader = Reader::new(&conditions[0].fields());
    let mut buffer = Buffer::default();
    let mut text = |(workflow, bank)| {
        let text = context(workflow, bank);
        clock::ns(|| {
            let fields = reader.read(black_box(&text), &mut buffer).expect("it is an object");
            conditions.iter().filter(|condition| condition.matches(&fields, Missing::Kleene)).count()
        })
    };
    Some(Figures {
        build_ms: Some(build_ms),
        hit_ns: Some(fields(HIT)),
        miss_ns: Some(fields(MISS)),
        text_hit_ns: Some(text(HIT)),
        text_miss_ns: Some(text(MISS)),
    })
}

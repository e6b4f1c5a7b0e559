//! An A-Tree: shares the parts of expressions, so that each is asked once.

use std::hint::black_box;

use a_tree::{ATree, AttributeDefinition};

use crate::clock;
use crate::question::{Figures, HIT, MISS, conditions};

/// It takes tens of microseconds to take in one more.
const MOST: usize = 10_000;

pub(crate) fn run(n: usize) -> Option<Figures> {
    if n > MOST {
        return None;
    }
    let texts = conditions(n, "=", "and");
    let (build_ms, tree) = clock::ms(|| {
        let fields = [AttributeDefinition::string("WORKFLOW"), AttributeDefinition::string("BANK")];
        let mut tree = ATree::<u64>::new(&fields).expect("they are fields");
        for (id, text) in (0..).zip(&texts) {
            tree.insert(&id, text).expect("it is right");
        }
        tree
    });
    let time = |(workflow, bank), n_found| {
        let mut event = tree.make_event();
        event.with_string("WORKFLOW", workflow).expect("it is a field");
        event.with_string("BANK", bank).expect("it is a field");
        let event = event.build().expect("it is whole");
        let count = || tree.search(black_box(&event)).expect("of one tree").matches().len();
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

//! The list of detectors.

use super::Kind;
use super::{
    absolute, automatic, band, expression, holt_winters, level, new, relative, time_shift, variation,
};

/// Every detector there is.
pub const KINDS: &[Kind] = &[
    absolute::KIND,
    relative::KIND,
    time_shift::KIND,
    band::KIND,
    automatic::KIND,
    holt_winters::KIND,
    level::KIND,
    variation::KIND,
    expression::KIND,
    new::KIND,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Check, Node};

    #[test]
    fn every_example_is_accepted() {
        for kind in KINDS {
            let node = Node::from_yaml(kind.example).unwrap();
            let mut check = Check::default();
            let mut fields = check.map(&node, kind.name).unwrap();
            let detector = (kind.read)(&mut fields, &mut check);
            fields.finish_of(kind.fields, &mut check);
            assert!(detector.is_some() && check.problems.is_empty(), "{}: {:?}", kind.name, check.problems);
        }
    }
}

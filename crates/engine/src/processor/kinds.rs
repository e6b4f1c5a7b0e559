//! The list of processors.

use super::Kind;
use super::{copy, falco, parse, profile, sessions};

/// Every kind of processor there is.
pub const KINDS: &[Kind] = &[parse::KIND, copy::KIND, profile::KIND, falco::KIND, sessions::KIND];

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
            let processor = (kind.read)(&mut fields, &mut check);
            fields.finish_of(kind.fields, &mut check);
            assert_eq!(check.problems, [], "{}", kind.name);
            assert_eq!(processor.unwrap().kind(), kind.name);
        }
    }
}

//! `copy`: events that match a condition appear on another stream as well, where they are kept and counted apart.

use std::sync::Arc;

use lanner_conditions::{Condition, Missing};
use lanner_core::Event;
use lanner_core::field::{Field, Type};
use lanner_core::reading;

use super::{Kind, Made, Processor};
use crate::document::{Check, Fields};

pub(super) const KIND: Kind = Kind {
    name: "copy",
    about: "has events that match a condition appear on another stream too",
    example: "{ to: access-errors, where: 'status >= 500' }",
    read,
    fields: &[
        Field::new("to", "access-errors", "the other stream").required(),
        Field::new("where", "'status >= 500'", "condition that events must match; by default all are copied")
            .of(Type::Condition),
    ],
};

#[derive(Debug)]
struct Copy {
    to: [Arc<str>; 1],
    condition: Option<Condition>,
}

impl Processor for Copy {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn copies_to(&self) -> &[Arc<str>] {
        &self.to
    }

    fn process(&self, event: &Event) -> Made {
        let matches = |condition: &Condition| condition.matches(&event.fields, Missing::False);
        Made { is_copied: self.condition.as_ref().is_none_or(matches), ..Made::default() }
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Arc<dyn Processor>> {
    fields.require("to", "access-errors", check);
    let to = fields.read("to", check, reading::name);
    let condition = match fields.get("where") {
        None => Some(None),
        Some(node) => Condition::read(node, &fields.path_of("where"), check).map(Some),
    };
    Some(Arc::new(Copy { to: [to?.into()], condition: condition? }))
}

//! Where the values of a field stand in an event.
//!
//! Most stand under their own name, `proc.aname[2]` and `evt.arg.flags` included. A few are looked for elsewhere as
//! well, because they mean several values (`proc.aname`, `fd.ip`) or because events say the same in other words: the
//! parent is `proc.pname`, `proc.aname[1]` or the first of the list `proc.aname`.

use serde_json::Value;

use crate::FieldPath;
use crate::field::{Fields, Segment, View};

/// Ancestors further away than this are not looked at.
const MAX_ANCESTORS: usize = 32;

/// Where a field's values stand.
#[derive(Debug, Clone)]
pub(super) enum Places {
    /// In the first of these that is there.
    First(Box<[Place]>),
    /// In all of these: the ends of a connection.
    Ends(Box<[Place]>),
    /// In the list, if that is there; else in these one after the other until one is missing: ancestors.
    Lineage { list: FieldPath, levels: Box<[Place]> },
}

/// One place. Several paths name the same.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Field(FieldPath),
    Item(FieldPath, usize),
    /// In one of two places, the first that is there.
    Either(FieldPath, FieldPath),
    /// In the second place, where the first has a list.
    Beside(FieldPath, FieldPath),
    /// Not in the event: always this.
    Always(&'static str),
}

impl Places {
    /// Those of a field.
    pub(super) fn of(name: &str, argument: Option<&str>) -> Self {
        let own = || Place::Field(path(name, argument));
        let fields =
            |names: &[&str]| names.iter().map(|name| Place::Field(path(name, None))).collect::<Vec<_>>();
        if let Some((_, own_name, parent)) = LINEAGES.iter().find(|(lineage, ..)| *lineage == name) {
            return match argument.map(str::parse) {
                None => Self::lineage(name, parent),
                Some(Ok(level)) => Self::ancestor(name, own_name, parent, level),
                Some(Err(_)) => Self::First([own()].into()),
            };
        }
        let first = |others: &[&str]| Self::First(std::iter::once(own()).chain(fields(others)).collect());
        match name {
            "fd.ip" | "fd.net" => Self::ends(["fd.cip", "fd.sip"], ["fd.lip", "fd.rip"]),
            "fd.port" | "fd.proto" => Self::ends(["fd.cport", "fd.sport"], ["fd.lport", "fd.rport"]),
            "fd.cnet" => first(&["fd.cip"]),
            "fd.snet" => first(&["fd.sip"]),
            "fd.lnet" => first(&["fd.lip"]),
            "fd.rnet" => first(&["fd.rip"]),
            // Falco counts its events from 1, and rules say "never" as `evt.num = 0`.
            "evt.num" => Self::First([own(), Place::Always("1")].into()),
            // Falco has no enter events any more.
            "evt.dir" => Self::First([own(), Place::Always("<")].into()),
            _ => Self::First([own()].into()),
        }
    }

    /// Whether the field is that of all ancestors.
    pub(super) fn is_lineage(name: &str) -> bool {
        LINEAGES.iter().any(|(lineage, ..)| *lineage == name)
    }

    /// The client and the server, or what is local and what is remote.
    fn ends(names: [&str; 2], others: [&str; 2]) -> Self {
        let either = |(name, other)| Place::Either(path(name, None), path(other, None));
        Self::Ends(names.into_iter().zip(others).map(either).collect())
    }

    fn lineage(name: &str, parent: &str) -> Self {
        let level = |level: usize| path(name, Some(&level.to_string()));
        let nearest = Place::Either(level(1), path(parent, None));
        let others = (2..=MAX_ANCESTORS).map(|n| Place::Field(level(n)));
        let levels = std::iter::once(nearest).chain(others).collect();
        Self::Lineage { list: path(name, None), levels }
    }

    fn ancestor(name: &str, own_name: &str, parent: &str, level: usize) -> Self {
        let mut places = vec![Place::Field(path(name, Some(&level.to_string())))];
        match level {
            // Falco does not always know the process itself as one of its lineage, so its name alone does not tell.
            0 => places.push(Place::Beside(path(name, None), path(own_name, None))),
            1 => places.push(Place::Field(path(parent, None))),
            _ => {}
        }
        if let Some(at) = level.checked_sub(1) {
            places.push(Place::Item(path(name, None), at));
        }
        Self::First(places.into())
    }

    /// Whether there may be several values, one of which is enough.
    pub(super) const fn are_ends(&self) -> bool {
        matches!(self, Self::Ends(_))
    }

    /// The value, if it is one; of several the first.
    pub(super) fn first<'v>(&self, event: &'v impl Fields) -> Option<View<'v>> {
        match self {
            Self::First(places) => places.iter().find_map(|place| place.view(event)),
            _ => {
                let mut first = None;
                self.each(event, &mut |view| {
                    first = Some(view);
                    true
                });
                first
            }
        }
    }

    /// Calls `visit` with each value until it answers `true`; whether it did.
    pub(super) fn each<'v>(&self, event: &'v impl Fields, visit: &mut impl FnMut(View<'v>) -> bool) -> bool {
        match self {
            Self::First(places) => places.iter().find_map(|place| place.view(event)).is_some_and(visit),
            Self::Ends(places) => places.iter().filter_map(|place| place.view(event)).any(visit),
            Self::Lineage { list, levels } => match event.view(list) {
                Some(View::List(items)) => items.iter().filter_map(present).any(visit),
                Some(View::Null) | None => levels.iter().map_while(|level| level.view(event)).any(visit),
                Some(one) => visit(one),
            },
        }
    }

    /// The paths, for whoever reads only those of an event.
    pub(super) fn each_path<'p>(&'p self, visit: &mut impl FnMut(&'p FieldPath)) {
        let places = match self {
            Self::First(places) | Self::Ends(places) => places,
            Self::Lineage { list, levels } => {
                visit(list);
                levels
            }
        };
        for place in places {
            match place {
                Place::Field(path) | Place::Item(path, _) => visit(path),
                Place::Either(one, other) | Place::Beside(one, other) => {
                    visit(one);
                    visit(other);
                }
                Place::Always(_) => {}
            }
        }
    }
}

impl Place {
    fn view<'v>(&self, event: &'v impl Fields) -> Option<View<'v>> {
        let at = |path| event.view(path).filter(|view| *view != View::Null);
        match self {
            Self::Field(path) => at(path),
            Self::Either(one, other) => at(one).or_else(|| at(other)),
            Self::Beside(list, path) => match event.view(list) {
                Some(View::List(_)) => at(path),
                _ => None,
            },
            Self::Item(list, index) => match event.view(list) {
                Some(View::List(items)) => items.get(*index).and_then(present),
                _ => None,
            },
            Self::Always(text) => Some(View::Text(text)),
        }
    }
}

/// A value that is there: Falco writes `null` for those that are not.
fn present(value: &Value) -> Option<View<'_>> {
    View::of(value).filter(|view| *view != View::Null)
}

/// The fields that mean all ancestors, with the field of the process itself and that of its parent.
const LINEAGES: [(&str, &str, &str); 6] = [
    ("proc.aname", "proc.name", "proc.pname"),
    ("proc.aexe", "proc.exe", "proc.pexe"),
    ("proc.aexepath", "proc.exepath", "proc.pexepath"),
    ("proc.acmdline", "proc.cmdline", "proc.pcmdline"),
    ("proc.apid", "proc.pid", "proc.ppid"),
    ("proc.aenv", "proc.env", "proc.penv"),
];

/// `proc.aname[2]` as the name of a field of an event.
pub(super) fn path(name: &str, argument: Option<&str>) -> FieldPath {
    let names = name.split('.').map(|part| Segment::Name(part.to_owned()));
    let segments: Vec<_> = names.chain(argument.map(|key| Segment::Key(key.to_owned()))).collect();
    FieldPath::new(&segments)
}

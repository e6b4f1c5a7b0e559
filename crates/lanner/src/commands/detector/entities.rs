//! Rows of several entities in one table, such as hosts, each with a sheet of its own.

use std::collections::{BTreeMap, HashMap};

use lanner_wire::samples::Samples;
use lanner_wire::table::Row;

use super::sheet::{Heading, Room, Sheet};
use crate::failure::{Failure, Result, remark};
use crate::output::counted;
use crate::tables;

/// Which entities are read.
#[derive(Debug)]
pub(super) enum Wanted {
    /// Those that come first, up to so many.
    First(usize),
    /// These, which have a detector.
    Known(Vec<String>),
}

/// Where rows of a group belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Sheet(usize),
    /// An entity that is not read.
    Other(usize),
    /// They do not say whose they are.
    Nobody,
}

/// The rows of each entity as they are read.
#[derive(Debug)]
pub(super) struct Entities {
    /// The field that says whose a row is.
    by: String,
    wanted: Wanted,
    room: Option<Room>,
    /// In the order in which they came, each with the group that its rows have.
    sheets: Vec<(String, Sheet)>,
    /// Entities that are not read, with how many rows each has.
    others: Vec<(String, u64)>,
    places: HashMap<String, Place>,
    /// Of the groups of the file that is read.
    of_group: HashMap<usize, Place>,
    /// The group of each sheet in that file.
    groups: Vec<Option<usize>>,
    n_nobodys: u64,
}

/// More entities that are not read are counted together.
const MAX_OTHERS: usize = 10_000;

impl Entities {
    pub(super) fn new(by: &str, wanted: Wanted, room: Option<Room>) -> Self {
        Self {
            by: by.to_owned(),
            wanted,
            room,
            sheets: Vec::new(),
            others: Vec::new(),
            places: HashMap::new(),
            of_group: HashMap::new(),
            groups: Vec::new(),
            n_nobodys: 0,
        }
    }

    /// Another file begins, whose groups are numbered anew.
    pub(super) fn begin(&mut self) {
        self.of_group.clear();
        self.groups.iter_mut().for_each(|group| *group = None);
    }

    pub(super) fn push(
        &mut self,
        name: &str,
        row: &Row,
        samples: &Samples<'_>,
        heading: &Heading,
    ) -> Result<()> {
        let place = match self.of_group.get(&row.group) {
            Some(place) => *place,
            None => {
                let place = self.place(samples, row.group, heading);
                self.of_group.insert(row.group, place);
                place
            }
        };
        match place {
            Place::Nobody => self.n_nobodys += 1,
            Place::Other(at) => {
                if let Some((_, n)) = self.others.get_mut(at) {
                    *n += 1;
                }
            }
            Place::Sheet(at) => {
                let (Some((entity, sheet)), Some(group)) = (self.sheets.get_mut(at), self.groups.get_mut(at))
                else {
                    return Ok(());
                };
                if *group.get_or_insert(row.group) != row.group {
                    let message =
                        format!("{name}:{}: another series of {} {entity} begins here", row.line, self.by);
                    return Err(Failure::user(message)
                        .hint("a detector looks at one table of columns: leave out the text columns that tell rows apart"));
                }
                sheet.push(name, row).map_err(|failure| failure.of(&format!("{} {entity}", self.by)))?;
            }
        }
        Ok(())
    }

    /// Where the rows of a group belong that was not met before.
    fn place(&mut self, samples: &Samples<'_>, group: usize, heading: &Heading) -> Place {
        let layout = samples.table().map(|table| &table.layout);
        let label = layout.and_then(|layout| layout.names.get(layout.entity?));
        let key = samples.keys(group).first();
        let entity = key.zip(label).and_then(|(key, label)| key.labels.get(label));
        let Some(entity) = entity else { return Place::Nobody };
        if let Some(place) = self.places.get(entity) {
            return *place;
        }
        let is_read = match &self.wanted {
            Wanted::First(n) => self.sheets.len() < *n,
            Wanted::Known(known) => known.iter().any(|known| known == entity),
        };
        let place = if is_read {
            self.sheets.push((entity.to_owned(), Sheet::new(heading.clone(), self.room.clone())));
            self.groups.push(None);
            Place::Sheet(self.sheets.len() - 1)
        } else {
            if self.others.len() < MAX_OTHERS {
                self.others.push((entity.to_owned(), 0));
            }
            Place::Other(self.others.len() - 1)
        };
        self.places.insert(entity.to_owned(), place);
        place
    }

    /// The sheets by entity. Says what was left out, and why.
    pub(super) fn finish(self) -> BTreeMap<String, Sheet> {
        let by = &self.by;
        if self.n_nobodys > 0 {
            remark(&format!("{} without {by} left out", counted(self.n_nobodys, "row")));
        }
        if !self.others.is_empty() {
            let n_rows: u64 = self.others.iter().map(|(_, n)| n).sum();
            let names: Vec<String> = self.others.iter().map(|(name, _)| name.clone()).collect();
            let (n, names) = (self.others.len(), tables::few(&names));
            remark(&match self.wanted {
                Wanted::First(most) => format!(
                    "{by} has more than {most} values; {n} that came later are left out, with {}: {names}; --max-entities allows more",
                    counted(n_rows, "row")
                ),
                Wanted::Known(_) => {
                    let has = if n == 1 { "has" } else { "have" };
                    let are = if n_rows == 1 { "is" } else { "are" };
                    let (values, rows) = (counted(n as u64, "value"), counted(n_rows, "row"));
                    format!(
                        "{values} of {by} {has} no detector, so {rows} {are} not judged: {names}; train again with their rows"
                    )
                }
            });
        }
        self.sheets.into_iter().collect()
    }
}

//! The rooms of the server: `ARCHITECTURE.md` says which may name which.
//!
//! A room is a folder of `crates/server/src`, or a file beside the folders. Every room may name those that name none.

use std::collections::{BTreeMap, BTreeSet};

use super::circles::{Crate, arrows};
use super::{assert_none, text_files};
use crate::command::root;

const SERVER: &str = "crates/server";
/// The heading of the table.
const HEADING: &str = "| Server room | May name |";

/// The rooms that each room names.
type Rooms = BTreeMap<String, BTreeSet<String>>;

#[test]
fn rooms_of_the_server_name_only_what_they_may() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let may = rooms_in_table(&page);
    let is_ground = |room: &str| may.get(room).is_some_and(BTreeSet::is_empty);
    let (mut real, mut problems) = (Rooms::new(), Vec::new());
    for (file, named) in arrows(&Crate::of(SERVER, &text_files())) {
        let from = room(&file);
        for to in named.keys().map(|other| room(other)).filter(|to| *to != from) {
            if !is_ground(to) && !may.get(from).is_some_and(|may| may.contains(to)) {
                problems.push(format!("{file} names the room {to}, and {from} may not; see ARCHITECTURE.md"));
            }
            real.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
    }
    for (from, named) in &may {
        let unused = named.iter().filter(|to| !real.get(from).is_some_and(|real| real.contains(*to)));
        problems.extend(unused.map(|to| format!("ARCHITECTURE.md: {from} does not name {to} any more")));
    }
    assert_none(&problems);
}

#[test]
fn tables_of_rooms_are_read() {
    let rooms = rooms_in_table(&format!(
        "text\n{HEADING}\n| --- | --- |\n| `a`, `b` | – |\n| `c` | `a`, `d` |\n\n| `z` | `a` |"
    ));
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let expected = [("a", set(&[])), ("b", set(&[])), ("c", set(&["a", "d"]))];
    assert_eq!(rooms, expected.map(|(room, named)| (room.to_owned(), named)).into());
}

/// `crates/server/src/http/body.rs` lies in `http`, `crates/server/src/run.rs` is `run`.
fn room(file: &str) -> &str {
    let inside = file.strip_prefix(SERVER).and_then(|file| file.strip_prefix("/src/")).unwrap_or(file);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// The rows of the table; several rooms may share one.
fn rooms_in_table(page: &str) -> Rooms {
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let rows =
        page.lines().skip_while(|line| *line != HEADING).skip(2).take_while(|line| line.starts_with('|'));
    let mut rooms = Rooms::new();
    for row in rows {
        if let [room, named] = row.trim_matches('|').split('|').collect::<Vec<_>>()[..] {
            rooms.extend(names(room).into_iter().map(|room| (room, names(named))));
        }
    }
    rooms
}

//! Where state is kept: in the data folder, or in a database that other servers reach as well.

use lanner_core::field::{Field, Type};
use lanner_engine::document::{Check, Node};
use lanner_io::postgresql::{FIELDS, PostgreSqlConfig};

/// `state` as a map.
pub(crate) const STATE: &[Field] = &[Field::new(
    "postgresql",
    "{ url: 'postgresql://db.example.org/lanner', auth: { username: lanner, password: { file: /etc/lanner/pg } } }",
    "a PostgreSQL; its tables are in the schema `lanner`",
)
.of(Type::Map(FIELDS))
.required()];

/// Where state is kept.
#[derive(Debug, Clone, Default)]
pub enum StateIn {
    /// In the data folder, unless a server before kept it elsewhere.
    #[default]
    Folder,
    /// In the data folder, whatever was before.
    FolderNow,
    /// In a database.
    PostgreSql(PostgreSqlConfig),
}

/// `file`, or `{ postgresql: { url: ... } }`.
pub(super) fn read(node: &Node, check: &mut Check) -> Option<StateIn> {
    if let Some(text) = node.scalar_text() {
        if text == "file" {
            return Some(StateIn::FolderNow);
        }
        let message =
            format!("\"{text}\" is no place for state; write file, or {{ postgresql: {{ url: ... }} }}");
        check.problem(node, "server.state", message);
        return None;
    }
    let mut fields = check.map(node, "server.state")?;
    let database = fields.require("postgresql", "{ url: ... }", check);
    let state = database.and_then(|node| {
        let mut fields = check.map(node, "server.state.postgresql")?;
        let config = PostgreSqlConfig::read(&mut fields, check);
        fields.finish_of(FIELDS, check);
        config
    });
    fields.finish_of(STATE, check);
    state.map(StateIn::PostgreSql)
}

//! What PostgreSQL and MySQL write differently.

use super::super::Refused;
use super::column::Kind;
use super::param::Param;

/// Whose SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL, with databases in UTF-8.
    PostgreSql,
    /// MySQL and MariaDB.
    MySql,
}

impl Dialect {
    /// Its name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PostgreSql => "PostgreSQL",
            Self::MySql => "MySQL",
        }
    }

    /// A name as it stands in a statement: in quotes, those within it doubled.
    pub(super) fn quoted(self, name: &str) -> String {
        match self {
            Self::PostgreSql => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::MySql => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// What stands for the `n`th parameter, of a type that is known before anything is compared with it.
    pub(super) fn placeholder(self, param: &Param, n: usize) -> String {
        match (self, param) {
            (Self::PostgreSql, Param::From | Param::Until) => format!("${n}"),
            (Self::PostgreSql, Param::Text(_)) => format!("${n}::text"),
            (Self::PostgreSql, Param::Int(_)) => format!("${n}::int8"),
            (Self::PostgreSql, Param::Float(_)) => format!("${n}::float8"),
            (Self::PostgreSql, Param::Decimal(_)) => format!("${n}::text::numeric"),
            (Self::MySql, Param::Text(_)) => "CAST(? AS BINARY)".to_owned(),
            (Self::MySql, Param::Decimal(_)) => "CAST(? AS DECIMAL(65))".to_owned(),
            (Self::MySql, Param::From | Param::Until | Param::Int(_) | Param::Float(_)) => "?".to_owned(),
        }
    }

    /// A column of texts, compared by bytes.
    pub(super) fn text(self, column: &str) -> String {
        match self {
            Self::PostgreSql => format!("{column}::text COLLATE \"C\""),
            // A collation of bytes would still ignore blanks at the end.
            Self::MySql => format!("CAST(CONVERT({column} USING utf8mb4) AS BINARY)"),
        }
    }

    /// A number as a text, as JSON writes whole numbers.
    pub(super) fn digits(self, column: &str) -> String {
        match self {
            Self::PostgreSql => format!("{column}::text"),
            // Without the zeros that a column may be filled with.
            Self::MySql => format!("CAST({column} + 0 AS BINARY)"),
        }
    }

    /// A column of numbers as floating-point numbers, and NULL where they are none.
    pub(super) fn float(self, kind: &Kind, column: &str) -> String {
        let number = match (self, kind) {
            (Self::PostgreSql, Kind::Single) => format!("{column}::text::float8"),
            (Self::PostgreSql, Kind::Decimal) => format!("{column}::float8"),
            (Self::PostgreSql, _) => column.to_owned(),
            (Self::MySql, Kind::Decimal) => return format!("({column} + 0e0)"),
            (Self::MySql, _) => return column.to_owned(),
        };
        format!("(CASE WHEN {number} NOT IN ('NaN', 'Infinity', '-Infinity') THEN {number} END)")
    }

    /// Whatever number an expression is, as a floating-point number.
    #[must_use]
    pub fn double(self, expression: &str) -> String {
        match self {
            Self::PostgreSql => format!("({expression})::float8"),
            Self::MySql => format!("(({expression}) + 0e0)"),
        }
    }

    /// A column of times, without what is shorter than a millisecond.
    pub(super) fn millisecond(self, column: &str) -> String {
        match self {
            Self::PostgreSql => format!("date_trunc('milliseconds', {column})"),
            Self::MySql => format!("LEFT(DATE_FORMAT({column}, '%Y%m%d%H%i%s%f'), 17)"),
        }
    }

    /// Whether a text holds another.
    pub(super) fn holds(self, text: &str, part: &str) -> String {
        match self {
            Self::PostgreSql => format!("strpos({text}, {part}) > 0"),
            Self::MySql => format!("LOCATE({part}, {text}) > 0"),
        }
    }

    /// The characters of a column of texts.
    pub(super) fn length(self, column: &str) -> String {
        match self {
            Self::PostgreSql => format!("length({column}::text)"),
            Self::MySql => format!("CHAR_LENGTH(CONVERT({column} USING utf8mb4))"),
        }
    }

    /// A text with its ASCII letters, and no others, in another case.
    pub(super) fn ascii_case(self, function: &str, text: &str) -> Result<String, Refused> {
        match self {
            Self::PostgreSql => Ok(format!("{function}({text})")),
            Self::MySql => Err(Refused::new(
                "MySQL knows no letters of ASCII alone, and would fold others as well",
                "compare texts as they are, or make a view with a column that is in one case",
            )),
        }
    }
}

//! What is wrong with rule files, and what in them is hardly meant.

use std::fmt::{self, Display, Formatter};

use lanner_core::document::Position;

/// What Falco calls an error or a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "Falco's documentation lists them under these names")]
pub enum Code {
    YamlParse,
    YamlValidate,
    CompileCondition,
    CompileOutput,
    Validate,
    UnknownSource,
    UnsafeNaCheck,
    NoEvtType,
    UnknownFilter,
    UnusedMacro,
    UnusedList,
    UnknownItem,
    DeprecatedItem,
    AppendNoValues,
    ExceptionNameNotUnique,
    InvalidMacroName,
    InvalidListName,
    CompileConditionDoubt,
    UnknownKey,
}

impl Code {
    /// Falco's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::YamlParse => "LOAD_ERR_YAML_PARSE",
            Self::YamlValidate => "LOAD_ERR_YAML_VALIDATE",
            Self::CompileCondition => "LOAD_ERR_COMPILE_CONDITION",
            Self::CompileOutput => "LOAD_ERR_COMPILE_OUTPUT",
            Self::Validate => "LOAD_ERR_VALIDATE",
            Self::UnknownSource => "LOAD_UNKNOWN_SOURCE",
            Self::UnsafeNaCheck => "LOAD_UNSAFE_NA_CHECK",
            Self::NoEvtType => "LOAD_NO_EVTTYPE",
            Self::UnknownFilter => "LOAD_UNKNOWN_FILTER",
            Self::UnusedMacro => "LOAD_UNUSED_MACRO",
            Self::UnusedList => "LOAD_UNUSED_LIST",
            Self::UnknownItem => "LOAD_UNKNOWN_ITEM",
            Self::DeprecatedItem => "LOAD_DEPRECATED_ITEM",
            Self::AppendNoValues => "LOAD_APPEND_NO_VALUES",
            Self::ExceptionNameNotUnique => "LOAD_EXCEPTION_NAME_NOT_UNIQUE",
            Self::InvalidMacroName => "LOAD_INVALID_MACRO_NAME",
            Self::InvalidListName => "LOAD_INVALID_LIST_NAME",
            Self::CompileConditionDoubt => "LOAD_COMPILE_CONDITION",
            Self::UnknownKey => "LOAD_UNKNOWN_KEY",
        }
    }

    /// Whether the file is refused.
    #[must_use]
    pub const fn is_error(self) -> bool {
        matches!(
            self,
            Self::YamlParse
                | Self::YamlValidate
                | Self::CompileCondition
                | Self::CompileOutput
                | Self::Validate
        )
    }
}

/// One thing that is wrong, or hardly meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What Falco calls it.
    pub code: Code,
    /// Which file, counted from 0 in the order in which they were read.
    pub file: usize,
    /// Where in that file.
    pub at: Option<Position>,
    /// What it is about: `rule "Read sensitive file"`; empty for a file as a whole.
    pub item: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Display for Remark {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "line {}, column {}: ", at.line, at.column)?;
        }
        if !self.item.is_empty() {
            write!(f, "{}: ", self.item)?;
        }
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
    }
}

//! A mistake in a condition's text: what is wrong, where, and what to do.

/// One mistake in a condition. All mistakes of a text are reported together, in order of their place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {message}{}", self.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default())]
pub struct Problem {
    /// Where it begins, bytes from the start of the text; always on a character's border.
    pub offset: usize,
    /// Where it begins, characters from the start of the text, counted from 1.
    pub column: usize,
    /// How far it reaches, characters; 0 where something is missing.
    pub length: usize,
    /// What is wrong: a lower-case fragment without a final stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// One about a text as a whole.
    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self { offset: 0, column: 1, length: 0, message: message.into(), hint: None }
    }
}

/// More mistakes than this in one text are not reported.
pub(crate) const MAX_PROBLEMS: usize = 100;

/// Collects the problems of one text.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one about `text[start..end]`; an empty `hint` is none.
    pub(crate) fn add(
        &mut self,
        text: &str,
        start: usize,
        end: usize,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        if self.0.len() >= MAX_PROBLEMS {
            return;
        }
        let hint = hint.into();
        self.0.push(Problem {
            offset: start,
            column: text[..start].chars().count() + 1,
            length: text[start..end.max(start)].chars().count(),
            message: message.into(),
            hint: (!hint.is_empty()).then_some(hint),
        });
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one begins at `offset`.
    pub(crate) fn has_at(&self, offset: usize) -> bool {
        self.0.iter().any(|problem| problem.offset == offset)
    }

    /// All of them, in order of their place.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.0.sort_by_key(|problem| problem.offset);
        self.0
    }
}

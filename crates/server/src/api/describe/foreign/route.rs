//! One route with a foreign API, and the bodies that several have.

/// One path with the methods that do the same.
pub(super) struct Foreign {
    /// In small letters, with spaces between.
    pub(super) methods: &'static str,
    pub(super) path: &'static str,
    pub(super) tag: &'static str,
    /// What generators call it; with `_by_METHOD` behind for all methods but the first.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// Parameters of the query, all optional, in `PARAMETERS`.
    pub(super) query: &'static [&'static str],
    pub(super) body: Option<Content>,
    pub(super) answers: &'static [(&'static str, Content)],
}

/// A content type, and a JSON schema as text; empty where there is no body.
#[derive(Clone, Copy)]
pub(super) struct Content(pub(super) &'static str, pub(super) &'static str);

pub(super) const TEXT: Content = Content("text/plain", r#"{"type": "string"}"#);
pub(super) const EMPTY: Content = Content("", "");
pub(super) const OBJECT: Content = Content("application/json", r#"{"type": "object"}"#);
pub(super) const OBJECTS: Content =
    Content("application/json", r#"{"type": "array", "items": {"type": "object"}}"#);
/// A form with the parameters of the query as its fields.
pub(super) const FORM: Content = Content("application/x-www-form-urlencoded", "");
pub(super) const ERROR: Content =
    Content("application/json", r##"{"$ref": "#/components/schemas/ErrorBody"}"##);
pub(super) const NOT_FOUND: (&str, Content) = ("404", ERROR);

pub(super) const fn foreign(
    methods: &'static str,
    path: &'static str,
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
) -> Foreign {
    Foreign { methods, path, tag, id, summary, query: &[], body: None, answers: &[] }
}

impl Foreign {
    pub(super) const fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }
    pub(super) const fn body(self, body: Content) -> Self {
        Self { body: Some(body), ..self }
    }
    pub(super) const fn answers(self, answers: &'static [(&'static str, Content)]) -> Self {
        Self { answers, ..self }
    }
}

//! How requests are written.

/// How a request and its answer are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Protocol buffers.
    Protobuf,
    /// JSON, with identifiers in hexadecimal digits and whole numbers of 64 bits as text.
    Json,
}

impl Encoding {
    /// What a request says of itself in `Content-Type`.
    ///
    /// ```
    /// use lanner_wire::otlp::Encoding;
    /// let of = Encoding::of_content_type;
    /// assert_eq!(of("application/x-protobuf"), Some(Encoding::Protobuf));
    /// assert_eq!(of("application/json; charset=utf-8"), Some(Encoding::Json));
    /// assert_eq!(of("text/plain"), None);
    /// ```
    #[must_use]
    pub fn of_content_type(text: &str) -> Option<Self> {
        let kind = text.split(';').next().unwrap_or_default().trim();
        [Self::Protobuf, Self::Json].into_iter().find(|it| kind.eq_ignore_ascii_case(it.content_type()))
    }

    /// What an answer says of itself.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }
}

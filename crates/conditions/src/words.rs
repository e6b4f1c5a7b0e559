//! The words and characters of the language.

/// Words that cannot be a field's name, nor a value without quotes. Case does not matter.
const RESERVED: [&str; 22] = [
    "and",
    "or",
    "not",
    "in",
    "exists",
    "true",
    "false",
    "null",
    "contains",
    "icontains",
    "startswith",
    "endswith",
    "glob",
    "iglob",
    "regex",
    "bcontains",
    "bstartswith",
    "intersects",
    "pmatch",
    "oneof",
    "anyof",
    "allof",
];

/// Whether `word` is one of the language's own, in any case.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// Whether a field's name may begin with `c`.
pub(crate) fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '@'
}

/// Whether a field's name may go on with `c`.
pub(crate) fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '@'
}

/// Whether `text` can be written as a field's name, leaving reserved words aside.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(starts_name) && text.chars().all(continues_name)
}

/// Whether `c` may stand between `[` and `]` without quotes.
pub(crate) fn in_bare_key(c: char) -> bool {
    !(c.is_whitespace() || c.is_control() || matches!(c, '[' | ']' | '"' | '\''))
}

/// Whether `key` can be written as `[key]`.
pub(crate) fn is_bare_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(in_bare_key)
}

/// Whether `c` ends a value that has no quotes.
pub(crate) fn ends_bare(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | ',' | '=' | '"' | '\'')
}

/// Appends `text` in double quotes, with escapes that the parser reads back.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

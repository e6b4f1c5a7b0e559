//! The root cause of an error in words for people, taken from the innermost source of a library's error.

use std::error::Error;

/// What libraries say, and what that means to whoever reads it.
const WORDS: [(&str, &str); 5] = [
    (
        "received corrupt message",
        "what answers there does not speak TLS; write http:// instead of https://, or the port that speaks it",
    ),
    ("UnknownIssuer", "its certificate is not signed by an authority that this machine trusts"),
    ("certificate not valid for name", "its certificate is for another name"),
    ("certificate expired", "its certificate has expired"),
    ("certificate not valid yet", "its certificate is not valid yet; look at the clocks of both machines"),
];

/// The innermost cause of an error, which is the one that says something.
///
/// ```
/// let error = std::io::Error::other("received corrupt message of type InvalidContentType");
/// assert!(lanner_core::cause::deepest(&error).contains("http://"));
/// ```
#[must_use]
pub fn deepest(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let said = last.to_string();
    let known = WORDS.iter().find(|(words, _)| said.contains(words));
    known.map_or(said, |(_, meaning)| (*meaning).to_owned())
}

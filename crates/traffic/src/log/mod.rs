//! Access logs: lines become requests.
//!
//! Reading order: [`LogFormat`] (one form of lines), [`detect()`] (which form a log has); then `clf` (common and combined),
//! `pattern` (any `log_format`), `json`, `stamp` (times), `prefix` (what a system log puts in front),
//! `marks` (texts that are looked for in lines).

mod clf;
mod detect;
mod json;
mod marks;
mod pattern;
mod prefix;
mod stamp;

pub use detect::detect;
pub use pattern::{FormatError, Pattern};

use crate::request::Request;

/// Longer lines are not looked at.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// A form of lines.
#[derive(Debug, Clone, PartialEq)]
pub enum LogFormat {
    /// `common` and `combined` of Apache and nginx, with or without the virtual host in front; more may follow.
    Combined,
    /// JSON objects, as Envoy, Traefik, Caddy, load balancers and `escape=json` of nginx write.
    Json,
    /// As written in `log_format` of nginx or `LogFormat` of Apache.
    Pattern(Pattern),
}

impl LogFormat {
    /// Reads a form as people write it: `combined`, `json`, `alb`, or the text of a `log_format`.
    ///
    /// # Errors
    /// What is wrong with the text of a format.
    ///
    /// ```
    /// use lanner_traffic::log::LogFormat;
    ///
    /// let format = LogFormat::parse(r#"$remote_addr [$time_local] "$request" $status $request_time"#)?;
    /// let request = format.read(r#"10.0.0.1 [29/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 0.25"#).unwrap();
    /// assert_eq!((&*request.client, request.status, request.duration_ms), ("10.0.0.1", Some(200), Some(250.0)));
    /// # Ok::<(), lanner_traffic::log::FormatError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        match text {
            "combined" | "common" => Ok(Self::Combined),
            "json" => Ok(Self::Json),
            "alb" => Ok(Self::Pattern(Pattern::alb())),
            _ => Pattern::compile(text).map(Self::Pattern),
        }
    }

    /// Reads a line; `None` if it is not of this form. What a system log or a container runtime puts in front is
    /// skipped. Cost: linear in the line.
    #[must_use]
    pub fn read<'a>(&self, line: &'a str) -> Option<Request<'a>> {
        if line.len() > MAX_LINE_BYTES {
            return None;
        }
        let line = line.trim_end_matches(['\r', '\n']);
        let of_rest = |rest: Option<&'a str>| rest.and_then(|rest| self.read_whole(rest));
        of_rest(prefix::behind_tag(line))
            .or_else(|| self.read_whole(line))
            .or_else(|| of_rest(prefix::behind_colon(line)))
    }

    fn read_whole<'a>(&self, line: &'a str) -> Option<Request<'a>> {
        match self {
            Self::Combined => clf::read(line),
            Self::Json => json::read(line),
            Self::Pattern(pattern) => pattern.read(line),
        }
    }
}

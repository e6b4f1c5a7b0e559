//! What stands in front of a line that another program passed on.

use memchr::memchr2;

use super::marks::Mark;

/// The rest of a line behind the tag of a system log (`Nov 29 10:00:00 host nginx[7]: `) or the stream of a container runtime
/// (`2026-11-29T10:00:00Z stdout F `). These stand before any quote or brace, where no access log has them itself.
pub(super) fn behind_tag(line: &str) -> Option<&str> {
    const MARKS: [Mark; 3] = [Mark("]: ", 0), Mark(" stdout F ", 8), Mark(" stderr F ", 8)];
    let head = &line[..memchr2(b'"', b'{', line.as_bytes()).unwrap_or(0)];
    let rest = MARKS.iter().find_map(|mark| mark.split(head))?.1;
    Some(&line[head.len() - rest.len()..])
}

/// The rest of a line behind its first colon: a tag without a number.
pub(super) fn behind_colon(line: &str) -> Option<&str> {
    line.split_once(": ").map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests() {
        assert_eq!(behind_tag("Sep 15 16:13:46 host nginx[28]: 1.2.3.4 - - \"\""), Some("1.2.3.4 - - \"\""));
        assert_eq!(behind_tag("2026-01-01T00:00:00Z stdout F {}"), Some("{}"));
        assert_eq!(behind_tag("1.2.3.4 - - [x] \"GET /]: x HTTP/1.1\""), None);
        assert_eq!(behind_colon("<13>Nov 29 10:00:00 host caddy: {}"), Some("{}"));
        assert_eq!(behind_colon("nothing"), None);
    }
}

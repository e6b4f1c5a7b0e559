//! Paths with wildcards, node by node: `servers.web*.cpu.{user,system}`.

use regex::Regex;

/// A path pattern: `*`, `?`, `[a-z]`, `[!x]` and `{a,b}`, none of which reaches over a dot.
#[derive(Debug, Clone)]
pub struct Glob {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Exactly(String),
    Like(Regex),
}

impl Glob {
    /// Reads a pattern. What is not a pattern stands for itself: any text is one.
    ///
    /// ```
    /// use lanner_graphite::Glob;
    /// let glob = Glob::new("servers.web[!9]*.{user,system}");
    /// assert!(glob.matches("servers.web01.user"));
    /// assert!(!glob.matches("servers.web91.user") && !glob.matches("servers.web01.cpu.user"));
    /// ```
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self { nodes: pattern.split('.').map(Node::new).collect() }
    }

    /// Whether a path matches: it has as many nodes, and each matches the pattern's. Cost: linear in the path for each
    /// wildcard.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let mut nodes = self.nodes.iter();
        path.split('.').all(|name| nodes.next().is_some_and(|node| node.matches(name)))
            && nodes.next().is_none()
    }

    /// The nodes before the first wildcard, joined by dots: where to begin to look.
    #[must_use]
    pub fn fixed_prefix(&self) -> String {
        let fixed = self.nodes.iter().map_while(|node| match node {
            Node::Exactly(name) => Some(name.as_str()),
            Node::Like(_) => None,
        });
        fixed.collect::<Vec<_>>().join(".")
    }

    /// How many nodes a path must have.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: a pattern has at least one node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Whether `name` matches the node at `depth`, from 0.
    #[must_use]
    pub fn node_matches(&self, depth: usize, name: &str) -> bool {
        self.nodes.get(depth).is_some_and(|node| node.matches(name))
    }
}

impl Node {
    fn new(text: &str) -> Self {
        if !text.contains(['*', '?', '[', '{', '\\']) {
            return Self::Exactly(text.to_owned());
        }
        Regex::new(&to_regex(text)).map_or_else(|_| Self::Exactly(text.to_owned()), Self::Like)
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exactly(exactly) => exactly == name,
            Self::Like(like) => like.is_match(name),
        }
    }
}

/// One node as a regular expression; brackets and braces that are not closed stand for themselves.
fn to_regex(text: &str) -> String {
    let mut regex = String::from("^(?:");
    let mut rest = text.chars();
    let mut in_braces = false;
    while let Some(c) = rest.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '{' if !in_braces && rest.as_str().contains('}') => {
                in_braces = true;
                regex.push_str("(?:");
            }
            '}' if in_braces => {
                in_braces = false;
                regex.push(')');
            }
            ',' if in_braces => regex.push('|'),
            '[' => push_class(&mut regex, &mut rest),
            '\\' => regex.push_str(&regex::escape(&rest.next().unwrap_or('\\').to_string())),
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    regex.push_str(")$");
    regex
}

/// `[` was read: pushes the class, or a `[` that stands for itself.
fn push_class(regex: &mut String, rest: &mut std::str::Chars<'_>) {
    let text = rest.as_str();
    // A `]` that comes first belongs to the class.
    let skip = usize::from(text.starts_with('!')) + 1;
    let Some(end) = text.char_indices().skip(skip).find(|(_, c)| *c == ']').map(|(at, _)| at) else {
        return regex.push_str("\\[");
    };
    let (class, after) = (&text[..end], &text[end + 1..]);
    regex.push('[');
    let class = class.strip_prefix('!').map_or(class, |class| {
        regex.push('^');
        class
    });
    for c in class.chars() {
        if c != '-' && !c.is_alphanumeric() {
            regex.push('\\');
        }
        regex.push(c);
    }
    regex.push(']');
    *rest = after.chars();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], other: &[&str]) {
        let glob = Glob::new(pattern);
        for path in matching {
            assert!(glob.matches(path), "{pattern} should match {path}");
        }
        for path in other {
            assert!(!glob.matches(path), "{pattern} should not match {path}");
        }
    }

    #[test]
    fn wildcards() {
        check("*", &["a", "web01"], &["a.b", "x.y.z"]);
        check("a.*.c", &["a.b.c", "a..c"], &["a.c", "a.b.c.d"]);
        check("we?", &["web"], &["we", "webb"]);
        check("n[0-9]*", &["n1", "n10"], &["na"]);
        check("[!x]*", &["web"], &["xeb"]);
        check("{web,db-a}.cpu", &["web.cpu", "db-a.cpu"], &["db-b.cpu"]);
        check("*{1,2}x", &["a1x", "2x"], &["3x"]);
        check("a+b", &["a+b"], &["aab"]);
        check("a[b", &["a[b"], &["ab"]);
        check("a{b", &["a{b"], &["ab"]);
        check("[]]", &["]"], &["["]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_pattern(pattern in ".{0,30}", path in ".{0,30}") {
            let _ = Glob::new(&pattern).matches(&path);
        }
    }
}

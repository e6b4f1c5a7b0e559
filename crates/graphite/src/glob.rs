//! Paths with wildcards, node by node: `servers.web*.cpu.{user,system}`.

use regex::Regex;

/// A path pattern: `*`, `?`, `[a-z]`, `[!x]` and `{a,b}`, none of which reaches over a dot; and `**`, which stands for any
/// number of nodes, and at the end for one or more.
#[derive(Debug, Clone)]
pub struct Glob {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Exactly(String),
    Like(Regex),
    /// Any number of nodes.
    Any,
}

impl Glob {
    /// Reads a pattern. What is not a pattern stands for itself: any text is one.
    ///
    /// ```
    /// use lanner_graphite::Glob;
    /// let glob = Glob::new("servers.web[!9]*.{user,system}");
    /// assert!(glob.matches("servers.web01.user"));
    /// assert!(!glob.matches("servers.web91.user") && !glob.matches("servers.web01.cpu.user"));
    /// assert!(Glob::new("servers.**.user").matches("servers.web01.cpu.user"));
    /// ```
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        let mut nodes: Vec<Node> = pattern.split('.').map(Node::new).collect();
        if matches!(nodes.last(), Some(Node::Any)) {
            nodes.push(Node::new("*"));
        }
        Self { nodes }
    }

    /// Whether a path matches: it has as many nodes, and each matches the pattern's. Cost: linear in the path for each
    /// wildcard.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.ends(path).last() == Some(&path.len())
    }

    /// Where each beginning of a path ends that matches, in bytes; each is one node or several. There is more than one only
    /// where the pattern has `**`. Cost: as of [`Glob::matches`], for each `**` again.
    #[must_use]
    pub fn ends(&self, path: &str) -> Vec<usize> {
        if !self.nodes.iter().any(Node::is_any) {
            return self.end(path).into_iter().collect();
        }
        // Whether the path may stand before a node of the pattern; last, behind all of them.
        let mut stands = vec![false; self.nodes.len() + 1];
        stands[0] = true;
        let (mut ends, mut end) = (Vec::new(), 0);
        for (depth, name) in path.split('.').enumerate() {
            end += name.len() + usize::from(depth > 0);
            let mut next = vec![false; stands.len()];
            for (at, node) in self.nodes.iter().enumerate() {
                // Of no node.
                stands[at + 1] |= stands[at] && node.is_any();
                next[at] |= stands[at] && node.is_any();
                next[at + 1] |= stands[at] && node.matches(name);
            }
            stands = next;
            if stands[self.nodes.len()] {
                ends.push(end);
            }
        }
        ends
    }

    /// As [`Glob::ends`], of a pattern without `**`.
    fn end(&self, path: &str) -> Option<usize> {
        let (mut names, mut end) = (path.split('.'), 0);
        for (depth, node) in self.nodes.iter().enumerate() {
            let name = names.next().filter(|name| node.matches(name))?;
            end += name.len() + usize::from(depth > 0);
        }
        Some(end)
    }

    /// The nodes before the first wildcard, joined by dots: where to begin to look.
    #[must_use]
    pub fn fixed_prefix(&self) -> String {
        let fixed = self.nodes.iter().map_while(|node| match node {
            Node::Exactly(name) => Some(name.as_str()),
            Node::Like(_) | Node::Any => None,
        });
        fixed.collect::<Vec<_>>().join(".")
    }
}

impl Node {
    fn new(text: &str) -> Self {
        if !text.contains(['*', '?', '[', '{', '\\']) {
            return Self::Exactly(text.to_owned());
        }
        if matches!(text, "**" | "{**}") {
            return Self::Any;
        }
        Regex::new(&to_regex(text)).map_or_else(|_| Self::Exactly(text.to_owned()), Self::Like)
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exactly(exactly) => exactly == name,
            Self::Like(like) => like.is_match(name),
            Self::Any => true,
        }
    }

    const fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }
}

/// One node as a regular expression; brackets and braces that are not closed stand for themselves.
fn to_regex(text: &str) -> String {
    let mut regex = String::from("^(?:");
    let mut rest = text.chars();
    let mut n_braces = 0;
    while let Some(c) = rest.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '{' if n_braces < MAX_BRACES && is_closed(rest.as_str()) => {
                n_braces += 1;
                regex.push_str("(?:");
            }
            '}' if n_braces > 0 => {
                n_braces -= 1;
                regex.push(')');
            }
            ',' if n_braces > 0 => regex.push('|'),
            '[' => push_class(&mut regex, &mut rest),
            '\\' => regex.push_str(&regex::escape(&rest.next().unwrap_or('\\').to_string())),
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    regex.push_str(")$");
    regex
}

/// Braces within braces, so many deep.
const MAX_BRACES: usize = 20;

/// Whether a brace before `rest` is closed in it, after those that are opened there.
fn is_closed(rest: &str) -> bool {
    let mut n_open = 1;
    rest.chars().any(|c| {
        match c {
            '{' => n_open += 1,
            '}' => n_open -= 1,
            _ => {}
        }
        n_open == 0
    })
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
        check("w{a,{b,c}d}x", &["wax", "wbdx", "wcdx"], &["wbx", "wadx"]);
        check("{a,{b}", &["{a,b"], &["a", "b"]);
        check("{a}}", &["a}"], &["a"]);
    }

    /// As `_find_paths` of graphite-web 1.1.10 finds them.
    #[test]
    fn two_stars_are_any_number_of_nodes() {
        check("**", &["a", "a.b", "a.b.c"], &[]);
        check("a.**", &["a.b", "a.b.c.d"], &["a", "b.a"]);
        check("**.rate", &["rate", "web.rate", "web.a.rate"], &["web.rate.a", "web.rates"]);
        check("a.**.z", &["a.z", "a.b.z", "a.b.c.z", "a.z.z"], &["a", "a.b", "z"]);
        check("**.b.**", &["b.c", "a.b.c", "a.b.b.c.d"], &["b", "a.b"]);
        check("{**}.rate", &["web.rate", "rate"], &["web"]);
        // Beside anything else they are one.
        check("a**", &["ab", "a"], &["a.b"]);
        assert_eq!(Glob::new("**").ends("a.bc.d"), [1, 4, 6]);
        assert_eq!(Glob::new("a.**.c").ends("a.b.c.c.d"), [5, 7]);
        assert_eq!(Glob::new("a.*").ends("a.bc.d"), [4]);
        let many = Glob::new(&["**"; 200].join("."));
        assert!(many.matches(&["x"; 300].join(".")) && !Glob::new("**.**.y").matches("x"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_pattern(pattern in ".{0,30}", path in ".{0,30}") {
            let _ = Glob::new(&pattern).matches(&path);
        }
    }
}

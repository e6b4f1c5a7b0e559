//! `pmatch`: whether a path is below one of several, component by component.

use crate::glob::Glob;

/// A path that others may lie below: `/etc`, `/usr/*/lib`. A slash at its end does not matter.
#[derive(Debug, Clone)]
pub(crate) struct PathPattern {
    /// What is before the first component with a wildcard, its slash included; the whole path without one.
    fixed: Box<str>,
    /// The components from the first wildcard on.
    rest: Box<[Glob]>,
}

impl PathPattern {
    /// Reads a pattern whose components may be globs.
    ///
    /// # Errors
    /// What is wrong with a component.
    pub(crate) fn new(path: &str) -> Result<Self, String> {
        let path = path.trim_end_matches('/');
        let Some(wild) = path.find(['*', '?', '[', '\\']) else {
            return Ok(Self { fixed: path.into(), rest: Box::default() });
        };
        let start = path[..wild].rfind('/').map_or(0, |slash| slash + 1);
        let globs = path[start..].split('/').map(|component| Glob::new(component, false));
        Ok(Self { fixed: path[..start].into(), rest: globs.collect::<Result<_, _>>()? })
    }

    /// What every path below begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.fixed
    }

    /// Whether `path` is this one or lies below it.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let Some(after) = path.strip_prefix(&*self.fixed) else { return false };
        if self.rest.is_empty() {
            return after.is_empty() || after.starts_with('/');
        }
        let mut components = after.split('/');
        self.rest.iter().all(|glob| components.next().is_some_and(|component| glob.fits(component)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_paths() {
        #[track_caller]
        fn check(pattern: &str, below: &[&str], beside: &[&str]) {
            let pattern = PathPattern::new(pattern).unwrap();
            for path in below {
                assert!(pattern.holds(path) && path.starts_with(pattern.prefix()), "{path} {pattern:?}");
            }
            for path in beside {
                assert!(!pattern.holds(path), "{path} {pattern:?}");
            }
        }
        check("/opt/dir", &["/opt/dir", "/opt/dir/x", "/opt/dir/"], &["/opt/dir2", "/opt", "opt/dir", ""]);
        check("/opt/dir/", &["/opt/dir", "/opt/dir/x"], &["/opt/dir2"]);
        check("/", &["/", "/etc"], &["etc"]);
        check("/usr/*/lib", &["/usr/a/lib", "/usr/a/lib/x"], &["/usr/lib", "/usr/a/b/lib", "/usr/a/lib2"]);
        check("/home/[a-c]?", &["/home/ab/x"], &["/home/db", "/home/a"]);
        check("*/x", &["a/x", "/x"], &["x"]);
        check("/*", &["/etc", "/"], &["etc"]);
        check("a", &["a", "a/b"], &["ab"]);
    }
}

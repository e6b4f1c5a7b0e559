//! Conditions on tags: `dc=ams`, `host!=web1`, `host=~web.*`, `role!=~test`.
//!
//! A series that lacks a tag is asked as if its value were empty.

use std::collections::BTreeMap;

use super::pattern::Pattern;

/// One condition on one tag, as in `seriesByTag('host=~web.*')`. A tag that is missing counts as empty.
#[derive(Debug, Clone)]
pub struct TagCondition {
    tag: String,
    test: Test,
    wanted: bool,
}

#[derive(Debug, Clone)]
enum Test {
    Is(String),
    Like(Pattern),
}

impl TagCondition {
    /// Reads `tag=value`, `tag!=value`, `tag=~expression` or `tag!=~expression`. Expressions are anchored at the
    /// start only, and take linear time.
    ///
    /// # Errors
    /// For people: what is wrong and how to write it.
    ///
    /// ```
    /// use lanner_graphite::TagCondition;
    /// let web = TagCondition::parse("host=~web[0-9]")?;
    /// assert!(web.accepts("web1.ams") && !web.accepts("my-web1"));
    /// assert!(TagCondition::parse("host").is_err());
    /// # Ok::<(), String>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!(
                "'{text}' is not a condition on a tag: {what}; write dc=ams, dc!=ams, host=~web.* or host!=~web.*"
            )
        };
        let end = text.find(['!', '=', ';']).ok_or_else(|| wrong("it has no ="))?;
        let (tag, rest) = text.split_at(end);
        if tag.is_empty() {
            return Err(wrong("the tag is missing"));
        }
        let (wanted, rest) = rest.strip_prefix('!').map_or((true, rest), |rest| (false, rest));
        let value = rest.strip_prefix('=').ok_or_else(|| wrong("= must follow the tag"))?;
        if value.contains(';') {
            return Err(wrong("a value has no ';'"));
        }
        let test = match value.strip_prefix('~') {
            Some(expression) => Test::Like(Pattern::anchored(expression)?),
            None => Test::Is(value.to_owned()),
        };
        Ok(Self { tag: tag.to_owned(), test, wanted })
    }

    /// Reads conditions that are asked together.
    ///
    /// # Errors
    /// As [`TagCondition::parse`]; and when a series without any tag would fulfil all of them, as everything would
    /// have to be looked through.
    ///
    /// ```
    /// use lanner_graphite::TagCondition;
    /// assert!(TagCondition::parse_all(&["name=disk.used", "dc!=ams"]).is_ok());
    /// assert!(TagCondition::parse_all(&["dc!=ams"]).is_err());
    /// ```
    pub fn parse_all(conditions: &[&str]) -> Result<Vec<Self>, String> {
        let all = conditions.iter().map(|text| Self::parse(text)).collect::<Result<Vec<_>, _>>()?;
        if all.iter().all(|condition| condition.accepts("")) {
            return Err(
                "at least one condition must ask for a tag that is there, such as name=disk.used".to_owned()
            );
        }
        Ok(all)
    }

    /// The tag that it is about.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The only value that it accepts, for those who keep an index.
    #[must_use]
    pub fn only(&self) -> Option<&str> {
        match &self.test {
            Test::Is(value) if self.wanted => Some(value),
            _ => None,
        }
    }

    /// Whether it accepts `value`; empty where the tag is missing.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        let is = match &self.test {
            Test::Is(wanted) => wanted == value,
            Test::Like(pattern) => pattern.is_in(value),
        };
        is == self.wanted
    }

    /// Whether a series with `tags` (`name` among them) fulfils it.
    #[must_use]
    pub fn matches(&self, tags: &BTreeMap<String, String>) -> bool {
        self.accepts(tags.get(&self.tag).map_or("", String::as_str))
    }
}

/// The tags in a full name: `disk.used;dc=ams` has `name` and `dc`.
#[must_use]
pub fn tags_of(name: &str) -> BTreeMap<String, String> {
    let mut parts = name.split(';');
    let mut tags = BTreeMap::from([("name".to_owned(), parts.next().unwrap_or_default().to_owned())]);
    tags.extend(
        parts.filter_map(|part| part.split_once('=')).map(|(tag, value)| (tag.to_owned(), value.to_owned())),
    );
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        #[track_caller]
        fn check(condition: &str, accepted: &[&str], refused: &[&str]) {
            let condition = TagCondition::parse(condition).unwrap();
            for value in accepted {
                assert!(condition.accepts(value), "{value:?}");
            }
            for value in refused {
                assert!(!condition.accepts(value), "{value:?}");
            }
        }
        check("dc=ams", &["ams"], &["", "lon", "ams2"]);
        check("dc=", &[""], &["ams"]);
        check("dc!=ams", &["", "lon"], &["ams"]);
        check("dc!=", &["ams"], &[""]);
        check("dc=~a|l", &["ams", "lon"], &["", "xal"]);
        check("dc=~^a.s$", &["ams"], &["amsx", "xams"]);
        check("dc!=~a", &["", "lon"], &["ams"]);
        check("dc=~", &["", "anything"], &[]);
        check("dc==x", &["=x"], &["x"]);
    }

    #[test]
    fn what_is_refused() {
        for text in
            ["", "dc", "=ams", "!=ams", "dc!ams", "dc;x=1", "dc=a;b", "dc=~(", "dc=~(?=a)", "dc=~(a)\\1"]
        {
            assert!(TagCondition::parse(text).is_err(), "{text}");
        }
        for all in [&["dc!=ams"][..], &["dc=", "role=~.*"], &[]] {
            assert!(TagCondition::parse_all(all).is_err(), "{all:?}");
        }
        assert_eq!(
            TagCondition::parse("dc").unwrap_err(),
            "'dc' is not a condition on a tag: it has no =; write dc=ams, dc!=ams, host=~web.* or host!=~web.*"
        );
    }

    #[test]
    fn of_series() {
        let tags =
            BTreeMap::from([("name".to_owned(), "disk".to_owned()), ("dc".to_owned(), "ams".to_owned())]);
        let all = |conditions: &[&str]| {
            TagCondition::parse_all(conditions).unwrap().iter().all(|condition| condition.matches(&tags))
        };
        assert!(all(&["name=disk", "role=", "dc!=lon"]));
        assert!(!all(&["name=disk", "role!="]));
        assert_eq!(TagCondition::parse("dc=ams").unwrap().only(), Some("ams"));
        assert_eq!(TagCondition::parse("dc!=ams").unwrap().only(), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text(text in "\\PC{0,20}", value in "\\PC{0,10}") {
            if let Ok(condition) = TagCondition::parse(&text) {
                let _ = condition.accepts(&value);
            }
        }
    }
}

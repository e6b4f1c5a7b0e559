//! Matching of label sets, for silences and inhibition.

use lanner_core::matchers::format_matchers;
use lanner_core::matching::LabelTest;
use lanner_core::{Labels, Matcher, Phase, Silence};

/// The matchers of a silence, an inhibition or a receiver, ready to match. All must match; an absent label is empty.
#[derive(Debug, Clone)]
pub struct Matchers {
    source: Vec<Matcher>,
    tests: Vec<LabelTest>,
}

impl PartialEq for Matchers {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Matchers {
    /// Compiles matchers. Regular expressions match the whole value, in linear time.
    ///
    /// # Errors
    /// A sentence that names the matcher whose expression is wrong or too large.
    pub fn compile(matchers: &[Matcher]) -> Result<Self, String> {
        let test = |matcher: &Matcher| {
            let Matcher { label, value, .. } = matcher;
            LabelTest::new(matcher).map_err(|error| {
                format!("the expression \"{value}\" for label {label} is not usable: {error}")
            })
        };
        let tests = matchers.iter().map(test).collect::<Result<_, String>>()?;
        Ok(Self { source: matchers.to_vec(), tests })
    }

    /// Compiles the matchers of a new silence. As in Alertmanager, one of them must want a value: `naem=""`, a slip of
    /// the pen, matches every alert.
    ///
    /// # Errors
    /// A sentence that names the matchers, or the one whose expression is wrong or too large.
    pub fn of_silence(matchers: &[Matcher]) -> Result<Self, String> {
        let compiled = Self::compile(matchers)?;
        if compiled.tests.iter().all(|test| test.accepts_value("")) {
            let shown = format_matchers(matchers);
            return Err(format!(
                "{shown} matches every alert without such a label, so that nearly everything would be muted; add a \
                 matcher that wants a value, for example rule=~\".+\""
            ));
        }
        Ok(compiled)
    }

    /// Whether all matchers match. Without any, nothing is matched: an empty silence mutes nobody.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        !self.tests.is_empty() && self.tests.iter().all(|test| test.accepts(labels))
    }
}

/// Silences ready to match.
#[derive(Debug, Clone, Default)]
pub struct Silences(Vec<Ready>);

/// A silence ready to match, and a time in which it is known to mute or not.
#[derive(Debug, Clone)]
struct Ready {
    silence: Silence,
    matchers: Matchers,
    phase: Option<Phase>,
}

impl Ready {
    /// Whether it mutes at `now_ms`, and how long that stays so.
    fn phase(&self, now_ms: i64) -> Phase {
        let known = self.phase.filter(|phase| phase.time.contains(now_ms));
        known.unwrap_or_else(|| self.silence.phase(now_ms))
    }
}

impl Silences {
    /// Compiles silences; those whose expressions are not usable are left out (they are refused when made).
    #[must_use]
    pub fn compile(silences: &[Silence]) -> Self {
        let ready = |silence: &Silence| {
            let matchers = Matchers::compile(&silence.matchers).ok()?;
            Some(Ready { silence: silence.clone(), matchers, phase: None })
        };
        Self(silences.iter().filter_map(ready).collect())
    }

    /// Works out which of them mute at `now_ms`, so that asking for thousands of alerts costs no look at the calendar.
    pub(crate) fn advance(&mut self, now_ms: i64) {
        for ready in &mut self.0 {
            ready.phase = Some(ready.phase(now_ms));
        }
    }

    /// Those that mute `labels` at `now_ms`, each with the time at which it ends or leaves off.
    pub(crate) fn muting<'s>(
        &'s self,
        labels: &'s Labels,
        now_ms: i64,
    ) -> impl Iterator<Item = (&'s Silence, i64)> {
        self.0.iter().filter_map(move |ready| {
            let phase = ready.phase(now_ms);
            (phase.holds && ready.matchers.matches(labels)).then_some((&ready.silence, phase.time.end_ms))
        })
    }

    /// Until when `labels` are muted at `now_ms`, if they are; another silence may follow.
    #[must_use]
    pub(crate) fn muted_until(&self, labels: &Labels, now_ms: i64) -> Option<i64> {
        self.muting(labels, now_ms).map(|(_, end_ms)| end_ms).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanner_core::MatchOp;

    #[test]
    fn a_silence_wants_a_value() {
        #[track_caller]
        fn check(text: &str, is_accepted: bool) {
            let matchers = lanner_core::matchers::parse_matchers(text).unwrap();
            match Matchers::of_silence(&matchers) {
                Ok(_) => assert!(is_accepted, "{text}"),
                Err(error) => {
                    assert!(!is_accepted && error.starts_with(&format_matchers(&matchers)), "{error}");
                }
            }
        }
        check(r#"bank="hsbc""#, true);
        check(r#"naem="""#, false);
        check(r#"rule=~".*""#, false);
        check(r#"rule=~".+""#, true);
        check(r#"bank!="hsbc""#, false); // absent is different, too
        check(r#"bank!="""#, true);
        check(r#"bank!~"a.*""#, false);
        check(r#"bank!~"a?""#, true);
        check(r#"naem="",bank!="x",rule="floor""#, true);
        check(r#"naem="",bank!="x",rule=~"(floor)?""#, false);
    }

    #[test]
    fn matchers_match_whole_values() {
        #[track_caller]
        fn check(label: &str, op: MatchOp, value: &str, matched: bool) {
            let matcher = Matcher { label: label.to_owned(), op, value: value.to_owned() };
            let labels = Labels::new([("bank", "hsbc"), ("rule", "floor")]);
            assert_eq!(Matchers::compile(&[matcher]).unwrap().matches(&labels), matched);
        }
        check("bank", MatchOp::Equal, "hsbc", true);
        check("bank", MatchOp::Equal, "hs", false);
        check("bank", MatchOp::Regex, "hs", false); // the whole value
        check("bank", MatchOp::Regex, "hs.*|ing", true);
        check("bank", MatchOp::NotRegex, "hs.*", false);
        check("app", MatchOp::Equal, "", true); // absent is empty
        check("app", MatchOp::NotEqual, "", false);
        assert!(!Matchers::compile(&[]).unwrap().matches(&Labels::default()));
        let bad = Matcher { label: "bank".into(), op: MatchOp::Regex, value: "(".into() };
        assert!(Matchers::compile(&[bad]).unwrap_err().contains("bank"));
    }
}

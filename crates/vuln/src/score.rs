//! CVSS: vectors of the versions 2.0, 3.0, 3.1 and 4.0, and the scores that they give.

use serde::{Deserialize, Serialize};

/// One CVSS rating of a finding. Base scores lie in `0.0..=10.0`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// `2.0`, `3.0`, `3.1` or `4.0`; `3` where a scanner does not say which 3.
    pub version: String,
    /// The base score as the report states it, or as its vector gives it.
    pub base: f64,
    /// The temporal score, if stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporal: Option<f64>,
    /// The vector as CVSS writes it, without the prefixes of scanners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
    /// Who rated: `nvd`, `ghsa`, `redhat`; empty where the report does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

impl Score {
    /// A rating from what a report states; `None` if neither a number nor a vector can be read.
    ///
    /// The stated number is kept beside the vector, even where the two disagree: a vendor may have changed it.
    ///
    /// ```
    /// # use lanner_vuln::Score;
    /// let score = Score::read("2.0", "", "CVSS2#AV:N/AC:L/Au:N/C:P/I:P/A:P", "").unwrap();
    /// assert_eq!(score.base, 7.5);
    /// ```
    #[must_use]
    pub fn read(version: &str, base: &str, vector: &str, source: &str) -> Option<Self> {
        let vector = clean(vector);
        let parsed = vector.as_deref().and_then(parse);
        let stated = base.trim().parse::<f64>().ok().filter(|base| (0.0..=10.0).contains(base));
        let base = stated.or_else(|| parsed.as_ref().map(|(_, score)| *score))?;
        let version = parsed.map_or_else(|| version.to_owned(), |(version, _)| version.to_owned());
        Some(Self { version, base, temporal: None, vector, source: source.to_owned() })
    }
}

/// The version and the score of a vector.
///
/// # Source
/// The scoring formulas of FIRST: CVSS 2.0, 3.0, 3.1 and 4.0, computed by the crate `cvss`.
#[must_use]
pub fn parse(vector: &str) -> Option<(&'static str, f64)> {
    let cvss: cvss::Cvss = vector.parse().ok()?;
    let version = match &cvss {
        cvss::Cvss::CvssV20(_) => "2.0",
        cvss::Cvss::CvssV30(_) => "3.0",
        cvss::Cvss::CvssV31(_) => "3.1",
        cvss::Cvss::CvssV40(_) => "4.0",
        _ => return None,
    };
    let score = cvss.score();
    score.is_finite().then_some((version, score))
}

/// A vector without what scanners put around it: `CVSS2#`, `CVSS3#`, brackets.
fn clean(vector: &str) -> Option<String> {
    let text = vector.trim().trim_matches(['(', ')']);
    let text = text.split_once('#').map_or(text, |(_, rest)| rest);
    (!text.is_empty() && text.len() <= 512).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(vector: &str, version: &str, base: f64) {
        let score = Score::read("", "", vector, "").unwrap();
        assert_eq!((score.version.as_str(), score.base), (version, base), "{vector}");
    }

    // Scores from the published examples of FIRST (CVSS 3.1 and 4.0) and of NVD (CVSS 2.0).
    #[test]
    fn vectors_of_all_versions_are_scored() {
        check("(AV:N/AC:L/Au:N/C:C/I:C/A:C)", "2.0", 10.0);
        check("CVSS2#AV:N/AC:M/Au:N/C:P/I:P/A:P", "2.0", 6.8);
        check("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "3.0", 9.8);
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "3.1", 6.1);
        check("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "4.0", 9.3);
    }

    #[test]
    fn a_stated_number_wins_over_its_vector() {
        let score =
            Score::read("3", "7.3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "vendor").unwrap();
        assert_eq!((score.base, score.version.as_str()), (7.3, "3.1"));
    }

    #[test]
    fn what_is_no_score_is_left_out() {
        for (base, vector) in [("", ""), ("n/a", ""), ("11", ""), ("-1", "AV:N"), ("NaN", "nonsense/")] {
            assert_eq!(Score::read("2.0", base, vector, ""), None, "{base:?} {vector:?}");
        }
    }
}

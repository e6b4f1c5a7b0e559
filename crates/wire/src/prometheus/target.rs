//! Labels of what a target answered.

use lanner_core::Labels;

/// The labels of a series that was scraped: its own and the target's. Where both have a name, the target's counts, and the series'
/// own is kept under `exported_`, as in Prometheus.
#[must_use]
pub fn labelled(own: &Labels, target: &Labels) -> Labels {
    let renamed = own.iter().map(|(name, value)| match target.get(name) {
        Some(_) => (format!("exported_{name}"), value.to_owned()),
        None => (name.to_owned(), value.to_owned()),
    });
    Labels::new(renamed).with(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_the_target_count() {
        #[track_caller]
        fn check(own: &[(&str, &str)], target: &[(&str, &str)], expected: &str) {
            let labels = |pairs: &[(&str, &str)]| Labels::new(pairs.iter().copied());
            assert_eq!(labelled(&labels(own), &labels(target)).to_string(), expected);
        }
        check(
            &[("code", "200")],
            &[("job", "a"), ("instance", "b:1")],
            r#"{code="200",instance="b:1",job="a"}"#,
        );
        check(
            &[("job", "x"), ("instance", "y")],
            &[("job", "a")],
            r#"{exported_job="x",instance="y",job="a"}"#,
        );
        check(&[], &[], "{}");
    }
}

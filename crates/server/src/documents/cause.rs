//! The cause of a version of a switch, or of a request for one.

use lanner_core::Cause;
use lanner_io::store::StoredDocument;

/// Its cause. Releases before causes wrote sentences only; theirs are read here and nowhere else, and nobody can write
/// such a version any more.
#[must_use]
pub(crate) fn of(stored: &StoredDocument) -> Cause {
    stored.cause.clone().unwrap_or_else(|| from_words(stored))
}

fn from_words(stored: &StoredDocument) -> Cause {
    let alert = |actor: &str| {
        let rule = actor.strip_prefix("alert of ")?.to_owned();
        Some(Cause::Alert { rule, episode_ms: stored.changed_ms })
    };
    let approved = || {
        let asker = stored.message.strip_prefix("approved, asked for by ")?;
        // The approver's words follow; the name of a rule has no colon.
        let asker = asker.split_once(':').map_or(asker, |(asker, _)| asker);
        let cause = Box::new(alert(asker).unwrap_or_default());
        Some(Cause::Approved { by: stored.actor.clone(), cause })
    };
    let is_done = stored.document.is_none() && stored.message == "approved";
    let done = || Cause::Approved { by: stored.actor.clone(), cause: Box::default() };
    match stored.message.as_str() {
        "the alert fires" | "the alert is over" => alert(&stored.actor).unwrap_or_default(),
        _ if is_done => done(),
        _ if stored.actor == "config" => Cause::Configuration,
        _ => approved().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_releases_wrote_is_still_understood() {
        #[track_caller]
        fn check(actor: &str, message: &str, cause: Option<Cause>, expected: &str) {
            let (actor, message) = (actor.to_owned(), message.to_owned());
            let stored = StoredDocument {
                id: "a".to_owned(),
                version: 1,
                document: None,
                changed_ms: 7,
                actor,
                message,
                cause,
            };
            assert_eq!(serde_json::to_string(&of(&stored)).unwrap(), expected);
        }
        let alert = r#"{"kind":"alert","rule":"floor","episode_ms":7}"#;
        let person = r#"{"kind":"person"}"#;
        check("alert of floor", "the alert fires", None, alert);
        check("alert of floor", "the alert is over", None, alert);
        check(
            "ann",
            "approved, asked for by alert of floor: go on",
            None,
            &format!(r#"{{"kind":"approved","by":"ann","for":{alert}}}"#),
        );
        check(
            "ann",
            "approved, asked for by bob",
            None,
            &format!(r#"{{"kind":"approved","by":"ann","for":{person}}}"#),
        );
        check("ann", "approved", None, &format!(r#"{{"kind":"approved","by":"ann","for":{person}}}"#));
        check("config", "", None, r#"{"kind":"configuration"}"#);
        check("ann", "the alert fires", None, person);
        check("ann", "", None, person);
        // Where there is a cause, nobody's words count.
        check("alert of floor", "the alert fires", Some(Cause::Person), person);
    }
}

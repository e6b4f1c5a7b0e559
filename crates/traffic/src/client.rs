//! Who a client is, by what it says of itself and by how it behaves.

use crate::says::Says;
use crate::session::Session;

/// Kinds of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientKind {
    /// Nothing speaks against a person at a browser or an app.
    Human,
    /// A bot that is known to be one, for example by its address.
    DeclaredBot,
    /// It says that it is a bot, and anybody can say so.
    ClaimedBot,
    /// A program, by what it says or by how it behaves.
    Automation,
}

/// Fewer calls do not show how a client behaves.
const MIN_CALLS: u32 = 10;

/// The spread of the logarithm of pauses is about 1 for people; below this a clock sets the beat.
const STEADY_SPREAD: f64 = 0.3;

/// Who works for so long without a pause of ten seconds is no person.
const TIRELESS_S: f64 = 120.0;
const LONGEST_PAUSE_S: f64 = 10.0;

impl ClientKind {
    /// Its name in events. It stays the same in later releases.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::DeclaredBot => "declared_bot",
            Self::ClaimedBot => "claimed_bot",
            Self::Automation => "automation",
        }
    }

    /// The kind of a session's client; `None` where too few calls were seen.
    #[must_use]
    pub fn of(session: &Session) -> Option<Self> {
        match session.says {
            _ if session.is_declared => Some(Self::DeclaredBot),
            Says::Bot => Some(Self::ClaimedBot),
            Says::Program => Some(Self::Automation),
            _ if session.n_calls < MIN_CALLS => None,
            _ if is_like_a_program(session) => Some(Self::Automation),
            _ => Some(Self::Human),
        }
    }
}

fn is_like_a_program(session: &Session) -> bool {
    let gaps = &session.gaps;
    let is_tireless = session.duration_s() >= TIRELESS_S && gaps.most <= LONGEST_PAUSE_S;
    gaps.spread_log() < STEADY_SPREAD || is_tireless
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, Request};

    #[test]
    fn clients_are_told_by_words_and_by_behaviour() {
        #[track_caller]
        fn check(agent: &str, gaps_ms: &[i64], is_declared: bool, expected: Option<ClientKind>) {
            let mut session = Session::new("a".into(), 0);
            (session.says, session.is_declared) = (Says::of(agent), is_declared);
            let mut time_ms = 0;
            for gap_ms in gaps_ms {
                time_ms += gap_ms;
                let request = Request { time_ms, path: "/a".into(), ..Request::default() };
                session.add(&Call::new(&request, 1));
            }
            assert_eq!(ClientKind::of(&session), expected, "{agent} {gaps_ms:?}");
        }
        let person: Vec<i64> = (0..20).map(|i| [700, 9_000, 2_000, 40_000][i % 4]).collect();
        check("Mozilla/5.0 Firefox/140.0", &person, false, Some(ClientKind::Human));
        check("Mozilla/5.0 Firefox/140.0", &person[..5], false, None);
        check("Mozilla/5.0 Firefox/140.0", &[2_000; 20], false, Some(ClientKind::Automation));
        let tireless: Vec<i64> = (0..100).map(|i| [500, 4_000][i % 2]).collect();
        check("Mozilla/5.0 Firefox/140.0", &tireless, false, Some(ClientKind::Automation));
        check("curl/8.5.0", &[1_000], false, Some(ClientKind::Automation));
        check("Mozilla/5.0 (compatible; Googlebot/2.1)", &[1_000], false, Some(ClientKind::ClaimedBot));
        check("Mozilla/5.0 (compatible; Googlebot/2.1)", &[1_000], true, Some(ClientKind::DeclaredBot));
        check("", &[1_000], false, None);
    }
}

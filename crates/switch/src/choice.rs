//! Which value of a flag a context gets.

use lanner_conditions::{Expr, FieldPath, Fields, View};
use lanner_core::time::SECOND_MS;
use serde_json::{Map, Value};

use crate::flag::{Case, Choice, Flag, Reason};
use crate::switch::{MISSING, Phase, Switch};

impl Switch {
    /// Which value of `flag`, its own, a context gets at `now_ms`; asked alone, whatever other switches say.
    ///
    /// Its conditions may also ask for the time, as those of flagd do: `$["$flagd"].timestamp`, in seconds since 1970.
    #[must_use]
    pub fn choice<'s>(&'s self, flag: &'s Flag, context: &Map<String, Value>, now_ms: i64) -> Choice<'s> {
        let phase = self.phase(now_ms);
        let fields = Timed { context, now_s: now_ms.div_euclid(SECOND_MS) };
        let is_on = phase == Phase::Blocking
            && self.condition.matches(&fields, MISSING)
            && self.is_rolled_out_to(context);
        if is_on {
            return Choice { variant: Some(&flag.on), reason: self.why(true, now_ms) };
        }
        let mut cases = flag.cases.iter().filter(|_| phase == Phase::Blocking);
        match cases.find(|case| case.when.matches(&fields, MISSING)) {
            Some(Case { variant: Some(variant), .. }) => {
                Choice { variant: Some(variant), reason: Reason::TargetingMatch }
            }
            Some(_) => Choice { variant: None, reason: Reason::Default },
            None => Choice { variant: flag.off.as_ref(), reason: self.why(false, now_ms) },
        }
    }

    /// Why a context got what it got: `is_on` says whether the switch blocked it at `now_ms` (milliseconds since the Unix
    /// epoch).
    #[must_use]
    pub fn why(&self, is_on: bool, now_ms: i64) -> Reason {
        match self.phase(now_ms) {
            Phase::Inactive => Reason::Disabled,
            _ if !is_on => Reason::Default,
            _ if self.rollout.is_some() => Reason::Split,
            _ if matches!(self.condition.expr(), Expr::Constant(_)) => Reason::Static,
            _ => Reason::TargetingMatch,
        }
    }
}

/// The fields of a context, and the time.
struct Timed<'c> {
    context: &'c Map<String, Value>,
    now_s: i64,
}

impl Fields for Timed<'_> {
    fn view(&self, path: &FieldPath) -> Option<View<'_>> {
        if path.as_str() == TIMESTAMP {
            Some(View::Number(self.now_s.into()))
        } else {
            self.context.view(path)
        }
    }
}

/// The name under which flagd tells the time.
const TIMESTAMP: &str = "$[\"$flagd\"].timestamp";

//! What changes of switches would have blocked of past contexts, each alone and together with the active switches.

use lanner_conditions::{Index, Scratch};
use serde_json::{Map, Value};

use crate::switch::{MISSING, Switch};

/// How many contexts changes block. Status, validity and windows do not count; condition and share do.
///
/// ```
/// use lanner_switch::{Switch, Tally};
/// let switch = |when: &str| {
///     Switch::from_json(&serde_json::json!({"id": "a", "when": when})).unwrap()
/// };
/// let (narrow, wide, other) = (switch("n == 1"), switch("n in (1, 2)"), switch("n == 3"));
/// let contexts = [r#"{"n": 1}"#, r#"{"n": 2}"#, r#"{"n": 3}"#, r#"{"n": 4}"#, "no JSON"];
/// let tally = Tally::of(&[[Some(&narrow), Some(&wide)], [None, Some(&other)]], contexts, |_| None);
/// assert_eq!((tally.n_contexts, tally.blocked), (4, vec![[1, 2], [0, 1]]));
/// ```
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// How many contexts were asked; what is no JSON object is none.
    pub n_contexts: u64,
    /// By change: how many contexts were blocked before it, and are after it.
    pub blocked: Vec<[u64; 2]>,
    /// Of how many contexts it is known what else blocks them.
    pub n_together: u64,
    /// How many of those something blocked before all changes, and something blocks after them.
    pub together: [u64; 2],
}

impl Tally {
    /// Asks contexts, JSON objects, of changes: each of what was there before and what is there after. `else_blocked` says of
    /// a context whether something else blocked it before, and does after; or nothing, if that need not be known. Cost: one
    /// look into an index of all changes for each context.
    #[must_use]
    pub fn of<'t>(
        changes: &[[Option<&Switch>; 2]],
        contexts: impl IntoIterator<Item = &'t str>,
        mut else_blocked: impl FnMut(&str) -> Option<[bool; 2]>,
    ) -> Self {
        let sides: Vec<Option<&Switch>> = changes.iter().flatten().copied().collect();
        let numbered = (0..).zip(&sides).filter_map(|(number, side)| Some((number, (*side)?)));
        let index = Index::build(numbered.map(|(number, side)| (number, &side.condition, MISSING)));
        let mut tally = Self { blocked: vec![[0; 2]; changes.len()], ..Self::default() };
        let (mut scratch, mut found) = (Scratch::default(), Vec::new());
        for text in contexts {
            if index.matches_json(text, &mut scratch, &mut found).is_err() {
                continue;
            }
            let mut context = None;
            let mut is_reached =
                |number: u32| sides[number as usize].is_some_and(|side| reaches(side, text, &mut context));
            found.retain(|number| is_reached(*number));
            tally.note(&found, else_blocked(text));
        }
        tally
    }

    /// Notes a context that these block: the number of a change twice, and one more for what is there after it.
    fn note(&mut self, found: &[u32], else_blocked: Option<[bool; 2]>) {
        self.n_contexts += 1;
        let mut blocks = false;
        for number in found {
            let (change, side) = (*number as usize / 2, *number as usize % 2);
            self.blocked[change][side] += 1;
            blocks |= side == 1;
        }
        if let Some([before, after]) = else_blocked {
            self.n_together += 1;
            self.together[0] += u64::from(before);
            self.together[1] += u64::from(after || blocks);
        }
    }
}

/// Whether a switch's share reaches a context that its condition matches.
fn reaches(switch: &Switch, text: &str, context: &mut Option<Map<String, Value>>) -> bool {
    switch.rollout.is_none()
        || switch
            .is_rolled_out_to(context.get_or_insert_with(|| serde_json::from_str(text).unwrap_or_default()))
}

//! Where an index finds switches: numbered slots that later versions share.
//!
//! A switch keeps its slot for as long as it is found alike, whatever else of it changes, so that an index goes on being
//! right. What is found otherwise gets a slot of its own.

use std::sync::Arc;

use crate::switch::Switch;

/// So many slots are copied where one changes.
const PAGE: usize = 256;

/// Switches by number. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    /// All but the last are full.
    pages: Vec<Arc<Vec<Option<Arc<Switch>>>>>,
}

impl Slots {
    /// How many slots there are, those included in which nothing is.
    pub(crate) fn len(&self) -> usize {
        self.pages.last().map_or(0, |last| (self.pages.len() - 1) * PAGE + last.len())
    }

    /// What is in a slot.
    pub(crate) fn get(&self, slot: u32) -> Option<&Arc<Switch>> {
        let at = slot as usize;
        self.pages.get(at / PAGE)?.get(at % PAGE)?.as_ref()
    }

    /// Adds a slot.
    pub(crate) fn push(&mut self, switch: Arc<Switch>) -> u32 {
        let slot = self.len();
        if slot.is_multiple_of(PAGE) {
            self.pages.push(Arc::new(Vec::with_capacity(1)));
        }
        if let Some(last) = self.pages.last_mut() {
            Arc::make_mut(last).push(Some(switch));
        }
        slot as u32
    }

    /// Puts something else, or nothing, in a slot.
    pub(crate) fn put(&mut self, slot: u32, switch: Option<Arc<Switch>>) {
        let at = slot as usize;
        let page = self.pages.get_mut(at / PAGE).map(Arc::make_mut);
        if let Some(held) = page.and_then(|page| page.get_mut(at % PAGE)) {
            *held = switch;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_copies_one_page() {
        let switch =
            |n: usize| Arc::new(Switch::from_json(&json!({"id": format!("s{n}"), "when": "x"})).unwrap());
        let mut before = Slots::default();
        for n in 0..3 * PAGE + 5 {
            assert_eq!(before.push(switch(n)), n as u32);
        }
        let mut after = before.clone();
        after.put(PAGE as u32 + 3, None);
        let n_shared = before.pages.iter().zip(&after.pages).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert_eq!((n_shared, before.len(), after.len()), (3, 3 * PAGE + 5, 3 * PAGE + 5));
        assert!(after.get(PAGE as u32 + 3).is_none() && before.get(PAGE as u32 + 3).is_some());
        after.put(PAGE as u32 + 3, Some(switch(7)));
        assert_eq!(after.get(PAGE as u32 + 3).map(|switch| &*switch.id), Some("s7"));
        // What there is not stays away.
        after.put(u32::MAX, Some(switch(8)));
        assert!(after.get(u32::MAX).is_none());
    }
}

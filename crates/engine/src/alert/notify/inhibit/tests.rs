//! Inhibition beside its definition: an alert is held back by another one that it does not reach itself.

use proptest::prelude::*;

use super::*;

/// Whether an alert is one of those whose letters are listed.
fn any_of(letters: &[usize]) -> Matchers {
    let text: String = letters.iter().map(|letter| format!("{letter}|")).collect();
    let matchers = lanner_core::matchers::parse_matchers(&format!("t=~{text}none")).unwrap();
    Matchers::compile(&matchers).unwrap()
}

fn labels((letter, key): (usize, usize)) -> Labels {
    Labels::new([("t", letter.to_string()), ("k", key.to_string())])
}

/// Which alerts hold which back, directly.
fn holds(list: &[Inhibition], source: &Labels, target: &Labels) -> bool {
    list.iter().any(|it| {
        let equal = it.equal.iter().all(|name| source.get(name) == target.get(name));
        equal && it.source.matches(source) && it.target.matches(target)
    })
}

/// Whether `from` holds back `to`, directly or through others that fire.
fn reaches(list: &[Inhibition], firing: &[Labels], from: &Labels, to: &Labels) -> bool {
    let (mut seen, mut open) = (vec![from], vec![from]);
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        for next in firing {
            if holds(list, at, next) && !seen.contains(&next) {
                seen.push(next);
                open.push(next);
            }
        }
    }
    false
}

proptest! {
    #[test]
    fn nobody_is_held_back_by_whom_it_holds_back(
        entries in prop::collection::vec((prop::collection::vec(0..4_usize, 1..3), prop::collection::vec(0..4_usize, 1..3), any::<bool>()), 1..5),
        alerts in prop::collection::btree_set((0..4_usize, 0..2_usize), 1..7),
        ended in prop::collection::vec(any::<bool>(), 8),
    ) {
        let list: Vec<Inhibition> = entries
            .iter()
            .map(|(source, target, equal)| Inhibition {
                source: any_of(source),
                target: any_of(target),
                equal: if *equal { vec!["k".to_owned()] } else { Vec::new() },
            })
            .collect();
        let all: Vec<Labels> = alerts.into_iter().map(labels).collect();
        let mut inhibitions = Inhibitions::new(list.clone(), all.iter());
        let (ended, firing): (Vec<_>, Vec<_>) = all.into_iter().zip(ended).partition(|(_, ended)| *ended);
        for (labels, _) in &ended {
            drop(inhibitions.ends(labels));
        }
        let firing: Vec<Labels> = firing.into_iter().map(|(labels, _)| labels).collect();
        let over: Vec<Labels> = ended.into_iter().map(|(labels, _)| labels).collect();
        for alert in firing.iter().chain(&over) {
            let expected = firing.iter().any(|source| {
                holds(&list, source, alert) && !reaches(&list, &firing, alert, source)
            });
            prop_assert_eq!(inhibitions.cause(alert).is_some(), expected, "{:?} of {:?}", alert, firing);
        }
        prop_assert!(firing.is_empty() || firing.iter().any(|alert| inhibitions.cause(alert).is_none()));
    }
}

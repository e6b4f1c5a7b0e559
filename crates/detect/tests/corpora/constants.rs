//! How much the constants matter: chosen on one half of all series, judged on the other.

use lanner_detect::automatic::Constants;

use super::verdict::judge_all;
use super::{nab, wsd};

/// Every so many series of the web corpus are enough to compare choices.
const EVERY: usize = 5;

#[test]
fn constants_chosen_on_other_series() {
    let (Some(nab), Some(wsd)) = (nab::load(), wsd::load()) else { return };
    let wsd: Vec<_> = wsd.into_iter().step_by(EVERY).collect();
    let mut tried = Vec::new();
    for together in [18, 24, 36] {
        for recent in [200, 300, 600] {
            for power in [2, 3, 4] {
                let constants = Constants { together, recent, power, ..Constants::default() };
                let (on_nab, _) = judge_all(constants, &nab);
                let (on_wsd, _) = judge_all(constants, &wsd);
                // Both in hundreds, so that neither outweighs the other.
                let scores = [0, 1].map(|half| {
                    let quality = wsd::quality(&wsd, &on_wsd, |index| index % 2 == half);
                    let web = 100.0 * quality.n_day as f64 / quality.n_events as f64;
                    (nab::score_of(&nab, &on_nab, |index| index % 2 == half), web)
                });
                tried.push((constants, scores));
            }
        }
    }
    let total = |(nab, web): (f64, f64)| nab + web;
    let worst = tried.iter().map(|(_, [a, b])| f64::midpoint(a.0, b.0)).fold(f64::INFINITY, f64::min);
    println!("the worst of {} choices, mean of both halves of NAB: {worst:.1}", tried.len());
    for (chosen_on, shown_on) in [(0, 1), (1, 0)] {
        let best = tried.iter().max_by(|a, b| total(a.1[chosen_on]).total_cmp(&total(b.1[chosen_on])));
        let (constants, scores) = best.unwrap();
        println!("{constants:?}: {:.1?} where chosen, {:.1?} elsewhere", scores[chosen_on], scores[shown_on]);
        assert!(scores[shown_on].0 > 55.0, "{scores:?}");
    }
    assert!(worst > 55.0, "{worst}");
}

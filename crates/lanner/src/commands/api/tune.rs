//! The search for settings of trees: trials drawn by chance, the same for the same seed.

use lanner_boost::Settings;

use super::chance::Chance;

/// Settings to try, the given ones first. The ranges are those in which boosted trees for sessions are usually searched: 10 to
/// 200 trees, 10 to 31 leaves, 2 to 10 levels, a pull to zero of 0 to 10.
pub(super) fn trials(settings: &Settings, n: usize) -> Vec<Settings> {
    let mut chance = Chance::new(settings.seed);
    let mut trials = vec![settings.clone()];
    trials.extend((1..n.max(1)).map(|_| Settings {
        n_trees: chance.whole(10, 200),
        max_leaves: chance.whole(10, 31),
        max_depth: chance.whole(2, 10),
        l2: chance.share() * 10.0,
        ..settings.clone()
    }));
    trials
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_are_the_same_for_the_same_seed_and_in_their_ranges() {
        let settings = Settings { seed: 7, ..Settings::default() };
        let all = trials(&settings, 200);
        assert_eq!((all.len(), &all[0], &all), (200, &settings, &trials(&settings, 200)));
        assert_ne!(all[1], trials(&Settings { seed: 8, ..settings }, 2)[1]);
        for trial in &all[1..] {
            assert_eq!(trial.problems(), Vec::<String>::new());
            assert!((10..=200).contains(&trial.n_trees) && (10..=31).contains(&trial.max_leaves));
            assert!((2..=10).contains(&trial.max_depth) && (0.0..10.0).contains(&trial.l2));
        }
        assert_eq!(trials(&settings, 0).len(), 1);
    }
}

//! The list of measures.

use super::kind::Kind;
use super::{avg, count, distinct, last, max, min, quantile, rate, sum};

/// Every kind of measure there is.
pub const MEASURES: &[Kind] = &[
    count::KIND,
    sum::KIND,
    avg::KIND,
    min::KIND,
    max::KIND,
    last::KIND,
    quantile::KIND,
    distinct::KIND,
    rate::INCREASE,
    rate::RATE,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::accumulator::Taken;
    use super::super::kind::{Reads, Takes};
    use super::super::steps::Steps;
    use super::*;

    fn nothing(kind: &Kind) -> Steps {
        let name = kind.example.split('(').next().unwrap();
        (kind.read)(name).unwrap().empty
    }

    /// Whole numbers, so that sums are exact in any order, with many equal times.
    fn values() -> impl Strategy<Value = Vec<(i64, i32)>> {
        prop::collection::vec((0_i64..40, -500_i32..500), 1..900)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Every kind: parts that were counted apart, sent as JSON and merged in any order are the whole.
        #[test]
        fn parts_merge_to_the_whole(
            values in values(), owner in prop::collection::vec(0_usize..5, 900), order in Just([0, 1, 2, 3, 4]).prop_shuffle(),
        ) {
            for kind in MEASURES {
                let empty = nothing(kind);
                let mut whole = empty.clone();
                let mut parts = vec![empty.clone(); 5];
                for ((time, value), owner) in values.iter().zip(&owner) {
                    let taken = match kind.of_events {
                        Some(Takes::AnyValue) => Taken::Hash(xxhash_rust::xxh3::xxh3_64(&value.to_le_bytes())),
                        _ => Taken::Number(f64::from(*value)),
                    };
                    // Into several steps, some of which one part has and another has not.
                    whole.add(time / 10, *time, taken);
                    parts[*owner].add(time / 10, *time, taken);
                }
                let mut merged = empty.clone();
                for at in order {
                    let sent = serde_json::to_string(&parts[at]).unwrap();
                    merged.merge(&empty.read(&serde_json::from_str(&sent).unwrap()).unwrap());
                }
                for (from, to) in [(0, 4), (1, 2), (2, 4), (7, 9)] {
                    prop_assert_eq!(merged.value(from, to), whole.value(from, to), "{} {}..{}", kind.name, from, to);
                }
            }
        }

        /// Every kind that reads aggregates of samples: they say of the samples what each by itself would.
        #[test]
        fn aggregates_stand_for_their_samples(values in values(), split in 0_usize..900) {
            let samples: Vec<lanner_core::Sample> =
                values.iter().map(|(time, value)| lanner_core::Sample::new(*time, f64::from(*value))).collect();
            let (left, right) = samples.split_at(split.min(samples.len()));
            for kind in MEASURES.iter().filter(|kind| matches!(kind.of_series, Some(Reads::Aggregates))) {
                let (mut each, mut rolled) = (nothing(kind), nothing(kind));
                samples.iter().for_each(|sample| each.add(0, sample.time_ms, Taken::Number(sample.value)));
                for part in [left, right] {
                    let mut part: Vec<_> = part.to_vec();
                    // As one series has them: in order, and one at a time.
                    part.sort_by(|a, b| a.time_ms.cmp(&b.time_ms).then(a.value.total_cmp(&b.value)));
                    let all = part.into_iter().map(lanner_core::Aggregate::of).reduce(|mut all, more| {
                        all.merge(&more);
                        all
                    });
                    all.iter().for_each(|all| rolled.add_aggregate(0, all));
                }
                prop_assert_eq!(rolled.value(0, 1), each.value(0, 1), "{}", kind.name);
            }
        }
    }

    #[test]
    fn names_and_words_are_in_order() {
        for kind in MEASURES {
            let name = kind.example.split('(').next().unwrap();
            let of_name: Vec<&str> =
                MEASURES.iter().filter(|kind| (kind.read)(name).is_some()).map(|kind| kind.name).collect();
            assert_eq!(of_name, [kind.name], "{name} is one measure");
            assert_eq!((kind.read)(name).unwrap().name, name);
            let has_field = matches!(kind.of_events, Some(Takes::Number | Takes::AnyValue));
            assert_eq!(kind.example.contains('('), has_field, "{name}");
            assert!(kind.of_events.is_some() || kind.of_series.is_some(), "{name} measures something");
            assert!(!kind.only_grows || !kind.counts || kind.value_when_empty == Some(0.0), "{name}");
        }
    }
}

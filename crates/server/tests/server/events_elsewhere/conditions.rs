//! Conditions that can be counted elsewhere, by chance: in SQL, as queries of documents, and in InfluxQL.

use proptest::prelude::*;

use super::payments::{FLOATS, TEXTS, WHOLE};

/// Conditions over the columns of the table, as far as they can be counted elsewhere.
///
/// - `with_truth`: whether the table has truth values
pub(super) fn conditions(with_truth: bool) -> BoxedStrategy<String> {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let text = move || prop::sample::select(TEXTS).prop_map(quoted);
    let texts = prop::sample::select(vec!["bank", "country"]).boxed();
    let wholes = prop::sample::select(vec!["n", "m"]).boxed();
    let floats = prop::sample::select(vec!["ratio", "amount"]).boxed();
    let compared = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]).boxed();
    let found = prop::sample::select(vec!["contains", "startswith", "endswith"]).boxed();
    let is_in = prop::sample::select(vec!["in", "not in"]).boxed();
    let number = prop_oneof![
        prop::sample::select(&WHOLE[..7]).prop_map(|number| number.to_string()),
        prop::sample::select(FLOATS).prop_map(|number| format!("{number:?}")),
    ]
    .boxed();
    let any_field = prop::sample::select(vec!["bank", "n", "ratio", "amount"]).boxed();
    let of_texts = prop_oneof![
        (texts.clone(), compared.clone(), text()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (texts.clone(), found, text()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (texts.clone(), is_in.clone(), text(), text())
            .prop_map(|(a, op, b, c)| format!("{a} {op} ({b}, {c})")),
        (texts.clone(), is_in.clone(), text()).prop_map(|(a, op, b)| format!("{a} {op} ({b}, null)")),
        (texts.clone(), text()).prop_map(|(a, b)| format!("{b} not in {a}")),
        (texts.clone(), compared.clone(), 0..5_i64).prop_map(|(a, op, n)| format!("len({a}) {op} {n}")),
        prop::sample::select(vec!["<", "<=", ">", ">="]).prop_map(|op| format!("bank {op} val(country)")),
        texts.prop_map(|a| format!("{a} contains val(bank)")),
    ];
    let of_numbers = prop_oneof![
        (wholes.clone(), compared.clone(), number.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (wholes, is_in, number.clone()).prop_map(|(a, op, b)| format!("{a} {op} ({b}, 9007199254740993)")),
        compared.clone().prop_map(|op| format!("n {op} val(m)")),
        (floats, compared, number).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
    ];
    let of_any = prop_oneof![
        any_field.clone().prop_map(|a| format!("{a} == null")),
        any_field.clone().prop_map(|a| format!("{a} != null")),
        any_field.clone().prop_map(str::to_owned),
        any_field.prop_map(|a| format!("{a} exists")),
    ];
    let of_truth =
        prop::sample::select(vec!["ok", "ok == true", "ok != true", "ok == null", "ok in (false, null)"]);
    let atom = if with_truth {
        prop_oneof![4 => of_texts, 3 => of_numbers, 1 => of_any, 1 => of_truth.prop_map(str::to_owned)]
            .boxed()
    } else {
        prop_oneof![4 => of_texts, 3 => of_numbers, 1 => of_any].boxed()
    };
    atom.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) or ({b})")),
        ]
    })
    .boxed()
}

/// Some of these, joined and turned round.
fn joined(atom: BoxedStrategy<String>, with_not: bool) -> BoxedStrategy<String> {
    let joined = atom.prop_recursive(3, 8, 2, move |inner| {
        let both = (inner.clone(), inner.clone());
        let two = prop_oneof![
            both.clone().prop_map(|(a, b)| format!("({a}) and ({b})")),
            both.prop_map(|(a, b)| format!("({a}) or ({b})")),
        ];
        if with_not {
            prop_oneof![inner.prop_map(|a| format!("not ({a})")), two.clone(), two].boxed()
        } else {
            two.boxed()
        }
    });
    joined.boxed()
}

fn text() -> BoxedStrategy<String> {
    prop::sample::select(TEXTS).prop_map(|text| serde_json::to_string(text).unwrap()).boxed()
}

fn number() -> BoxedStrategy<String> {
    let whole = prop::sample::select(&WHOLE[..7]).prop_map(|number| number.to_string());
    prop_oneof![whole, prop::sample::select(FLOATS).prop_map(|number| format!("{number:?}"))].boxed()
}

/// Tests of texts for equality and for parts, of fields with these names.
fn of_texts(names: &'static [&'static str]) -> BoxedStrategy<String> {
    let name = || prop::sample::select(names);
    let found = prop::sample::select(vec!["contains", "startswith", "endswith"]);
    prop_oneof![
        (name(), prop::sample::select(vec!["==", "!="]), text())
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (name(), found, text()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (name(), prop::sample::select(vec!["in", "not in"]), text(), text())
            .prop_map(|(a, op, b, c)| format!("{a} {op} ({b}, {c})")),
        (name(), text()).prop_map(|(a, b)| format!("{b} not in {a}")),
        name().prop_map(|a| format!("{a} exists")),
        name().prop_map(str::to_owned),
    ]
    .boxed()
}

/// Tests of numbers, of fields with these names.
fn of_numbers(names: &'static [&'static str]) -> BoxedStrategy<String> {
    let name = || prop::sample::select(names);
    let compared = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    prop_oneof![
        3 => (name(), compared, number()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        1 => (name(), prop::sample::select(vec!["in", "not in"]), number())
            .prop_map(|(a, op, b)| format!("{a} {op} ({b}, 5)")),
        1 => name().prop_map(|a| format!("{a} exists")),
        1 => name().prop_map(str::to_owned),
    ]
    .boxed()
}

/// Conditions over the fields of documents.
pub(super) fn of_documents() -> BoxedStrategy<String> {
    let ordered = prop::sample::select(vec!["<", "<=", ">", ">="]);
    let ordered = (prop::sample::select(vec!["bank", "country"]), ordered, text());
    let ok = vec!["ok", "ok == true", "ok != true", "ok == false", "ok in (true, false)", "ok exists"];
    let atom = prop_oneof![
        4 => of_texts(&["bank", "country"]),
        1 => ordered.prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        4 => of_numbers(&["n", "m", "ratio", "amount"]),
        1 => prop::sample::select(vec!["n", "m"]).prop_map(|a| format!("{a} in (2, 9007199254740993)")),
        1 => prop::sample::select(ok).prop_map(str::to_owned),
    ];
    joined(atom.boxed(), true)
}

/// Conditions over the tags and fields of points. The opposite of a test can be asked of tags, and of the field that each has.
pub(super) fn of_points() -> BoxedStrategy<String> {
    let of_all = prop_oneof![3 => of_texts(&["bank"]), 2 => of_numbers(&["each"])];
    let of_some = prop_oneof![
        2 => of_texts(&["country"]),
        3 => of_numbers(&["n", "m", "ratio", "amount"]),
        1 => prop::sample::select(vec!["n", "m"]).prop_map(|a| format!("{a} in (2, 9007199254740993)")),
        1 => prop::sample::select(vec!["ok", "ok == true"]).prop_map(str::to_owned),
    ];
    joined(prop_oneof![joined(of_all.boxed(), true), of_some].boxed(), false)
}

//! Recorded tensors of the reference in PyTorch, and finite differences.
#![expect(clippy::disallowed_methods, reason = "recorded tensors lie beside the checkout")]

use std::collections::BTreeMap;

use safetensors::SafeTensors;

use super::loss::{self, Batch};
use super::network::Network;
use super::shape::{Layers, Shape};
use crate::net::Adam;
use crate::random::Random;

const CASES: [&str; 7] =
    ["gatv2", "gat", "gatv2-embed", "gat-embed", "gatv2-1out", "gatv2-k3-2layer", "gatv2-adbox"];

/// How far a number may be off, absolutely.
const TOLERANCE: f32 = 1e-4;

type Tensors = BTreeMap<String, Vec<f32>>;

fn tensors(bytes: &[u8]) -> Tensors {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let numbers =
        |bytes: &[u8]| bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    file.iter().map(|(name, tensor)| (name.to_owned(), numbers(tensor.data()))).collect()
}

struct Case {
    network: Network,
    params: Vec<f32>,
    batch: Batch,
    tensors: Tensors,
    train: Tensors,
    losses: (f64, f64),
}

impl Case {
    fn read(name: &str) -> Option<Self> {
        let folder = lanner_testkit::shared_data("mtad-gat-golden")?;
        let read =
            |what: &str| tensors(&std::fs::read(folder.join(format!("{name}.{what}.safetensors"))).unwrap());
        let manifest: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        let case = manifest["cases"].as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
        let network = Network::new(shape(&case["config"]));
        let (weights, tensors, train) = (read("weights"), read("tensors"), read("train"));
        let params = network.layout.gather(|name, _| weights.get(name).map(Vec::as_slice).ok_or(()));
        let params = params.unwrap();
        assert_eq!(weights.len(), network.layout.entries.len(), "{name}");
        let batch = Batch { windows: tensors["input"].clone(), next: tensors["next"].clone() };
        let losses = (case["forecast_loss"].as_f64().unwrap(), case["recon_loss"].as_f64().unwrap());
        Some(Self { network, params, batch, tensors, train, losses })
    }
}

fn shape(config: &serde_json::Value) -> Shape {
    let number = |name: &str| usize::try_from(config[name].as_u64().unwrap()).unwrap();
    let given = |name: &str| config[name].as_u64().map(|n| usize::try_from(n).unwrap());
    let layers = |n: &str, width: &str| Layers { n: number(n), width: number(width) };
    Shape {
        n_outputs: number("out_dim"),
        kernel: number("kernel_size"),
        is_v2: config["use_gatv2"].as_bool().unwrap(),
        feature_embed: given("feat_gat_embed_dim"),
        time_embed: given("time_gat_embed_dim"),
        gru: layers("gru_n_layers", "gru_hid_dim"),
        forecast: layers("forecast_n_layers", "forecast_hid_dim"),
        decoder: layers("recon_n_layers", "recon_hid_dim"),
        ..Shape::new(number("n_features"), number("window_size"))
    }
}

#[track_caller]
fn assert_close(case: &str, what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{case}: {what}");
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= TOLERANCE, "{case}: {what} is off by {worst}");
}

/// Rows by step, then window, as rows by window, then step.
fn by_window(rows: &[f32], n_steps: usize, n_windows: usize) -> Vec<f32> {
    let len = rows.len() / (n_steps * n_windows);
    let row = |at: usize| &rows[at * len..(at + 1) * len];
    (0..n_windows)
        .flat_map(|window| (0..n_steps).flat_map(move |step| row(step * n_windows + window).to_vec()))
        .collect()
}

#[test]
fn forward_is_the_reference() {
    for name in CASES {
        let Some(case) = Case::read(name) else { return };
        let n = case.network.shape.window;
        let trace = case.network.forward(&case.params, &case.batch.windows, None);
        let n_windows = case.batch.windows.len() / (n * case.network.shape.n_features);
        let check = |what: &str, found: &[f32]| assert_close(name, what, found, &case.tensors[what]);
        check("conv", &trace.convolved);
        check("feature_attention", &trace.features.shares);
        check("temporal_attention", &trace.steps.shares);
        check("h_temp", &trace.steps.nodes);
        check("h_cat", &by_window(&trace.joined, n, n_windows));
        check("forecast", &trace.forecast);
        check("reconstruction", &by_window(&trace.reconstruction, n, n_windows));
    }
}

#[test]
fn loss_gradients_and_one_step_are_the_reference() {
    for name in CASES {
        let Some(case) = Case::read(name) else { return };
        let (loss, grads) = loss::learn(&case.network, &case.params, &case.batch, None);
        assert!((loss.forecast - case.losses.0).abs() < 1e-4, "{name}: {loss:?}");
        assert!((loss.reconstruction - case.losses.1).abs() < 1e-4, "{name}: {loss:?}");
        let mut stepped = case.params.clone();
        Adam::new(stepped.len(), 1e-3).step(&mut stepped, &grads);
        for entry in &case.network.layout.entries {
            let check = |kind: &str, found: &[f32]| {
                let what = format!("{kind}.{}", entry.name);
                assert_close(name, &what, entry.slot.of(found), &case.train[&what]);
            };
            check("grad", &grads);
            check("adam1", &stepped);
        }
    }
}

/// Also without recorded data: each gradient is the slope of the loss.
#[test]
fn gradients_are_slopes() {
    for (is_v2, layers) in [(true, 1), (false, 2)] {
        let wide = |width| Layers { n: layers, width };
        let shape = Shape {
            is_v2,
            kernel: 3,
            n_outputs: 2,
            gru: wide(5),
            forecast: wide(4),
            decoder: wide(6),
            ..Shape::new(3, 7)
        };
        let network = Network::new(shape);
        let mut random = Random::new(9);
        let params: Vec<f32> =
            network.layout.initial(&mut random).iter().map(|p| p + 0.1 * (random.unit() - 0.5)).collect();
        let mut numbers = |n: usize| (0..n).map(|_| random.unit()).collect();
        let batch = Batch { windows: numbers(70 * 21), next: numbers(70 * 3) };
        // With numbers left out: the same seed leaves out the same.
        for seed in [None, Some(4)] {
            let total = |params: &[f32]| loss::learn(&network, params, &batch, seed).0.total();
            let (_, grads) = loss::learn(&network, &params, &batch, seed);
            let mut n_off = 0;
            for entry in &network.layout.entries {
                let mut direction = vec![0.0; params.len()];
                entry.slot.of_mut(&mut direction).iter_mut().for_each(|value| *value = random.unit() - 0.5);
                let moved =
                    |by: f32| params.iter().zip(&direction).map(|(p, d)| p + by * d).collect::<Vec<f32>>();
                let slope = (total(&moved(2e-3)) - total(&moved(-2e-3))) / 4e-3;
                let expected: f64 =
                    grads.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
                let is_off = (slope - expected).abs() > 2e-4 + 0.02 * expected.abs();
                if is_off {
                    eprintln!("{} {slope} {expected}", entry.name);
                }
                n_off += usize::from(is_off);
            }
            // Curves have corners; a step over one is no slope.
            assert!(n_off <= 1, "{n_off} gradients are off ({is_v2}, {seed:?})");
        }
    }
}

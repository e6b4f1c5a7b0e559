//! Weights of a network that was trained elsewhere.

use safetensors::{Dtype, SafeTensors};

use crate::net::Layout;
use crate::store::{Damage, Tensors, from_le};

/// Weights by name, as the reference of MTAD-GAT has them in PyTorch: a training may begin with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    tensors: Tensors,
}

impl Weights {
    /// Reads a safetensors file of numbers of 32 bits. Time and memory are linear in it.
    ///
    /// # Errors
    /// If it is none, or holds what is no number.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let content = |what: String| Damage::Content { what };
        let file = SafeTensors::deserialize(bytes)
            .map_err(|error| content(format!("it is no safetensors file ({error})")))?;
        let mut tensors = Tensors::new();
        for (name, tensor) in file.iter() {
            let values = if tensor.dtype() == Dtype::F32 { from_le(tensor.data()) } else { vec![f32::NAN] };
            if !values.iter().all(|value| value.is_finite()) {
                return Err(content(format!("{name} holds what is no number of 32 bits")));
            }
            tensors.insert(name.to_owned(), (tensor.shape().to_vec(), values));
        }
        Ok(Self { tensors })
    }

    /// The parameters of a network.
    ///
    /// # Errors
    /// A sentence that names the first weight that is missing, of another shape, or of no use.
    pub(crate) fn of(&self, layout: &Layout) -> Result<Vec<f32>, String> {
        let params = layout.gather(|name, shape| match self.tensors.get(name) {
            Some((found, values)) if found == shape => Ok(values),
            Some((found, _)) => Err(format!("{name} has the shape {found:?}, and {shape:?} is needed")),
            None => Err(format!("{name} is missing")),
        });
        let is_used = |name: &str| layout.named(&[]).any(|(used, ..)| used == name);
        match self.tensors.keys().find(|name| !is_used(name)) {
            Some(name) if params.is_ok() => Err(format!("{name} is no part of this network")),
            _ => params,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Detector, Frame, Kind, Training};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "recorded weights lie beside the checkout")]
    fn weights_of_the_reference_are_what_a_training_begins_with() {
        let Some(folder) = lanner_testkit::shared_data("mtad-gat-golden") else { return };
        let bytes = std::fs::read(folder.join("gatv2-adbox.weights.safetensors")).unwrap();
        let weights = Some(Weights::from_bytes(&bytes).unwrap());
        let columns = ["a", "b", "c"].map(str::to_owned).to_vec();
        let mut random = crate::random::Random::new(2);
        let rows = Frame::new(columns, (0..900).map(|_| random.unit()).collect()).unwrap();
        let kind = Kind::named("mtad-gat").unwrap();
        let training = Training { kind, window: Some(6), n_epochs: 0, weights, ..Training::default() };
        let detector = Detector::train(&rows, &training, &mut |_| ()).unwrap().to_bytes();
        let (kept, given) =
            (SafeTensors::deserialize(&detector).unwrap(), SafeTensors::deserialize(&bytes).unwrap());
        for (name, tensor) in given.iter() {
            let kept = kept.iter().find(|(kept, _)| kept.ends_with(name)).unwrap().1;
            assert!(kept.shape() == tensor.shape() && kept.data() == tensor.data(), "{name}");
        }
        let scored = Detector::from_bytes(&detector).unwrap().scores(&rows).unwrap();
        assert!(scored.iter().skip(6).all(|score| score.is_finite() && *score > 0.0));

        let refused = |training: Training, part: &str| {
            let error = Detector::train(&rows, &training, &mut |_| ()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        let other_window = Training { window: Some(7), ..training.clone() };
        refused(
            other_window,
            "a network of 3 columns and 7 rows: feature_gat.a has the shape [12, 1], and [14, 1] is needed",
        );
        refused(Training { kind: Kind::named("ensemble").unwrap(), ..training.clone() }, "mtad-gat has");
        refused(Training { weights: None, ..training }, "0 epochs should be from 1 to 1000");
        assert!(Weights::from_bytes(b"PK").unwrap_err().to_string().contains("no safetensors file"));
    }
}

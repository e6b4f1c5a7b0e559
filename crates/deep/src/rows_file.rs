//! Rows of a stretch of time as a file, for a training that may be interrupted: the documents that they came from may be gone, or more.

use serde::{Deserialize, Serialize};

use crate::aggregate::Units;
use crate::frame::Frame;
use crate::store::{Damage, ROWS, Store};

#[derive(Debug, Serialize, Deserialize)]
struct About {
    start_ms: i64,
    columns: Vec<String>,
}

impl Units {
    /// The bytes of their file; the same rows give the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let shape = [self.frame.n_rows(), self.frame.n_columns()];
        let values = self.frame.values();
        let is_known = |value: &f32| !value.is_nan();
        let mut store = Store::default();
        let mut part = store.writer("rows");
        // A file holds numbers only, so gaps lie beside them.
        let numbers: Vec<f32> =
            values.iter().map(|value| if is_known(value) { *value } else { 0.0 }).collect();
        let known: Vec<f32> = values.iter().map(|value| f32::from(u8::from(is_known(value)))).collect();
        part.put("values", &shape, &numbers);
        part.put("known", &shape, &known);
        let about = About { start_ms: self.start_ms, columns: self.frame.columns().to_vec() };
        store.to_bytes(ROWS, &about)
    }

    /// Reads what [`Units::to_bytes`] wrote.
    ///
    /// # Errors
    /// The bytes are damaged, of another version, or something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let (about, store): (About, Store) = Store::from_bytes(ROWS, bytes)?;
        let part = store.part("rows");
        let ((shape, numbers), (_, known)) = (part.get("values")?, part.get("known")?);
        if shape.get(1) != Some(&about.columns.len()) || known.len() != numbers.len() {
            return Err(part.misshapen("values"));
        }
        let values =
            numbers.iter().zip(known).map(|(value, known)| if *known > 0.0 { *value } else { f32::NAN });
        let frame = Frame::new(about.columns, values.collect());
        let frame = frame.map_err(|error| Damage::Content { what: error.to_string() })?;
        Ok(Self { start_ms: about.start_ms, frame })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_with_their_gaps() {
        let columns = vec!["cpu".to_owned(), "memory".to_owned()];
        let frame = Frame::new(columns, vec![0.1, f32::NAN, -0.0, 1e-40, f32::MAX, f32::NAN]).unwrap();
        let units = Units { start_ms: -60_000, frame };
        let bytes = units.to_bytes();
        let back = Units::from_bytes(&bytes).unwrap();
        assert_eq!((back.start_ms, back.frame.columns()), (units.start_ms, units.frame.columns()));
        let bits =
            |units: &Units| -> Vec<u32> { units.frame.values().iter().map(|one| one.to_bits()).collect() };
        assert_eq!(bits(&back), bits(&units));
        assert_eq!(back.to_bytes(), bytes);
        let mut damaged = bytes.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(matches!(Units::from_bytes(&damaged), Err(Damage::Checksum)));
        assert!(Units::from_bytes(&bytes[..bytes.len() / 2]).is_err());
        assert!(matches!(Units::from_bytes(b"rows"), Err(Damage::Other)));
    }
}

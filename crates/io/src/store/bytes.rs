//! Little-endian numbers, variable-length integers and checksums: the parts of every stored format.
//!
//! Reading never panics and never allocates more than the input could hold.

use super::StoreError;

/// Appends `number`, 7 bits a byte, least first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number so that small magnitudes are short.
pub(super) fn put_zigzag(out: &mut Vec<u8>, number: i64) {
    put_varint(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends `bytes` after their length.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends the XXH3 of everything before it.
pub(super) fn seal(out: &mut Vec<u8>) {
    let sum = xxhash_rust::xxh3::xxh3_64(out) as u32;
    out.extend_from_slice(&sum.to_le_bytes());
}

/// The content before the checksum, if the checksum is right.
pub(super) fn unseal<'a>(bytes: &'a [u8], what: &str) -> Result<&'a [u8], StoreError> {
    let wrong = || StoreError::corrupt(format!("the checksum of {what} is wrong"));
    let (content, sum) = bytes.split_last_chunk::<4>().ok_or_else(wrong)?;
    if xxhash_rust::xxh3::xxh3_64(content) as u32 == u32::from_le_bytes(*sum) {
        Ok(content)
    } else {
        Err(wrong())
    }
}

/// Reads from the front of a slice.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(super) fn wrong(&self) -> StoreError {
        StoreError::corrupt(format!("{} has an impossible content", self.what))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(|| self.wrong())?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or_else(|| self.wrong())?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, StoreError> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn varint(&mut self) -> Result<u64, StoreError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.wrong())
    }

    pub(super) fn zigzag(&mut self) -> Result<i64, StoreError> {
        let number = self.varint()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A number of items of which each takes at least `min_bytes` of what is left.
    pub(super) fn count(&mut self, min_bytes: usize) -> Result<usize, StoreError> {
        let count = usize::try_from(self.varint()?).map_err(|_| self.wrong())?;
        match count.checked_mul(min_bytes) {
            Some(bytes) if bytes <= self.rest.len() => Ok(count),
            _ => Err(self.wrong()),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], StoreError> {
        let n = self.count(1)?;
        self.take(n)
    }

    /// `n` items of `N` bytes each.
    pub(super) fn chunks<const N: usize>(&mut self, n: usize) -> Result<&'a [[u8; N]], StoreError> {
        let bytes = self.take(n.checked_mul(N).ok_or_else(|| self.wrong())?)?;
        Ok(bytes.as_chunks::<N>().0)
    }
}

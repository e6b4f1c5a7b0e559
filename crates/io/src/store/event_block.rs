//! The compressed form of a time range of one stream: events in order of time, JSON kept byte for byte.

use ::bytes::Bytes;

use super::StoreError;
use super::bytes::{self, Reader};
use super::head::HeldEvent;

/// Blocks are made about this large before compression; a single event may be larger.
pub(super) const PLAIN_BYTES: usize = 1 << 20;

const WHAT: &str = "a block of events";
/// Compressors of higher levels are left out of the build (`.cargo/config.toml`): a higher one would change nothing.
const LEVEL: i32 = 3;

/// Bytes that one event takes before compression, nearly.
pub(super) fn plain_size(event: &HeldEvent) -> usize {
    event.1.len() + 4
}

/// Compresses events in order of time. Returns the block and its size before compression.
pub(super) fn encode(events: &[HeldEvent]) -> Result<(Vec<u8>, usize), StoreError> {
    let mut plain = Vec::with_capacity(events.iter().map(plain_size).sum::<usize>() + 16);
    let mut before_ms = 0;
    bytes::put_varint(&mut plain, events.len() as u64);
    for (time_ms, json) in events {
        bytes::put_zigzag(&mut plain, time_ms - before_ms);
        bytes::put_varint(&mut plain, json.len() as u64);
        before_ms = *time_ms;
    }
    // The texts beside each other compress better than with numbers between them.
    for (_, json) in events {
        plain.extend_from_slice(json);
    }
    let mut block = zstd::bulk::compress(&plain, LEVEL)
        .map_err(|error| StoreError::Database { detail: format!("compressing events: {error}") })?;
    bytes::seal(&mut block);
    Ok((block, plain.len()))
}

/// Reads what [`encode`] wrote; `plain_bytes` bounds the memory.
pub(super) fn decode(block: &[u8], plain_bytes: usize) -> Result<Vec<HeldEvent>, StoreError> {
    let plain = zstd::bulk::decompress(bytes::unseal(block, WHAT)?, plain_bytes)
        .map_err(|error| StoreError::corrupt(format!("{WHAT}: {error}")))?;
    let plain = Bytes::from(plain);
    let mut reader = Reader::new(&plain, WHAT);
    let n = reader.count(2)?;
    let mut sizes = Vec::with_capacity(n);
    let mut time_ms = 0_i64;
    for _ in 0..n {
        time_ms = time_ms.wrapping_add(reader.zigzag()?);
        sizes.push((time_ms, usize::try_from(reader.varint()?).map_err(|_| reader.wrong())?));
    }
    let mut events = Vec::with_capacity(n);
    for (time_ms, size) in sizes {
        events.push((time_ms, plain.slice_ref(reader.take(size)?)));
    }
    if reader.is_empty() { Ok(events) } else { Err(reader.wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_round_trip(
            events in proptest::collection::vec(
                (0..9_999_999_i64, proptest::collection::vec(any::<u8>(), 0..50)), 0..50)
        ) {
            let events: Vec<HeldEvent> =
                events.into_iter().map(|(time_ms, json)| (time_ms, json.into())).collect();
            let (block, plain_bytes) = encode(&events).unwrap();
            prop_assert_eq!(decode(&block, plain_bytes).unwrap(), events);
        }

        #[test]
        fn any_content_under_a_right_checksum_is_read_or_refused(
            plain in proptest::collection::vec(any::<u8>(), 0..80),
            packed: bool,
        ) {
            let mut block = if packed { zstd::bulk::compress(&plain, 1).unwrap() } else { plain };
            bytes::seal(&mut block);
            let _ = decode(&block, 1_000);
        }
    }
}

//! `MurmurHash3_x86_32` with the seed 0: the hash by which flagd and others choose shares of users.
//!
//! Source: Austin Appleby's public domain reference implementation.

const C1: u32 = 0xcc9e_2d51;
const C2: u32 = 0x1b87_3593;

/// The hash of `bytes`. Cost: linear in their number.
pub(crate) fn murmur3(bytes: &[u8]) -> u32 {
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = blocks.iter().fold(0_u32, |hash, block| {
        let mixed = hash ^ scrambled(u32::from_le_bytes(*block));
        mixed.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    let last = tail.iter().rev().fold(0_u32, |last, byte| last << 8 | u32::from(*byte));
    hash ^= scrambled(last) ^ bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

const fn scrambled(word: u32) -> u32 {
    word.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2)
}

#[cfg(test)]
mod tests {
    use super::murmur3;

    /// The hashes are those of Go's twmb/murmur3, which flagd uses, and of Python's mmh3.
    #[test]
    fn known_hashes() {
        #[track_caller]
        fn check(text: &str, hash: u32) {
            assert_eq!(murmur3(text.as_bytes()), hash, "{text}");
        }
        check("", 0);
        check("a", 1_009_084_850);
        check("ab", 2_613_040_991);
        check("abc", 3_017_643_002);
        check("abcd", 1_139_631_978);
        check("abcde", 3_902_511_862);
        check("hello, world", 345_750_399);
        check("Grüße aus Köln", 4_168_899_264);
        check("flagjon@company.com", 251_014_967);
        check(&"x".repeat(1_000), 1_897_939_982);
        // Texts at the borders of shares, from flagd's own scenarios.
        check("ejOoVL", 0);
        check("bY9fO-", 1);
        check("SI7p-", 0x7fff_ffff);
        check("6LvT0", 0x8000_0000);
        check("ceQdGm", u32::MAX);
    }
}

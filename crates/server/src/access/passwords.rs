//! Passwords as they are stored: hashes that are slow to try out (Argon2id).
//!
//! Source: A. Biryukov et al., "Argon2 memory-hard function for password hashing and proof-of-work applications", RFC 9106; costs as
//! the OWASP Password Storage Cheat Sheet of 2025 has them.

use argon2::{Algorithm, Argon2, Params, Version};
use lanner_core::content;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

/// What trying one password costs.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// No stored hash may cost more than this, whoever wrote it.
const MAX_MEMORY_KIB: u32 = 1 << 20;
const MAX_PASSES: u32 = 16;

/// Characters of a password.
const SHORTEST: usize = 12;
const LONGEST: usize = 256;

/// What made passwords are made of: nothing that is read as something else.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A password's hash, with what it needs to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hashed {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    /// Both in hexadecimal digits.
    salt: String,
    argon2id: String,
}

impl Hashed {
    /// The hash of a password under a salt of its own. Cost: some tens of milliseconds and 19 MiB.
    ///
    /// # Errors
    /// When the operating system gives no random bytes, or there is no memory.
    pub(super) fn new(password: &str) -> Result<Self, String> {
        let salt = content::hex(&random_bytes::<16>()?);
        let empty =
            Self { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt, argon2id: String::new() };
        let hash = empty.compute(password).ok_or("there is no memory to hash a password")?;
        Ok(Self { argon2id: content::hex(&hash), ..empty })
    }

    /// A hash that no password has, and that takes as long to find that out as any other.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(super) fn of_nobody() -> Result<Self, String> {
        let (salt, argon2id) = (content::hex(&random_bytes::<16>()?), content::hex(&random_bytes::<32>()?));
        Ok(Self { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt, argon2id })
    }

    /// Whether a password is the one that was hashed. Cost: as that of hashing it.
    pub(super) fn is(&self, password: &str) -> bool {
        let (Some(hash), Some(stored)) = (self.compute(password), content::unhex(&self.argon2id)) else {
            return false;
        };
        // Hashes of both: how long their comparison takes tells nothing.
        content::digest(&hash) == content::digest(&stored)
    }

    /// What changes with the password, and tells nothing of it.
    pub(super) fn stamp(&self, name: &str) -> [u8; 32] {
        content::digest(format!("user\n{name}\n{}\n{}", self.salt, self.argon2id).as_bytes())
    }

    fn compute(&self, password: &str) -> Option<[u8; 32]> {
        if self.memory_kib > MAX_MEMORY_KIB || self.passes > MAX_PASSES {
            return None;
        }
        let mut hash = [0; 32];
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(hash.len())).ok()?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(password.as_bytes(), &content::unhex(&self.salt)?, &mut hash).ok()?;
        Some(hash)
    }
}

/// Refuses a password that is tried out too soon.
///
/// # Errors
/// A sentence that says what to write instead.
pub(super) fn check(password: &str, name: &str) -> Result<(), String> {
    let n = password.chars().count();
    if n < SHORTEST {
        return Err(format!("has {n} characters; write at least {SHORTEST}, for example four words"));
    }
    if n > LONGEST {
        return Err(format!("has {n} characters; at most {LONGEST} are taken"));
    }
    let is_one_letter = password.chars().all(|c| password.starts_with(c));
    if is_one_letter || password.to_lowercase().contains(&name.to_lowercase()) && n < SHORTEST + name.len() {
        return Err("is too easy to guess; write for example four words".to_owned());
    }
    Ok(())
}

/// A password of 100 random bits.
///
/// # Errors
/// When the operating system gives no random bytes.
pub(super) fn made() -> Result<String, String> {
    let bytes = random_bytes::<20>()?;
    // 256 is a multiple of the letters, so none comes more often than another.
    let letters = bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
    Ok(letters.collect())
}

fn random_bytes<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the operating system gives no random bytes")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by argon2-cffi, which wraps the reference implementation, with the costs above.
    const KNOWN: &str = "fc77ad242e8b678967c202c1fb02524b66bd6c5bb62aae07c70356ce826adaa5";

    #[test]
    fn hashes_are_those_of_the_reference_implementation() {
        let salt = content::hex(b"somesaltsomesalt");
        let known = Hashed { memory_kib: 19_456, passes: 2, lanes: 1, salt, argon2id: KNOWN.to_owned() };
        assert!(known.is("correct horse battery") && !known.is("correct horse batterx"));
        let damaged = Hashed { memory_kib: u32::MAX, ..known };
        assert!(!damaged.is("correct horse battery"));
    }

    #[test]
    fn a_password_is_known_again_and_no_hash_is_like_another() {
        let (one, other) = (Hashed::new("correct horse").unwrap(), Hashed::new("correct horse").unwrap());
        assert!(one.is("correct horse") && other.is("correct horse") && !one.is("correct horse "));
        assert_ne!(one, other);
        assert_ne!(one.stamp("ann"), other.stamp("ann"));
        assert_ne!(one.stamp("ann"), one.stamp("bob"));
        let read: Hashed = serde_json::from_value(serde_json::to_value(&one).unwrap()).unwrap();
        assert_eq!(read, one);
    }

    #[test]
    fn passwords_that_are_guessed_at_once_are_refused() {
        for (password, says) in [
            ("", "at least 12"),
            ("elevenchars", "has 11 characters"),
            ("aaaaaaaaaaaaaaa", "easy to guess"),
            ("Annemarie2026", "easy to guess"),
            (&"long ".repeat(60), "at most 256"),
        ] {
            assert!(check(password, "annemarie").unwrap_err().contains(says), "{password}");
        }
        for password in ["correct horse battery", "пароль-из-слов", "annemarie likes long walks"]
        {
            assert_eq!(check(password, "annemarie"), Ok(()), "{password}");
        }
        let made = made().unwrap();
        assert_eq!((made.len(), check(&made, "ann")), (20, Ok(())));
    }
}

//! Command lines without what changes from run to run: numbers, hashes, dates, random names.
//!
//! `cp data.csv /var/lib/app/rel_42.csv` and the same with `rel_43.csv` are one behaviour. What varies is recognised by its form,
//! without a dictionary and without learning, so a template never changes:
//!
//! | written | becomes |
//! | --- | --- |
//! | `8080`, `2026-11-29`, `10.0.0.7` | `#` |
//! | `python3`, `rel_42` | `python#`, `rel_#` |
//! | `9f86d081884c`, a UUID, `Zq3xK9vT`, `tmpXkQwPz` | `*` |
//! | the same argument several times in a row, once masked | one of them |

/// The bytes of a text that are looked at; a template of a longer one ends with `…`.
pub(crate) const MAX_TEXT_BYTES: usize = 4_096;

/// Shorter words are too short to look random.
const MIN_RANDOM: usize = 6;

/// What stands between the parts of a date, an address or a version.
const JOINTS: &[u8] = b".:-_,";

/// Appends the template of `text`. Cost: linear in its length; allocates only to make `out` longer.
pub(crate) fn mask(text: &str, out: &mut Vec<u8>) {
    let shown = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
    // Where the argument before begins and ends.
    let mut before: Option<(usize, usize)> = None;
    for argument in shown.as_bytes().split(|byte| *byte == b' ') {
        let space = out.len();
        if before.is_some() {
            out.push(b' ');
        }
        let start = out.len();
        mask_argument(argument, out);
        match before {
            Some((from, to)) if out[from..to] == out[start..] => out.truncate(space),
            _ => before = Some((start, out.len())),
        }
    }
    if shown.len() < text.len() {
        out.extend("…".as_bytes());
    }
}

fn mask_argument(argument: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut at = 0;
    while at < argument.len() {
        let rest = &argument[at..];
        if !rest[0].is_ascii_alphanumeric() {
            out.push(rest[0]);
            at += 1;
        } else if is_uuid(rest) {
            push_mask(b'*', start, out);
            at += UUID_BYTES;
        } else {
            let word = &rest[..rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()];
            mask_word(word, start, out);
            at += word.len();
        }
    }
}

/// Appends one word of letters and digits; `start` is where its argument begins.
fn mask_word(word: &[u8], start: usize, out: &mut Vec<u8>) {
    // Most words, which nothing below says anything of.
    if word.iter().all(u8::is_ascii_lowercase) {
        out.extend(word);
    } else if word.iter().all(u8::is_ascii_digit) {
        push_mask(b'#', start, out);
    } else if is_random(word) {
        push_mask(b'*', start, out);
    } else {
        for part in word.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
            if part[0].is_ascii_digit() { out.push(b'#') } else { out.extend(part) }
        }
    }
}

/// Appends a mask, or lets it melt into one before it: `#.#` is `#`.
fn push_mask(mask: u8, start: usize, out: &mut Vec<u8>) {
    match out[start..] {
        [.., before @ (b'#' | b'*'), joint] if JOINTS.contains(&joint) => {
            let both = if before == b'*' { before } else { mask };
            out.truncate(out.len() - 2);
            out.push(both);
        }
        _ => out.push(mask),
    }
}

const UUID_BYTES: usize = 36;

fn is_uuid(text: &[u8]) -> bool {
    let is_in_form = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    let ends = text.get(UUID_BYTES).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    ends && text.get(..UUID_BYTES).is_some_and(|text| text.iter().enumerate().all(is_in_form))
}

/// Whether a word of letters and digits looks like one that a program drew.
fn is_random(word: &[u8]) -> bool {
    if word.len() < MIN_RANDOM {
        return false;
    }
    let n_changes =
        word.windows(2).filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit()).count();
    let is_hash = word.len() >= 8 && n_changes > 0 && word.iter().all(u8::is_ascii_hexdigit);
    is_hash
        || n_changes > 2
        || (n_changes == 2 && word.len() >= 8)
        || (n_changes == 0 && !is_in_words(word))
        || has_odd_case(word, n_changes)
}

/// Letters beside digits whose own case is odd: `aGEUKi7I`.
fn has_odd_case(word: &[u8], n_changes: usize) -> bool {
    let mut parts = word.split(u8::is_ascii_digit).filter(|part| !part.is_empty());
    n_changes > 0 && parts.any(|part| part.len() >= 3 && !is_in_words(part))
}

/// Whether letters change between upper and lower case as people write: `word`, `WORD`, `camelCase`, `HTMLParser`, `getURL`.
fn is_in_words(letters: &[u8]) -> bool {
    let n_runs = runs(letters).count();
    if has_short_hump(letters) || !is_pronounced(letters, n_runs) {
        return false;
    }
    // One case, or one change of case.
    if n_runs <= 2 {
        return true;
    }
    // Else capital letters stand alone, each before a word of its own; an abbreviation may come first.
    let is_capital = |(at, run): (usize, &[u8])| !run[0].is_ascii_uppercase() || at == 0 || run.len() == 1;
    let ends_in_word = runs(letters).last().is_some_and(|run| run[0].is_ascii_lowercase());
    ends_in_word && runs(letters).enumerate().all(is_capital)
}

/// Letters of one case, in turn.
fn runs(letters: &[u8]) -> impl Iterator<Item = &[u8]> {
    letters.chunk_by(|a, b| a.is_ascii_uppercase() == b.is_ascii_uppercase())
}

/// Whether a capital letter is followed by a single small one.
fn has_short_hump(letters: &[u8]) -> bool {
    runs(letters).zip(runs(letters).skip(1)).any(|(a, b)| a[0].is_ascii_uppercase() && b.len() < 2)
}

/// Whether the words of a short name in mixed case have vowels; longer ones are told by their case alone, as `HttpServer` is.
fn is_pronounced(letters: &[u8], n_runs: usize) -> bool {
    let is_vowel = |letter: &u8| b"aeiouyAEIOUY".contains(letter);
    let mut words = letters.chunk_by(|a, b| !(a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    n_runs == 1 || letters.len() > 8 || words.all(|word| word.len() < 4 || word.iter().any(is_vowel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(text: &str) -> String {
        let mut out = Vec::new();
        mask(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_varies_is_masked() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(masked(text), expected);
        }
        check("tail -20 var/log/app.log", "tail -# var/log/app.log");
        check("ping 10.0.0.7:8080", "ping #");
        check("backup --at 2026-11-29 --keep 7d", "backup --at # --keep #d");
        check("python3 -m http.server 8000", "python# -m http.server #");
        check("cp main.c build/rel_117.c", "cp main.c build/rel_#.c");
        check("chmod 644 a/rel_1.c a/rel_22.c a/rel_3.c", "chmod # a/rel_#.c");
        check("git show 9f86d081884c7d65", "git show *");
        check("cat /run/6fa459ea-ee8a-3ca4-894e-db77e160355e/pid", "cat /run/*/pid");
        check("cp a.conf tmp.XCWnpQtbUa", "cp a.conf tmp.*");
        check("as -o ccudMQKl.o cceeVaOC.s", "as -o *.o *.s");
        check("as -o ccFkZ9Wm.o -o cctXcfMV.res -o ccSxxvTC.s", "as -o *.o -o *.res -o *.s");
        check("HttpServer SslContext userID readLine", "HttpServer SslContext userID readLine");
        check("curl -s https://example.org/feed", "curl -s https://example.org/feed");
        check(
            "java -Xmx512m com.example.PaymentServer getURL HTMLParser",
            "java -Xmx#m com.example.PaymentServer getURL HTMLParser",
        );
        check("md5sum sha256 README.md", "md#sum sha# README.md");
        check("echo Grüße 東京", "echo Grüße 東京");
        check("a  b", "a  b");
        check("", "");
    }

    #[test]
    fn long_texts_are_cut() {
        let template = masked(&"ä".repeat(1_000_000));
        assert_eq!(template.len(), MAX_TEXT_BYTES + "…".len());
    }

    proptest! {
        /// No text is refused, a template is text, and no longer than what is looked at.
        #[test]
        fn any_text_has_a_template(text in "\\PC{0,80}") {
            prop_assert!(masked(&text).len() <= text.len());
        }

        #[test]
        fn numbers_do_not_matter(a in 0..1_000_000_u32, b in 0..1_000_000_u32) {
            let line = |n: u32| masked(&format!("worker --id {n} --log run-{n}.log"));
            prop_assert_eq!(line(a), line(b));
        }
    }
}

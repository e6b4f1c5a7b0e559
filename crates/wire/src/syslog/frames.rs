//! Messages in a stream of bytes: one a line, or each after its length (RFC 6587), told apart message by message.

/// The longest message that is kept; of a longer one the beginning is, as RFC 5424 allows.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Cuts a stream into messages as it comes. Holds at most one message; of a longer one the beginning.
#[derive(Debug, Default)]
pub struct Frames {
    state: State,
    message: Vec<u8>,
}

/// So many digits may say how long a message is.
const MAX_DIGITS: usize = 9;

#[derive(Debug, Clone, Copy, Default)]
enum State {
    /// Between two messages.
    #[default]
    Start,
    /// In what may be the length of a message, or the beginning of a line.
    Length,
    /// In a message of which so many bytes are still to come.
    Counted(usize),
    /// In a line.
    Line,
}

impl Frames {
    /// Takes what has come, and hands out every message that is whole. Cost: O(length), however it is cut.
    pub fn take(&mut self, mut bytes: &[u8], mut on_message: impl FnMut(&[u8])) {
        while let Some(&first) = bytes.first() {
            let n_used = match self.state {
                State::Start => self.begin(first),
                State::Length => self.length(first),
                State::Counted(left) => self.counted(left, bytes, &mut on_message),
                State::Line => self.line(bytes, &mut on_message),
            };
            bytes = &bytes[n_used..];
        }
    }

    /// Hands out what came of a message that was not finished when the stream ended.
    pub fn end(&mut self, mut on_message: impl FnMut(&[u8])) {
        if !self.message.is_empty() {
            self.hand_out(&mut on_message);
        }
    }

    fn begin(&mut self, first: u8) -> usize {
        self.state = match first {
            b'\n' | b'\r' | b'\0' | b' ' => return 1,
            b'1'..=b'9' => State::Length,
            _ => State::Line,
        };
        0
    }

    fn length(&mut self, next: u8) -> usize {
        if next.is_ascii_digit() && self.message.len() < MAX_DIGITS {
            self.message.push(next);
            return 1;
        }
        let length = std::str::from_utf8(&self.message).ok().and_then(|digits| digits.parse().ok());
        match length.filter(|_| next == b' ') {
            Some(length) => {
                self.message.clear();
                self.state = State::Counted(length);
                1
            }
            None => {
                self.state = State::Line;
                0
            }
        }
    }

    fn counted(&mut self, left: usize, bytes: &[u8], on_message: &mut impl FnMut(&[u8])) -> usize {
        let n_used = left.min(bytes.len());
        self.keep(&bytes[..n_used]);
        self.state = State::Counted(left - n_used);
        if left == n_used {
            self.hand_out(on_message);
        }
        n_used
    }

    fn line(&mut self, bytes: &[u8], on_message: &mut impl FnMut(&[u8])) -> usize {
        match memchr::memchr2(b'\n', b'\0', bytes) {
            None => {
                self.keep(bytes);
                bytes.len()
            }
            Some(end) => {
                self.keep(&bytes[..end]);
                self.hand_out(on_message);
                end + 1
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_MESSAGE_BYTES - self.message.len();
        self.message.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn hand_out(&mut self, on_message: &mut impl FnMut(&[u8])) {
        on_message(&self.message);
        self.message.clear();
        self.state = State::Start;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The messages of a stream that comes in pieces of these lengths, over and over.
    fn messages(stream: &[u8], pieces: &[usize]) -> Vec<Vec<u8>> {
        let (mut frames, mut found, mut rest) = (Frames::default(), Vec::new(), stream);
        for length in pieces.iter().cycle() {
            let (piece, after) = rest.split_at((*length).min(rest.len()));
            frames.take(piece, |message| found.push(message.to_vec()));
            assert!(frames.message.len() <= MAX_MESSAGE_BYTES);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        frames.end(|message| found.push(message.to_vec()));
        found
    }

    #[test]
    fn both_framings() {
        #[track_caller]
        fn check(stream: &str, expected: &[&str]) {
            for pieces in [&[usize::MAX][..], &[1]] {
                let found = messages(stream.as_bytes(), pieces);
                let found: Vec<_> = found.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect();
                assert_eq!(found, expected, "{stream:?}");
            }
        }
        check("<13>a\n<13>b\r\n\n<13>c", &["<13>a", "<13>b\r", "<13>c"]);
        check("<13>a\0<13>b\0", &["<13>a", "<13>b"]);
        check("5 <13>a6 <13>bc", &["<13>a", "<13>bc"]);
        // A message with a line break in it, and senders that end even those that are counted with one.
        check("9 <13>a\nb\nc\n7 <13>abc\n", &["<13>a\nb\nc", "<13>abc"]);
        check("5 <13>a<13>b\n", &["<13>a", "<13>b"]);
        // The sender ended in the middle.
        check("9 <13>a", &["<13>a"]);
        check("9 ", &[]);
        // A line that begins as a length does is taken for one, as by others; this is none.
        check("2026 is over\n", &["is over\n"]);
        check("12ab\n1234567890 x\n0 y\n", &["12ab", "1234567890 x", "0 y"]);
    }

    #[test]
    fn long_messages_are_cut() {
        let long = "x".repeat(2 * MAX_MESSAGE_BYTES);
        for stream in [format!("{long}\n<13>b\n"), format!("{} {long}<13>b\n", long.len())] {
            let found = messages(stream.as_bytes(), &[1_000]);
            assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [MAX_MESSAGE_BYTES, 5]);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_out_alike_however_they_are_cut(
            stream in "([0-9]{1,2} |<13>|[a-z]{1,3}|\n|\r|\\x00| ){0,40}",
            pieces in prop::collection::vec(1..9usize, 1..5),
        ) {
            prop_assert_eq!(messages(stream.as_bytes(), &pieces), messages(stream.as_bytes(), &[usize::MAX]));
        }
    }
}

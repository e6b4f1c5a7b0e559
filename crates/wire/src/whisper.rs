//! Whisper files, in which carbon stores a series: read only, to import history.
//!
//! Reading order: [`Whisper::read`] (the header, checked), [`Archive`] (one resolution), [`Archive::points`],
//! [`Whisper::points`] (all resolutions as one series).
//!
//! A file is a header of 16 bytes, 12 bytes for each archive, and the archives: rings of points of 12 bytes, a time
//! in seconds as `u32` and a value as `f64`, all big-endian. A place of the ring may still hold a point of an earlier
//! lap; it counts only if its time is the one that belongs there now.
//!
//! **Invariants:** nothing is copied, memory is a few words for each archive, and the time is linear in the file.
//!
//! Source: the layout as the comments of `whisper.py` 1.1.10 describe it.

/// Bytes before the descriptions of the archives.
const HEADER_BYTES: usize = 16;
/// Bytes of an archive's description, and of a point.
const ENTRY_BYTES: usize = 12;

/// How points are merged into one of a coarser archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Aggregation {
    /// The mean of the points there are.
    Average,
    /// Their sum.
    Sum,
    /// The last of them.
    Last,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The mean, with 0 for each that is not there.
    AvgZero,
    /// The one farthest from 0.
    AbsMax,
    /// The one nearest to 0.
    AbsMin,
}

/// In the order of their numbers in a file, from 1.
const AGGREGATIONS: [(Aggregation, &str); 8] = [
    (Aggregation::Average, "average"),
    (Aggregation::Sum, "sum"),
    (Aggregation::Last, "last"),
    (Aggregation::Max, "max"),
    (Aggregation::Min, "min"),
    (Aggregation::AvgZero, "avg_zero"),
    (Aggregation::AbsMax, "absmax"),
    (Aggregation::AbsMin, "absmin"),
];

impl Aggregation {
    /// The method that carbon's configuration calls `name`.
    ///
    /// ```
    /// use lanner_wire::whisper::Aggregation;
    /// assert_eq!(Aggregation::parse("avg_zero"), Some(Aggregation::AvgZero));
    /// assert_eq!(Aggregation::AvgZero.name(), "avg_zero");
    /// ```
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        AGGREGATIONS.iter().find(|known| known.1 == name).map(|known| known.0)
    }

    /// What carbon's configuration calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        AGGREGATIONS.iter().find(|known| known.0 == self).map_or("", |known| known.1)
    }
}

/// Why a file was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WhisperError {
    /// The file ends inside its header.
    #[error("the file has {found} bytes, its header alone needs {needed}; the file was cut off")]
    Header {
        /// Bytes of the header with the descriptions of its archives.
        needed: u64,
        /// Bytes of the file.
        found: usize,
    },
    /// The compressed format of go-carbon.
    #[error("the file is in go-carbon's compressed format; convert it back to plain whisper first")]
    Compressed,
    /// The number of the aggregation is not known.
    #[error("byte 0: there is no aggregation of number {code}, only 1 to 8; this is not a whisper file")]
    Aggregation {
        /// What is written.
        code: u32,
    },
    /// The part of points that must be there is not one.
    #[error("byte 8: xFilesFactor is {value}, not between 0 and 1; this is not a whisper file")]
    XFilesFactor {
        /// What is written.
        value: f32,
    },
    /// No archive.
    #[error("byte 12: the file says that it has no archives")]
    NoArchives,
    /// An archive with a step or a size of 0.
    #[error("byte {at}: archive {number} has {n_points} points of {step_s} seconds")]
    EmptyArchive {
        /// Which one, from 1.
        number: usize,
        /// Where it is described.
        at: usize,
        /// Its step.
        step_s: u32,
        /// Its size.
        n_points: u32,
    },
    /// An archive that is not coarser than the one before.
    #[error("byte {at}: archive {number} has a step of {step_s} seconds, not more than the one before it")]
    Order {
        /// Which one, from 1.
        number: usize,
        /// Where it is described.
        at: usize,
        /// Its step.
        step_s: u32,
    },
    /// An archive that lies outside the file.
    #[error("archive {number} should be bytes {start} to {end}, but the file has {found}; it was cut off")]
    Cut {
        /// Which one, from 1.
        number: usize,
        /// Its first byte.
        start: u64,
        /// The byte after its last.
        end: u64,
        /// Bytes of the file.
        found: usize,
    },
    /// An archive that begins inside what lies before it.
    #[error("archive {number} begins at byte {start}, inside what lies before it, which ends at {end}")]
    Overlap {
        /// Which one, from 1.
        number: usize,
        /// Its first byte.
        start: u64,
        /// The end of the header or of the archive before.
        end: u64,
    },
}

/// A file whose header is right and whose archives are all there.
#[derive(Debug, Clone, PartialEq)]
pub struct Whisper<'a> {
    /// How coarser archives were filled.
    pub aggregation: Aggregation,
    /// Which part of the points must be there for one of the next archive, 0 to 1.
    pub x_files_factor: f32,
    archives: Vec<Archive<'a>>,
}

/// A ring of points at one resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archive<'a> {
    /// The distance of its points, seconds.
    pub step_s: u32,
    /// How many points it holds when it is full.
    pub n_points: u32,
    ring: &'a [[u8; ENTRY_BYTES]],
}

impl<'a> Whisper<'a> {
    /// Checks a whole file.
    ///
    /// # Errors
    /// [`WhisperError`], which says what is wrong and where.
    ///
    /// ```
    /// use lanner_wire::whisper::{Aggregation, Whisper};
    /// // one archive of two points, a minute apart
    /// let mut file = [&1_u32, &120, &0, &1, &28, &60, &2].map(|word| word.to_be_bytes()).concat();
    /// for (time_s, value) in [(120_u32, 7.5_f64), (60, 2.5)] {
    ///     file.extend([&time_s.to_be_bytes()[..], &value.to_be_bytes()].concat());
    /// }
    /// let whisper = Whisper::read(&file)?;
    /// assert_eq!(whisper.aggregation, Aggregation::Average);
    /// assert_eq!(whisper.points().collect::<Vec<_>>(), [(60, 2.5), (120, 7.5)]);
    /// # Ok::<(), lanner_wire::whisper::WhisperError>(())
    /// ```
    pub fn read(file: &'a [u8]) -> Result<Self, WhisperError> {
        if file.starts_with(b"whisper_compressed") {
            return Err(WhisperError::Compressed);
        }
        let short = |needed| WhisperError::Header { needed, found: file.len() };
        let word = |at: usize| {
            let bytes = file.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map(|bytes| u32::from_be_bytes(*bytes)).ok_or_else(|| short(HEADER_BYTES as u64))
        };
        let (code, x_files_factor, n_archives) = (word(0)?, f32::from_bits(word(8)?), word(12)?);
        let aggregation = (code as usize).checked_sub(1).and_then(|at| AGGREGATIONS.get(at));
        let aggregation = aggregation.ok_or(WhisperError::Aggregation { code })?.0;
        if !(0.0..=1.0).contains(&x_files_factor) {
            return Err(WhisperError::XFilesFactor { value: x_files_factor });
        }
        if n_archives == 0 {
            return Err(WhisperError::NoArchives);
        }
        let header_bytes = HEADER_BYTES as u64 + u64::from(n_archives) * ENTRY_BYTES as u64;
        if header_bytes > file.len() as u64 {
            return Err(short(header_bytes));
        }
        let (mut archives, mut end) = (Vec::new(), header_bytes);
        for number in 1..=n_archives as usize {
            let at = HEADER_BYTES + (number - 1) * ENTRY_BYTES;
            let (start, step_s, n_points) = (u64::from(word(at)?), word(at + 4)?, word(at + 8)?);
            if step_s == 0 || n_points == 0 {
                return Err(WhisperError::EmptyArchive { number, at, step_s, n_points });
            }
            if archives.last().is_some_and(|before: &Archive<'_>| before.step_s >= step_s) {
                return Err(WhisperError::Order { number, at, step_s });
            }
            if start < end {
                return Err(WhisperError::Overlap { number, start, end });
            }
            end = start + u64::from(n_points) * ENTRY_BYTES as u64;
            let cut = WhisperError::Cut { number, start, end, found: file.len() };
            let ring = file.get(start as usize..end as usize).ok_or(cut)?.as_chunks().0;
            archives.push(Archive { step_s, n_points, ring });
        }
        Ok(Self { aggregation, x_files_factor, archives })
    }

    /// The archives, the finest first.
    #[must_use]
    pub fn archives(&self) -> &[Archive<'a>] {
        &self.archives
    }

    /// The points of all archives as one series, oldest first: those of the finest archive, before its first point
    /// those of the next one, and so on. Times in seconds since 1970, each once; values finite.
    ///
    /// Cost: twice the file, once for each archive's newest point.
    pub fn points(&self) -> impl Iterator<Item = (i64, f64)> + 'a {
        let mut parts = Vec::with_capacity(self.archives.len());
        let mut before_s = i64::MAX;
        for archive in &self.archives {
            parts.push((*archive, before_s));
            before_s = before_s.min(archive.points().next().map_or(i64::MAX, |first| first.0));
        }
        let parts = parts.into_iter().rev();
        parts.flat_map(|(archive, before_s)| archive.points().take_while(move |point| point.0 < before_s))
    }
}

impl<'a> Archive<'a> {
    /// The points that are no older than the ring is long, counted from the newest, oldest first. Times in seconds
    /// since 1970, multiples of the step; values finite. Cost: twice the ring.
    pub fn points(&self) -> impl Iterator<Item = (i64, f64)> + use<'a> {
        let (ring, step_s) = (self.ring, i64::from(self.step_s));
        let newest = self.newest();
        let n_points = if newest.is_some() { ring.len() } else { 0 };
        let (newest_at, newest_s) = newest.unwrap_or_default();
        (1..=n_points).filter_map(move |after| {
            let (time_s, value) = entry(&ring[(newest_at + after) % ring.len()]);
            let expected_s = newest_s - step_s * (ring.len() - after) as i64;
            (time_s == expected_s && time_s != 0 && value.is_finite()).then_some((time_s, value))
        })
    }

    /// The place and the time of the newest point. The first place says which place each time has; what is not in its
    /// own is not a point.
    fn newest(&self) -> Option<(usize, i64)> {
        let (base_s, _) = entry(self.ring.first()?);
        if base_s == 0 {
            return None; // nothing was ever written
        }
        let (step_s, n_points) = (i64::from(self.step_s), self.ring.len() as i64);
        let entries = self.ring.iter().enumerate().map(|(at, bytes)| (at, entry(bytes).0));
        let in_place = entries.filter(|(at, time_s)| {
            let steps = (time_s - base_s).div_euclid(step_s).rem_euclid(n_points);
            *time_s != 0 && (time_s - base_s) % step_s == 0 && steps == *at as i64
        });
        in_place.max_by_key(|(_, time_s)| *time_s)
    }
}

fn entry(bytes: &[u8; ENTRY_BYTES]) -> (i64, f64) {
    let [a, b, c, d, value @ ..] = *bytes;
    (i64::from(u32::from_be_bytes([a, b, c, d])), f64::from_be_bytes(value))
}

#[cfg(test)]
mod tests;

//! Whether days move when clocks are changed, where nobody said by which clocks people live.
//!
//! In UTC the day of people begins an hour earlier from one Sunday on, and an hour later from another. After each Sunday on which
//! clocks change somewhere, the usual values of days and weeks are looked up both ways for some days. What either way
//! expects is not strange, until the values say which of them is more probable.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::when::When;

const HOUR_MS: i64 = 3_600_000;
/// So long both ways are looked at, if values do not say sooner.
const TRIAL_MS: i64 = 72 * HOUR_MS;
/// Those who change their clocks within so long do it together.
const TOGETHER_MS: i64 = 24 * HOUR_MS;

/// Those who change their clocks on the same Sundays: the name of one of them, and their rules.
const REGIONS: [(&str, &str); 5] = [
    ("Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"),
    ("America/New_York", "EST5EDT,M3.2.0,M11.1.0"),
    ("Australia/Sydney", "AEST-10AEDT,M10.1.0,M4.1.0/3"),
    ("Pacific/Auckland", "NZST-12NZDT,M9.5.0,M4.1.0/3"),
    ("America/Santiago", "<-04>4<-03>,M9.1.6/24,M4.1.6/24"),
];

/// The clocks of each region.
static CLOCKS: LazyLock<Vec<TimeZone>> =
    LazyLock::new(|| REGIONS.iter().filter_map(|(_, rules)| TimeZone::posix(rules).ok()).collect());

/// Some of the regions, a bit each.
type Regions = u8;

const ALL: Regions = (1 << REGIONS.len()) - 1;

/// Finds out by how much, and with whom, days have moved.
#[derive(Debug, Clone)]
pub(super) struct Clocks {
    /// How far days are ahead of where they began.
    ahead_ms: i64,
    /// Those with whom days may move.
    regions: Regions,
    /// Whether they did, at last.
    has_moved: bool,
    /// The next change, or the one that is looked at; `None` before the first time is known.
    next: Option<Change>,
    trial: Trial,
}

/// A moment from which on clocks are set forward or back somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    at_ms: i64,
    by_ms: i64,
    regions: Regions,
}

impl Default for Clocks {
    fn default() -> Self {
        Self { ahead_ms: 0, regions: ALL, has_moved: false, next: None, trial: Trial::default() }
    }
}

impl Clocks {
    /// What clocks show as far as is known, and what they show otherwise, as long as that is open.
    pub(super) fn at(&mut self, when: When) -> (When, Option<When>) {
        if when.is_certain {
            return (when, None);
        }
        let mut change = self.next.unwrap_or_else(|| self.look_ahead(when.time_ms));
        if when.time_ms >= change.at_ms.saturating_add(TRIAL_MS) {
            self.stay(change);
            change = self.look_ahead(when.time_ms);
        }
        let stays = when.moved(self.ahead_ms);
        if when.time_ms < change.at_ms {
            return (stays, None);
        }
        let moves = stays.moved(change.by_ms);
        if self.trial.leads { (moves, Some(stays)) } else { (stays, Some(moves)) }
    }

    /// Weighs a value by what was expected by [the clocks](Self::at) as far as is known, and otherwise.
    pub(super) fn weigh(&mut self, time_ms: i64, y: f64, known: f64, otherwise: f64) {
        let Some(change) = self.next else { return };
        let (stays, moves) = if self.trial.leads { (otherwise, known) } else { (known, otherwise) };
        match self.trial.weigh(time_ms, y - stays, y - moves) {
            None => return,
            Some(true) => {
                self.ahead_ms += change.by_ms;
                self.regions &= change.regions;
                self.has_moved = true;
            }
            Some(false) => self.stay(change),
        }
        self.look_ahead(change.at_ms.saturating_add(TOGETHER_MS));
    }

    /// Whether either may be right that [`at`](Self::at) returned: until it is more probable that days stay.
    pub(super) fn is_open(&self) -> bool {
        self.trial.evidence() >= Trial::STAYS
    }

    /// The name of a time zone whose clocks days move with, where values leave one only.
    pub(super) fn zone(&self) -> Option<&'static str> {
        let is_one = self.has_moved && self.regions.is_power_of_two();
        is_one.then(|| REGIONS[self.regions.trailing_zeros() as usize].0)
    }

    /// Days have not moved: who moved with these in spring and does not in autumn lives elsewhere.
    fn stay(&mut self, change: Change) {
        if self.has_moved {
            self.regions &= !change.regions;
            if self.regions == 0 {
                (self.regions, self.has_moved) = (ALL, false);
            }
        }
    }

    fn look_ahead(&mut self, after_ms: i64) -> Change {
        let change = next_after(after_ms, self.regions);
        (self.next, self.trial) = (Some(change), Trial::default());
        change
    }
}

/// The first change after a time, of some regions; after the end of all calendars there are none.
fn next_after(time_ms: i64, regions: Regions) -> Change {
    let none = Change { at_ms: i64::MAX, by_ms: 0, regions: 0 };
    let Ok(at) = Timestamp::from_millisecond(time_ms) else { return none };
    let changes = |region: usize| {
        let next = CLOCKS.get(region)?.following(at).next()?;
        let by_ms = if next.dst().is_dst() { HOUR_MS } else { -HOUR_MS };
        Some(Change { at_ms: next.timestamp().as_millisecond(), by_ms, regions: 1 << region })
    };
    let found = (0..REGIONS.len()).filter(|region| regions & (1 << region) != 0).filter_map(changes);
    let found: Vec<Change> = found.collect();
    let Some(first) = found.iter().min_by_key(|change| change.at_ms) else { return none };
    let together = found
        .iter()
        .filter(|change| change.by_ms == first.by_ms && change.at_ms - first.at_ms < TOGETHER_MS)
        .fold(0, |together, change| together | change.regions);
    Change { regions: together, ..*first }
}

/// Values after a change, against what was expected both ways.
#[derive(Debug, Clone, Copy, Default)]
struct Trial {
    /// The hour we are in, counted from 1970, and how far off its values were in all.
    hour: i64,
    n: f64,
    off: [f64; 2],
    /// How far off hours were, if days stay and if they move.
    hours: [Spread; 2],
    /// Whether it is more probable that they moved.
    leads: bool,
}

/// How far numbers are from their mean.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    n: f64,
    mean: f64,
    squares: f64,
}

impl Trial {
    /// Hours before it can be decided.
    const FEWEST: f64 = 4.0;
    /// How much more probable one way has to be, as a logarithm: that they stay, to look at no other; either, to be believed for
    /// now, and for good. What is usual is not known exactly, so this is much.
    const STAYS: f64 = -2.0;
    const FOR_NOW: f64 = 4.0;
    const FOR_GOOD: f64 = 14.0;

    /// Takes in how far off a value was if days stay, and if they move; says whether they moved once that is clear.
    ///
    /// Means of hours are compared, since values next to each other say the same; and how they scatter, since all may be higher
    /// than usual today.
    fn weigh(&mut self, time_ms: i64, stays: f64, moves: f64) -> Option<bool> {
        let hour = time_ms.div_euclid(HOUR_MS);
        if hour != self.hour && self.n > 0.0 {
            (0..2).for_each(|way| self.hours[way].add(self.off[way] / self.n));
            (self.n, self.off) = (0.0, [0.0; 2]);
        }
        self.hour = hour;
        self.n += 1.0;
        self.off[0] += stays;
        self.off[1] += moves;
        let evidence = self.evidence();
        if evidence.abs() > Self::FOR_NOW {
            self.leads = evidence > 0.0;
        }
        (evidence.abs() > Self::FOR_GOOD).then_some(evidence > 0.0)
    }

    /// How much more probable it is that days moved, as a logarithm, if hours are normally distributed.
    fn evidence(&self) -> f64 {
        let [stays, moves] = self.hours;
        let ratio = stays.squares / moves.squares;
        if stays.n < Self::FEWEST || ratio.is_nan() || ratio <= 0.0 {
            return 0.0;
        }
        0.5 * stays.n * ratio.ln()
    }
}

impl Spread {
    fn add(&mut self, x: f64) {
        self.n += 1.0;
        let off = x - self.mean;
        self.mean += off / self.n;
        self.squares += off * (x - self.mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: &str) -> i64 {
        time.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn zones(regions: Regions) -> Vec<&'static str> {
        let is_in = |region: &usize| regions & (1 << region) != 0;
        (0..REGIONS.len()).filter(is_in).map(|region| REGIONS[region].0).collect()
    }

    /// The changes of 2026 by <https://www.timeanddate.com/time/dst/2026.html>.
    #[test]
    fn all_regions_have_their_sundays() {
        #[track_caller]
        fn check(after: &str, expected: &str, hours: i64, regions: &[&str]) {
            let change = next_after(ms(after), ALL);
            assert_eq!(Timestamp::from_millisecond(change.at_ms).unwrap().to_string(), expected);
            assert_eq!((change.by_ms, &*zones(change.regions)), (hours * HOUR_MS, regions));
        }
        assert_eq!(CLOCKS.len(), REGIONS.len());
        let south = ["Australia/Sydney", "Pacific/Auckland", "America/Santiago"];
        check("2026-01-01T00:00:00Z", "2026-03-08T07:00:00Z", 1, &["America/New_York"]);
        check("2026-03-09T00:00:00Z", "2026-03-29T01:00:00Z", 1, &["Europe/Berlin"]);
        check("2026-03-30T00:00:00Z", "2026-04-04T14:00:00Z", -1, &south);
        check("2026-04-06T00:00:00Z", "2026-09-06T04:00:00Z", 1, &["America/Santiago"]);
        check("2026-09-07T00:00:00Z", "2026-09-26T14:00:00Z", 1, &["Pacific/Auckland"]);
        check("2026-09-28T00:00:00Z", "2026-10-03T16:00:00Z", 1, &["Australia/Sydney"]);
        check("2026-10-05T00:00:00Z", "2026-10-25T01:00:00Z", -1, &["Europe/Berlin"]);
        check("2026-10-26T00:00:00Z", "2026-11-01T06:00:00Z", -1, &["America/New_York"]);
    }

    /// Feeds a year of values every six minutes with one peak a day, at noon by the clocks of a zone; says by how many hours days
    /// are ahead in August and at last, and which zone was found.
    fn follow(zone: &str, noise: f64) -> (i64, i64, Option<&'static str>) {
        let (mut clocks, mut in_august) = (Clocks::default(), 0);
        let (from_ms, zone) = (ms("2026-01-01T00:00:00Z"), TimeZone::get(zone).unwrap());
        let begin = zone.to_offset(Timestamp::from_millisecond(from_ms).unwrap());
        let peak = |clock_ms: i64| if clock_ms.div_euclid(HOUR_MS).rem_euclid(24) == 12 { 9.0 } else { 0.0 };
        for tenth in 0..365 * 240 {
            let time_ms = from_ms + tenth * HOUR_MS / 10;
            let offset = zone.to_offset(Timestamp::from_millisecond(time_ms).unwrap());
            let local_ms = time_ms + 1_000 * i64::from(offset.seconds() - begin.seconds());
            if let (now, Some(other)) = clocks.at(When::utc(time_ms)) {
                let y = peak(local_ms) + noise * crate::testing::noise(tenth.unsigned_abs());
                clocks.weigh(time_ms, y, peak(now.clock_ms), peak(other.clock_ms));
            }
            if time_ms == ms("2026-08-01T00:00:00Z") {
                in_august = clocks.ahead_ms / HOUR_MS;
            }
        }
        (in_august, clocks.ahead_ms / HOUR_MS, clocks.zone())
    }

    #[test]
    fn days_move_with_the_clocks_of_people_or_not_at_all() {
        for (zone, in_august) in [("Europe/Berlin", 1), ("America/New_York", 1), ("Australia/Sydney", -1)] {
            assert_eq!(follow(zone, 1.0), (in_august, 0, Some(zone)));
        }
        assert_eq!(follow("Pacific/Auckland", 1.0), (-1, 0, Some("Pacific/Auckland")));
        assert_eq!(follow("Asia/Kolkata", 1.0), (0, 0, None));
        assert_eq!(follow("Europe/Berlin", 1_000.0), (0, 0, None)); // nothing stands out of the noise
    }

    #[test]
    fn whoever_said_so_is_believed() {
        let mut clocks = Clocks::default();
        let when = When { is_certain: true, ..When::utc(ms("2026-03-29T05:00:00Z")) };
        assert_eq!(clocks.at(When::utc(ms("2026-03-28T05:00:00Z"))).1, None);
        assert_eq!(clocks.at(when), (when, None));
        assert!(clocks.at(When { is_certain: false, ..when }).1.is_some());
    }

    #[test]
    fn any_time_is_answered() {
        let mut clocks = Clocks::default();
        for time_ms in [i64::MIN, 0, i64::MAX, ms("2026-03-29T05:00:00Z"), -1] {
            let (now, _) = clocks.at(When::utc(time_ms));
            assert_eq!(now.clock_ms, time_ms);
        }
    }
}

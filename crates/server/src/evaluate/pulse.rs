//! Notices that the whole process stood still: it was suspended, or the machine slept.
//!
//! A thread beats twice a second, and the loop before it plans anything. Whoever comes first after a long silence finds it.
//! Threads that work hold up no beat, so a loop that is busy is not taken for one that stood still.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lanner_core::TimeRange;

use crate::clock::Clock;
use crate::shutdown::Shutdown;
use crate::sync::locked;

const EVERY: Duration = Duration::from_millis(500);
/// For so long no thread waits for its turn, however busy the machine is.
const LONGEST_WAIT_MS: i64 = 3_000;

/// When there was a sign of life.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<Beats>);

#[derive(Debug, Default)]
struct Beats {
    last_ms: Option<i64>,
    still: Option<TimeRange>,
}

impl Beats {
    fn beat(&mut self, now_ms: i64) {
        if let Some(last_ms) =
            self.last_ms.replace(now_ms).filter(|last_ms| now_ms - last_ms > LONGEST_WAIT_MS)
        {
            let start_ms = self.still.map_or(last_ms, |still| still.start_ms);
            self.still = Some(TimeRange::new(start_ms, now_ms));
        }
    }
}

impl Pulse {
    /// Beats, and says in which time the process stood still since this was asked last, if it did.
    pub(crate) fn stood_still(&self, now_ms: i64) -> Option<TimeRange> {
        let mut beats = locked(&self.0);
        beats.beat(now_ms);
        beats.still.take()
    }
}

/// Starts the thread that beats until the server stops. Whose clock is put on by hand stands still on purpose.
///
/// # Errors
/// When the operating system gives no thread.
pub(super) fn start(pulse: &Arc<Pulse>, clock: &Clock, shutdown: &Arc<Shutdown>) -> std::io::Result<()> {
    if clock.is_stepped() {
        return Ok(());
    }
    let (pulse, clock, shutdown) = (Arc::clone(pulse), clock.clone(), Arc::clone(shutdown));
    let beat = move || {
        while !shutdown.has_begun() {
            locked(&pulse.0).beat(clock.now_ms());
            std::thread::sleep(EVERY);
        }
    };
    std::thread::Builder::new().name("pulse".to_owned()).spawn(beat).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_silence_is_found_by_whoever_comes_first() {
        let pulse = Pulse::default();
        let beat = |at_ms: i64| locked(&pulse.0).beat(at_ms);
        assert_eq!(pulse.stood_still(50_000), None); // nothing is known of before
        beat(50_500);
        assert_eq!(pulse.stood_still(53_500), None);
        assert_eq!(pulse.stood_still(56_501), Some(TimeRange::new(53_500, 56_501)));
        assert_eq!(pulse.stood_still(56_502), None);
        // Found by the other one, twice before it is asked for.
        beat(60_000);
        beat(60_500);
        beat(70_000);
        assert_eq!(pulse.stood_still(70_100), Some(TimeRange::new(56_502, 70_000)));
        beat(10_000); // the clock was set back
        assert_eq!(pulse.stood_still(10_500), None);
    }
}

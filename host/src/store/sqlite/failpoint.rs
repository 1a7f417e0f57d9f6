//! Places at which a test kills the process that works here. Without tests there is nothing in them.

/// A step of the writer's turn, or of what takes several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    Begun,
    ReportsTaken,
    CommandsTaken,
    Filled,
    FlightsKept,
    Committed,
    AssignmentsSent,
    Answered,
    Deleting,
}

/// The process has come here.
#[cfg(not(test))]
#[inline]
pub(super) const fn reach(_point: Point) {}

#[cfg(test)]
pub(super) use self::killing::{kill_at, kill_now, reach};

#[cfg(test)]
mod killing {
    use std::sync::Mutex;

    use rustix::process::{Signal, getpid, kill_process};

    use super::Point;

    struct Kill {
        at: Point,
        /// How often it is reached until then.
        left: u64,
        last_words: Box<dyn FnMut() + Send>,
    }

    static KILL: Mutex<Option<Kill>> = Mutex::new(None);

    /// This process ends when it reaches a point for the nth time from now on, after its last words.
    pub(in super::super) fn kill_at(at: Point, nth: u64, last_words: impl FnMut() + Send + 'static) {
        *KILL.lock().unwrap() = Some(Kill { at, left: nth, last_words: Box::new(last_words) });
    }

    pub(in super::super) fn reach(point: Point) {
        let mut kill = KILL.lock().unwrap();
        let Some(kill) = kill.as_mut().filter(|kill| kill.at == point) else { return };
        kill.left -= 1;
        if kill.left == 0 {
            (kill.last_words)();
            kill_now();
        }
    }

    /// As `kill -9`: nothing is run down.
    pub(in super::super) fn kill_now() -> ! {
        kill_process(getpid(), Signal::KILL).unwrap();
        unreachable!("nobody outlives this signal")
    }
}

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

    /// Where, and how often it is reached until then.
    static AT: Mutex<Option<(Point, u64)>> = Mutex::new(None);

    /// This process ends when it reaches a point for the nth time from now on.
    pub(in super::super) fn kill_at(point: Point, nth: u64) {
        *AT.lock().unwrap() = Some((point, nth));
    }

    pub(in super::super) fn reach(point: Point) {
        let mut at = AT.lock().unwrap();
        let Some((wanted, left)) = &mut *at else { return };
        if *wanted == point {
            *left = left.saturating_sub(1);
            if *left == 0 {
                kill_now();
            }
        }
    }

    /// As `kill -9`: nothing is run down.
    pub(in super::super) fn kill_now() -> ! {
        kill_process(getpid(), Signal::KILL).unwrap();
        unreachable!("nobody outlives this signal")
    }
}

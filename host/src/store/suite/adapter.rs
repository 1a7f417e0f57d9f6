//! What the suite has to know of an adapter: how its stores are opened, and what not every adapter can do.

use taskhost_core::retention::Retentions;
use taskhost_core::time::UnixMicros;

use super::Harness;

/// An adapter under test.
#[derive(Debug)]
pub(crate) struct Adapter {
    pub(crate) name: &'static str,
    /// Beside what every store can do.
    pub(crate) can: &'static [Capability],
    /// Opens an empty store at [`start`](super::start).
    pub(crate) open: fn() -> Harness,
}

/// What some cases need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    /// A daemon that takes over from one that has crashed finds all that was answered: [`Harness::crash`].
    Crashes,
    /// A daemon finds all that the one before it has kept in an orderly way: [`Harness::reopen`].
    Reopens,
}

impl Adapter {
    pub(crate) fn can_all(&self, needs: &[Capability]) -> bool {
        needs.iter().all(|need| self.can.contains(need))
    }
}

/// What a store stands on: it goes with the store, and is there for the next one.
pub(crate) trait Ground {
    /// What a daemon finds after a crash of the one before, and how many tasks are reclaimed. The store is at rest: every call
    /// is answered.
    fn after_crash(&self, retentions: Retentions, now: UnixMicros) -> (Harness, usize);

    /// What a daemon finds once the store before is closed and gone, and how many tasks are reclaimed; none if the
    /// adapter cannot ([`Capability::Reopens`]).
    fn after_end(self: Box<Self>, retentions: Retentions, now: UnixMicros) -> Option<(Harness, usize)>;

    /// Checks what holds beneath the port, of a store with so many tasks of which so many run.
    fn check(&self, tasks: u64, running: usize);
}

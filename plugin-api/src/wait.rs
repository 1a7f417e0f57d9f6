//! What the futures of one task wait for: times, flags and saves, each with the waker of whoever waits.
//!
//! The host knows one wake time and one waker a task; this makes them serve any number of sleeps under `select!` and `join!`.
//! Not here: the future itself (`context`), calls to the host. Start at [`Waits`].

use std::collections::BTreeMap;
use std::task::Waker;

/// Something that comes true once and stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// The host's clock reaches this millisecond. First, so that times lead the map, in order.
    Time(u64),
    /// One of these flags is set.
    Flags(u32),
    /// The save with this ticket has ended.
    Save(u64),
}

/// Names one entry of [`Waits`].
pub(crate) type Key = (Condition, u64);

/// All that the futures of a task wait for.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    next: u64,
    waiting: BTreeMap<Key, Waker>,
    /// The time that the host's slot holds.
    armed: Option<u64>,
}

impl Waits {
    /// Notes who waits for `condition`. The key removes it again.
    pub(crate) fn insert(&mut self, condition: Condition, waker: Waker) -> Key {
        let key = (condition, self.next);
        self.next += 1;
        self.waiting.insert(key, waker);
        key
    }

    /// Whoever waits under `key` waits with another waker. The old one is handed back, to be dropped outside of any lock: its
    /// drop may run code of others.
    pub(crate) fn replace(&mut self, key: Key, waker: Waker) -> Option<Waker> {
        self.waiting.insert(key, waker)
    }

    /// Whoever waited under `key` waits no more. The waker is handed back as by [`replace`](Self::replace).
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        self.waiting.remove(&key)
    }

    /// The host polls, with which its slot is empty: takes out the wakers whose condition `is_met`.
    ///
    /// Each is woken once. Left in, one whose future is not polled again would keep the task awake for ever.
    pub(crate) fn due(&mut self, mut is_met: impl FnMut(Condition) -> bool) -> Vec<Waker> {
        self.armed = None;
        let mut due = Vec::new();
        let mut late = false;
        for &key in self.waiting.keys() {
            // Times come in order: behind one that has not come all others wait too.
            let time = matches!(key.0, Condition::Time(_));
            if time && late {
                continue;
            }
            if is_met(key.0) {
                due.push(key);
            } else {
                late |= time;
            }
        }
        due.iter().filter_map(|key| self.waiting.remove(key)).collect()
    }

    /// The time that the host's slot should hold now, if it does not hold that or an earlier one already.
    pub(crate) fn arm(&mut self) -> Option<u64> {
        let Some((&(Condition::Time(first), _), _)) = self.waiting.first_key_value() else {
            return None;
        };
        if self.armed.is_some_and(|armed| armed <= first) {
            return None;
        }
        self.armed = Some(first);
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicU32);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wakers<const N: usize>() -> [(Arc<Count>, Waker); N] {
        std::array::from_fn(|_| {
            let count = Arc::new(Count::default());
            (Arc::clone(&count), Waker::from(count))
        })
    }

    fn woken(all: &[(Arc<Count>, Waker)]) -> Vec<u32> {
        all.iter().map(|(count, _)| count.0.load(Ordering::Relaxed)).collect()
    }

    fn at(now: u64) -> impl FnMut(Condition) -> bool {
        move |condition| matches!(condition, Condition::Time(time) if time <= now)
    }

    #[test]
    fn many_sleeps_share_the_one_slot_and_wake_in_order() {
        let all = wakers::<3>();
        let mut waits = Waits::default();
        for ((_, waker), time) in all.iter().zip([30, 10, 20]) {
            waits.insert(Condition::Time(time), waker.clone());
        }
        assert_eq!(waits.arm(), Some(10));
        assert_eq!(waits.arm(), None, "the slot holds it already");

        waits.due(at(10)).into_iter().for_each(Waker::wake);
        assert_eq!(woken(&all), [0, 1, 0]);
        assert_eq!(waits.arm(), Some(20), "each poll begins with an empty slot");

        waits.due(at(35)).into_iter().for_each(Waker::wake);
        assert_eq!(woken(&all), [1, 1, 1]);
        assert_eq!(waits.arm(), None, "who was woken once is not woken again");
    }

    #[test]
    fn an_earlier_sleep_takes_the_slot_and_a_dropped_one_leaves_it() {
        let [(_, waker)] = wakers();
        let mut waits = Waits::default();
        let late = waits.insert(Condition::Time(50), waker.clone());
        assert_eq!(waits.arm(), Some(50));
        let early = waits.insert(Condition::Time(5), waker);
        assert_eq!(waits.arm(), Some(5));
        drop(waits.remove(early));
        assert!(waits.due(at(5)).is_empty());
        assert_eq!(waits.arm(), Some(50));
        drop(waits.remove(late));
        assert!(waits.due(at(50)).is_empty());
        assert_eq!(waits.arm(), None);
    }

    #[test]
    fn flags_and_saves_wake_those_who_wait_for_them_alone() {
        let all = wakers::<3>();
        let mut waits = Waits::default();
        for ((_, waker), condition) in all.iter().zip([Condition::Save(1), Condition::Flags(2), Condition::Save(3)]) {
            waits.insert(condition, waker.clone());
        }
        waits.due(|condition| condition == Condition::Save(3)).into_iter().for_each(Waker::wake);
        assert_eq!(woken(&all), [0, 0, 1]);
        assert_eq!(waits.arm(), None, "only times need the slot");
    }
}

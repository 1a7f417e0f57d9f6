//! The only room that throws dice.

use std::sync::{Mutex, PoisonError};

use taskhost_core::ids::TaskId;
use taskhost_core::once::IdempotencyKey;
use taskhost_core::time::UnixMicros;

/// A source of chance, seeded by the operating system. It spreads things apart; it keeps no secrets.
#[derive(Debug, Default)]
pub struct Chance(Mutex<fastrand::Rng>);

impl Chance {
    /// A new id for a task made now.
    pub fn task_id(&self, now: UnixMicros) -> TaskId {
        let mut random = [0; 10];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(&mut random);
        TaskId::new(now, random)
    }

    /// A key that no other call has.
    pub(crate) fn idempotency_key(&self) -> IdempotencyKey {
        let number = self.0.lock().unwrap_or_else(PoisonError::into_inner).u128(..);
        IdempotencyKey::new(&format!("{number:032x}")).expect("32 digits are a key")
    }

    /// A number from 0 up to but not including 1.
    pub fn unit(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }
}

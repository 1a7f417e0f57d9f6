//! Calls that count once: the same key and call are answered alike, however often they are sent.
//!
//! A call that is sent again while the first is under way is told so. Not here: keeping keys (`store`). Start at
//! [`Host::begin_once`].

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use taskhost_core::once::{IdempotencyKey, Once};

use super::{Host, Prepared, Submitted};
use crate::store::{Inserted, StoreError};

/// The keys of calls that are under way. Clones are handles to the same keys.
#[derive(Debug, Clone, Default)]
pub(super) struct KeysInFlight(Arc<Mutex<HashSet<IdempotencyKey>>>);

/// A call that counts once, from its begin to its answer; no other has its key meanwhile.
#[derive(Debug)]
pub struct Flight {
    once: Once,
    keys: KeysInFlight,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.once.key);
    }
}

impl KeysInFlight {
    fn depart(&self, once: Once) -> Option<Flight> {
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(once.key.clone());
        is_new.then(|| Flight { once, keys: self.clone() })
    }
}

/// How a call that counts once begins.
#[derive(Debug)]
pub enum Begun {
    /// It was answered before, with these tasks.
    Answered(Vec<Submitted>),
    /// It is to be done now.
    New(Flight),
}

/// Why a call that counts once is not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnceError {
    /// The key came with another call before.
    #[error("the idempotency key came with another call before")]
    Reused,
    /// A call with this key is under way.
    #[error("a call with this idempotency key is under way")]
    InFlight,
    /// The store has failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OnceError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Reused => "take a new key for another call; a key is kept for 24 h",
            Self::InFlight => "wait a moment and send the same call again",
            Self::Store(error) => error.hint(),
        }
    }
}

impl Host {
    /// Looks whether a call was answered before; if not it is under way until the answer, or until that is dropped.
    /// # Errors
    /// [`OnceError`] if its key is that of another call, or of one under way, or if the store cannot be read.
    pub async fn begin_once(&self, once: Once) -> Result<Begun, OnceError> {
        let flight = self.1.depart(once).ok_or(OnceError::InFlight)?;
        let (store, once, now) = (Arc::clone(&self.0.store), flight.once.clone(), self.now());
        let read = tokio::task::spawn_blocking(move || store.submitted_once(&once, now)).await;
        // The join fails only while the runtime ends.
        match read.unwrap_or(Err(StoreError::Closed))? {
            Some(Ok(inserted)) => Ok(Begun::Answered(inserted.into_iter().map(Submitted::from).collect())),
            Some(Err(_reused)) => Err(OnceError::Reused),
            None => Ok(Begun::New(flight)),
        }
    }

    /// As [`Host::store`], and keeps the key of the call in the same commit.
    /// # Errors
    /// [`OnceError`] if its key is that of another call by now, or if the store has failed; nothing is stored then.
    /// # Cancel safety
    /// Dropping the future leaves either all of it stored, its key too, or nothing: it can be sent again.
    pub async fn store_once(&self, flight: Flight, tasks: Vec<Prepared>) -> Result<Vec<Submitted>, OnceError> {
        let tasks = tasks.into_iter().map(|Prepared(task)| task).collect();
        let inserted = self.0.store.submit_once(tasks, flight.once.clone(), self.now()).await?;
        let inserted = inserted.map_err(|_reused| OnceError::Reused)?;
        Ok(inserted.into_iter().map(Submitted::from).collect())
    }
}

impl From<Inserted> for Submitted {
    fn from(Inserted { task, status }: Inserted) -> Self {
        Self { task, status }
    }
}

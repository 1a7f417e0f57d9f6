//! Attempts whose params wait for their secrets, which may come from a slow disk.
//!
//! Start at [`Resolving::begin`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use taskhost_core::ids::{LeaseId, TaskId};
use taskhost_core::submit::PARAMS_MAX;
use tokio::task::JoinSet;

use super::ended;
use crate::plugins::{Attempt, Kind, Outcome, Report};
use crate::secrets::Reads;

/// The attempts, each with its secrets being read beside all others.
#[derive(Debug)]
pub(super) struct Resolving {
    secrets: Arc<Reads>,
    readers: JoinSet<(Attempt, Result<Vec<u8>, Outcome>)>,
    /// With the generations of their kinds.
    waiting: HashMap<(TaskId, LeaseId), u32>,
    cancelled: HashSet<(TaskId, LeaseId)>,
}

/// An attempt, and what has become of its params.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) attempt: Attempt,
    /// That it cannot begin.
    pub(super) failure: Option<Outcome>,
    /// It was told to cancel meanwhile.
    pub(super) is_cancelled: bool,
}

impl Resolving {
    pub(super) fn new(secrets: Arc<Reads>) -> Self {
        Self { secrets, readers: JoinSet::new(), waiting: HashMap::new(), cancelled: HashSet::new() }
    }

    /// Has the secrets of an attempt read.
    pub(super) fn begin(&mut self, attempt: Attempt) {
        self.waiting.insert((attempt.task, attempt.lease), attempt.kind.generation);
        let secrets = Arc::clone(&self.secrets);
        self.readers.spawn(async move {
            let params = params(&attempt.kind, &attempt.params, &secrets).await;
            (attempt, params)
        });
    }

    /// Notes that an attempt is to be cancelled; says whether it is one of these.
    pub(super) fn cancel(&mut self, task: TaskId, lease: LeaseId) -> bool {
        let is_here = self.waiting.contains_key(&(task, lease));
        if is_here {
            self.cancelled.insert((task, lease));
        }
        is_here
    }

    /// Lets go of all of them; answers how each has ended: none has begun.
    pub(super) fn give_back(&mut self) -> Vec<Report> {
        self.readers = JoinSet::new();
        let cancelled = std::mem::take(&mut self.cancelled);
        let end = |(key, generation): ((TaskId, LeaseId), u32)| {
            let outcome = if cancelled.contains(&key) { Outcome::Cancelled } else { Outcome::Interrupted };
            ended(key.0, key.1, generation, outcome)
        };
        self.waiting.drain().map(end).collect()
    }

    /// The next attempt whose secrets were read; none if there is none to wait for.
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Resolved> {
        let (mut attempt, params) = self.readers.join_next().await?.expect("reading secrets does not panic");
        let key = (attempt.task, attempt.lease);
        self.waiting.remove(&key);
        let is_cancelled = self.cancelled.remove(&key);
        let failure = params.map(|params| attempt.params = params).err();
        Some(Resolved { attempt, failure, is_cancelled })
    }
}

fn failed(code: &str, message: String) -> Outcome {
    Outcome::Failed { fatal: false, delay: None, code: code.to_owned(), message }
}

/// The params with their secrets. A failure names the reference or the place, never a value; it may be mended before the next
/// attempt, so it is not fatal.
async fn params(kind: &Kind, params: &[u8], secrets: &Reads) -> Result<Vec<u8>, Outcome> {
    let json = String::from_utf8_lossy(params);
    let resolved =
        secrets.resolve(&json).await.map_err(|unresolved| failed("secret", format!("{unresolved} (in the params)")))?;
    if resolved.len() > PARAMS_MAX {
        let message = format!("with their secrets the params are {} bytes, the limit is {PARAMS_MAX}", resolved.len());
        return Err(failed("params", message));
    }
    let value = serde_json::from_str(&resolved).map_err(|error| failed("params", error.to_string()))?;
    match kind.check_params(&value).first() {
        None => Ok(resolved.into_bytes()),
        Some(error) => {
            let (place, message) = (&error.pointer, &error.message);
            Err(failed("params", format!("with their secrets the params do not fit the kind: at `{place}`: {message}")))
        }
    }
}

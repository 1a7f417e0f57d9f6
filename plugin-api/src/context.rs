//! What a task waits with: [`Context`] for async tasks, [`BlockingContext`] for blocking ones.
//!
//! Not here: what both have in common (`attempt`), how a task is polled (`shim`). Start at [`Context`].

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::attempt::{Attempt, STOP, Ticket};
use crate::host::now_ms;
use crate::outcome::{TaskResult, whole_ms};
use crate::wait::{Condition, Key};

/// How long a blocking task waits for a save at a time.
const SAVE_WAIT_MS: u32 = 1_000;

/// Comes true with its condition. Dropping it leaves nothing behind.
struct Wait<'a> {
    attempt: &'a Attempt,
    condition: Condition,
    key: Option<Key>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<()> {
        let attempt = self.attempt;
        if attempt.is_met(self.condition) {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        if let Some(key) = self.key {
            let old = attempt.waits().replace(key, waker);
            drop(old);
        } else {
            let key = attempt.waits().insert(self.condition, waker);
            self.key = Some(key);
        }
        attempt.arm();
        // On a thread of the plugin's own the host may have polled, and found nobody waiting, between the two.
        if attempt.is_met(self.condition) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.attempt.waits().remove(key);
            drop(waker);
        }
    }
}

/// What an async task is given. Clones are handles on the same attempt. All that does not wait is on [`Attempt`].
#[derive(Clone)]
pub struct Context(Arc<Attempt>);

impl Context {
    pub(crate) fn new(attempt: Arc<Attempt>) -> Self {
        Self(attempt)
    }

    fn wait(&self, condition: Condition) -> Wait<'_> {
        Wait { attempt: &self.0, condition, key: None }
    }

    /// Waits. Any number of sleeps may run at once. A wait of minutes is better a [`TaskError::suspend`](crate::TaskError::suspend), which needs no memory.
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + '_ {
        self.wait(Condition::Time(now_ms().saturating_add(whole_ms(duration))))
    }

    /// Comes true when the task [is cancelled](Attempt::is_cancelled), for `select!` beside the work.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + '_ {
        self.wait(Condition::Flags(STOP))
    }

    /// Waits until a save is durable.
    ///
    /// # Errors
    /// [`TaskError::cancelled`](crate::TaskError::cancelled) if the task is no longer this attempt's, else a retry with the code `state`.
    pub async fn saved(&self, ticket: Ticket) -> TaskResult<()> {
        self.wait(Condition::Save(ticket.0)).await;
        self.0.save_ended(ticket.0, 0).unwrap_or(Ok(()))
    }

    /// Saves `state`, waits until it is durable, and ends the task here (by an error for `?`) if it should stop.
    ///
    /// # Errors
    /// Those of [`save`](Attempt::save), [`saved`](Self::saved) and [`stop_point`](Attempt::stop_point).
    pub async fn checkpoint<S: Serialize + Sync + ?Sized>(&self, state: &S) -> TaskResult<()> {
        let ticket = self.0.save(state)?;
        self.saved(ticket).await?;
        self.0.stop_point()
    }

    /// Does `work` once: its result is saved and waited for, and whoever asks for the step `name` in a later attempt of this
    /// task is given that result instead. As [`checkpoint`](Self::checkpoint), it ends a task that should stop.
    ///
    /// ```
    /// # use plugin_api::prelude::*;
    /// # async fn charge(key: String) -> TaskResult<u64> { Ok(key.len() as u64) }
    /// # async fn example(cx: &Context) -> TaskResult<()> {
    /// let receipt = cx.step("charge", || charge(cx.idempotency_key_of("charge"))).await?;
    /// cx.step("mail", || async {
    ///     info!(receipt, "sending the receipt");
    ///     Ok(())
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// A crash between the end of `work` and the save repeats it: what must not happen twice takes an
    /// [`idempotency_key_of`](Attempt::idempotency_key_of) the step. Results are kept beside the state until the task ends,
    /// within the host's limit for a state (1 MiB). Steps of one task have different names; in a loop the name has a number.
    /// With another [`state_version`](crate::Defaults::state_version) steps are done anew.
    ///
    /// # Errors
    /// Those of `work`, with which nothing is kept; those of [`checkpoint`](Self::checkpoint); fatal, code `step`, if the name
    /// was used in this attempt before, or if the result cannot be written as JSON or read again.
    pub async fn step<T, W, F>(&self, name: &str, work: W) -> TaskResult<T>
    where
        T: Serialize + DeserializeOwned,
        W: FnOnce() -> F,
        F: Future<Output = TaskResult<T>>,
    {
        if let Some(result) = self.0.saved_step(name)? {
            return Ok(result);
        }
        let result = work().await?;
        let ticket = self.0.save_step(name, &result)?;
        self.saved(ticket).await?;
        self.0.stop_point()?;
        Ok(result)
    }
}

impl Deref for Context {
    type Target = Attempt;

    fn deref(&self) -> &Attempt {
        &self.0
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Context").field(&self.0.task_id()).finish()
    }
}

/// What a blocking task is given. Clones are handles on the same attempt. All that does not wait is on [`Attempt`].
#[derive(Clone)]
pub struct BlockingContext(Arc<Attempt>);

impl BlockingContext {
    pub(crate) fn new(attempt: Arc<Attempt>) -> Self {
        Self(attempt)
    }

    /// Blocks until a save is durable.
    ///
    /// # Errors
    /// [`TaskError::cancelled`](crate::TaskError::cancelled) if the task is no longer this attempt's, else a retry with the code `state`.
    pub fn saved(&self, ticket: Ticket) -> TaskResult<()> {
        loop {
            if let Some(ended) = self.0.save_ended(ticket.0, SAVE_WAIT_MS) {
                return ended;
            }
        }
    }

    /// Saves `state`, blocks until it is durable, and ends the task here (by an error for `?`) if it should stop.
    ///
    /// # Errors
    /// Those of [`save`](Attempt::save), [`saved`](Self::saved) and [`stop_point`](Attempt::stop_point).
    pub fn checkpoint<S: Serialize + ?Sized>(&self, state: &S) -> TaskResult<()> {
        let ticket = self.0.save(state)?;
        self.saved(ticket)?;
        self.0.stop_point()
    }

    /// Does `work` once, as [`Context::step`].
    ///
    /// ```
    /// # use plugin_api::prelude::*;
    /// # fn example(cx: &BlockingContext) -> TaskResult<()> {
    /// let bytes = cx.step("copy", || Ok(std::fs::copy("from", "to")?))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`Context::step`].
    pub fn step<T, W>(&self, name: &str, work: W) -> TaskResult<T>
    where
        T: Serialize + DeserializeOwned,
        W: FnOnce() -> TaskResult<T>,
    {
        if let Some(result) = self.0.saved_step(name)? {
            return Ok(result);
        }
        let result = work()?;
        let ticket = self.0.save_step(name, &result)?;
        self.saved(ticket)?;
        self.0.stop_point()?;
        Ok(result)
    }
}

impl Deref for BlockingContext {
    type Target = Attempt;

    fn deref(&self) -> &Attempt {
        &self.0
    }
}

impl fmt::Debug for BlockingContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlockingContext").field(&self.0.task_id()).finish()
    }
}

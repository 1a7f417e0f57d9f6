//! Threads for kinds that block: made on demand, kept a while, then ended.
//!
//! Their number has no limit of its own: slots of queues bound how many attempts run. Not here: limits in time
//! (`poller`). Start at [`Pool::run`].

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use plugin_api::abi;

use super::Attempt;
use super::attempt::Answer;
use super::ctx::Ctx;
use super::mailbox::{HOLDS, Message};

/// How long a thread waits for the next attempt before it ends.
const KEPT: Duration = Duration::from_secs(10);

/// An attempt that is about to enter a blocking kind.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) ctx: Arc<Ctx>,
    pub(super) attempt: Attempt,
    /// Monotonic milliseconds; 0 for none.
    pub(super) deadline_ms: u64,
}

impl Job {
    /// Enters the plugin, and leaves it for good: the task is dropped when this answers.
    fn run(&self) -> Answer {
        match self.ctx.kind.code.create(&self.ctx, &self.attempt, self.deadline_ms) {
            None => Answer::Refused,
            Some(mut task) => {
                self.ctx.begin_poll();
                match task.poll() {
                    abi::READY => Answer::Ready,
                    abi::PENDING => Answer::Pending,
                    unknown => Answer::Unknown(unknown),
                }
            }
        }
    }
}

/// The threads of one generation.
#[derive(Debug)]
pub(super) struct Pool {
    name: String,
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Jobs that wait or are inside the plugin.
    unfinished: usize,
    idle: usize,
    threads: usize,
}

impl Pool {
    pub(super) fn new(name: String) -> Arc<Self> {
        Arc::new(Self { name, queue: Mutex::default(), arrived: Condvar::new() })
    }

    /// Runs it on a thread that waits, or on a new one.
    ///
    /// # Errors
    /// What the system said, if there is no thread at all and none can be made; the job is dropped. While there are some,
    /// the job waits for one of them.
    pub(super) fn run(self: &Arc<Self>, job: Job) -> io::Result<()> {
        let mut queue = self.queue.lock().expect(HOLDS);
        queue.jobs.push_back(job);
        queue.unfinished += 1;
        if queue.idle >= queue.jobs.len() {
            self.arrived.notify_one();
            return Ok(());
        }
        let pool = Arc::clone(self);
        let spawned = thread::Builder::new().name(self.name.clone()).spawn(move || pool.work());
        match spawned {
            Ok(_) => queue.threads += 1,
            Err(error) if queue.threads == 0 => {
                queue.jobs.pop_back();
                queue.unfinished -= 1;
                return Err(error);
            }
            Err(error) => tracing::warn!(%error, pool = self.name, "No further thread could be started."),
        }
        Ok(())
    }

    /// Whether no job waits and none is inside the plugin.
    pub(super) fn is_left(&self) -> bool {
        self.queue.lock().expect(HOLDS).unfinished == 0
    }

    fn work(&self) {
        let mut queue = self.queue.lock().expect(HOLDS);
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                let answer = job.run();
                queue = self.queue.lock().expect(HOLDS);
                // Before it is told: who hears that the last attempt is over may look whether the plugin is left.
                queue.unfinished -= 1;
                job.ctx.mailbox.push(Message::Returned(job.ctx.key, answer));
                continue;
            }
            queue.idle += 1;
            let waited = self.arrived.wait_timeout_while(queue, KEPT, |queue| queue.jobs.is_empty());
            queue = waited.expect(HOLDS).0;
            queue.idle -= 1;
            if queue.jobs.is_empty() {
                queue.threads -= 1;
                return;
            }
        }
    }
}

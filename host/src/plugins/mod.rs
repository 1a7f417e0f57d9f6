//! Native plugins: found, checked, loaded, and their tasks run.
//!
//! Not here: which task runs when (`services`), what an end means for the task (`taskhost_core::task::step`).
//! Start at [`Kinds`] and [`Executor`], the two ports that services and `Host` see; [`Registry`] and [`InProcess`]
//! stand behind them.

mod attempt;
mod blocking;
pub mod catalog;
pub mod check;
mod config_schema;
mod ctx;
pub mod describe;
mod ending;
mod error;
mod ffi;
mod follow_up;
mod followers;
mod in_process;
mod integers;
mod kind;
mod loader;
mod log;
mod mailbox;
mod misfit;
mod poller;
mod registry;
mod secrets;
mod shelf;
mod source;
mod stage;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use taskhost_core::ids::{KindName, LeaseId, QueueName, TaskId};
use taskhost_core::log::LogChunk;
use taskhost_core::submit::NewTask;
use taskhost_core::suggest;
use taskhost_core::time::UnixMicros;
use taskhost_core::view::Progress;

pub use self::error::{LoadError, ScanError};
pub use self::followers::{Follower, Followers};
pub use self::in_process::InProcess;
pub use self::kind::{Kind, ParamError};
pub use self::log::LiveLog;
pub use self::registry::{Changes, Glance, PluginSettings, Registry, Search, SettingsError};
pub(crate) use self::stage::is_library_name;

/// A plugin as operators see it.
#[derive(Debug, Clone)]
pub struct PluginView {
    /// Its name, or its file's name if it could not say.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Which loaded copy serves, from 1; 0 for none.
    pub generation: u32,
    /// How many copies were loaded before and are not unloaded.
    pub retired: u32,
    /// The file it came from.
    pub path: std::path::PathBuf,
    /// SHA-256 of the file that serves, hexadecimal.
    pub sha256: String,
    /// Its kinds.
    pub kinds: Vec<KindName>,
    /// Why what the file holds now does not serve. With a generation: the one before goes on serving.
    pub error: Option<String>,
}

/// The kinds that the loaded plugins provide.
pub trait Kinds: Send + Sync + Debug {
    /// The kind of this name.
    fn find(&self, name: &KindName) -> Option<Arc<Kind>>;
    /// Every kind, sorted by name.
    fn all(&self) -> Vec<Arc<Kind>>;
    /// Every plugin, also those refused, sorted by name.
    fn plugins(&self) -> Vec<PluginView>;
    /// The config of a plugin as people may see it: what its schema marks as secret (`writeOnly`) is hidden, and all of it while
    /// nobody can say what is.
    fn shown_config(&self, _plugin: &str, _config: Value) -> Value {
        Value::from(secrets::HIDDEN)
    }
    /// The known kind that is most like `unknown`, for "did you mean".
    fn closest(&self, unknown: &str) -> Option<KindName> {
        let kinds = self.all();
        let closest = suggest::closest(unknown, kinds.iter().map(|kind| kind.name.as_str()))?;
        kinds.iter().map(|kind| &kind.name).find(|name| name.as_str() == closest).cloned()
    }
}

/// Checks the follow-up tasks that plugins ask for.
pub trait FollowUps: Send + Sync + Debug {
    /// Makes a task of what an attempt of `parent` asks for, everything checked and every default filled in. Its id is to be
    /// replaced by the one that derives from the task that asks ([`TaskId::derived`]).
    /// # Errors
    /// Why it will not do, for people; shows no params.
    fn prepare(&self, parent: &Kind, asked: &FollowUp<'_>) -> Result<NewTask, String>;
}

/// A follow-up task as a plugin asks for it, nothing checked.
#[derive(Debug, Clone, Copy)]
pub struct FollowUp<'a> {
    /// The name of the kind.
    pub kind: &'a [u8],
    /// JSON; nothing is the empty object.
    pub params: &'a [u8],
    /// JSON: an object with the optional fields of `POST /tasks`; may be nothing.
    pub options: &'a [u8],
}

/// One call of a kind for a task.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The task.
    pub task: TaskId,
    /// The lease under which it runs; every report carries it.
    pub lease: LeaseId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The queue that the task is of.
    pub queue: QueueName,
    /// The kind that runs; keeps its generation alive.
    pub kind: Arc<Kind>,
    /// JSON.
    pub params: Vec<u8>,
    /// The last checkpoint; empty if there is none.
    pub state: Vec<u8>,
    /// JSON: `max_attempts`, `queue`, `job`, `nominal_at`.
    pub context: Vec<u8>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// How many follow-ups of the task are committed: those of this attempt are numbered from here on.
    pub follow_ups: u32,
}

/// What an attempt says while it runs, and at its end.
#[derive(Debug)]
pub enum Report {
    /// It saved a checkpoint and waits to hear that it is durable ([`Executor::saved`]).
    Saved {
        /// The task.
        task: TaskId,
        /// The lease it runs under.
        lease: LeaseId,
        /// Names this save to the attempt.
        ticket: u64,
        /// JSON.
        state: Vec<u8>,
        /// The tasks that it made since the save before.
        follow_ups: Vec<NewTask>,
        /// What it logged since the report before.
        log: Vec<LogChunk>,
    },
    /// It has logged.
    Logged {
        /// The task.
        task: TaskId,
        /// The lease it runs under.
        lease: LeaseId,
        /// What it logged since the report before.
        log: Vec<LogChunk>,
    },
    /// It is over. Reported exactly once for each [`Attempt`] started.
    Ended {
        /// The task.
        task: TaskId,
        /// The lease it ran under.
        lease: LeaseId,
        /// Which generation of the plugin ran it.
        generation: u32,
        /// How.
        outcome: Outcome,
        /// What it had reported last.
        progress: Option<Progress>,
        /// The tasks that it made since its last save.
        follow_ups: Vec<NewTask>,
        /// What it logged since the report before.
        log: Vec<LogChunk>,
    },
}

/// How an attempt ended, in the host's words.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It did its work; the result as JSON.
    Done(Vec<u8>),
    /// It failed.
    Failed {
        /// Trying again cannot help.
        fatal: bool,
        /// The wait that the failure itself asks for.
        delay: Option<Duration>,
        /// A short word for programs: `panic`, `error`, what the plugin gave.
        code: String,
        /// What people read.
        message: String,
    },
    /// It wants to go on later, from this state (JSON).
    Suspended {
        /// When.
        until: UnixMicros,
        /// JSON.
        state: Vec<u8>,
    },
    /// What it works with asked to slow down until then.
    RateLimited {
        /// When.
        until: UnixMicros,
        /// What people read.
        message: String,
    },
    /// The host stopped it: drain or shutdown.
    Interrupted,
    /// It stopped because it was asked to cancel.
    Cancelled,
    /// It was told to stop after its timeout and did not finish within the grace.
    TimedOut(Duration),
}

/// Runs attempts in plugin code. Every call returns at once.
///
/// Reports go, in vectors, into the channel that the executor was made with.
pub trait Executor: Send + Sync + Debug {
    /// Enters the plugin for each attempt.
    fn start(&self, attempts: Vec<Attempt>);
    /// Tells a running attempt to cancel; after the grace an async one is dropped and reported [`Outcome::Cancelled`].
    fn cancel(&self, task: TaskId, lease: LeaseId);
    /// A save is durable.
    fn saved(&self, task: TaskId, lease: LeaseId, ticket: u64);
    /// The lines of an attempt before this place are stored.
    fn logged(&self, task: TaskId, lease: LeaseId, end: u64);
    /// The attempt no longer holds the task: it is told, dropped if it can be, and nothing it says counts.
    fn lease_lost(&self, task: TaskId, lease: LeaseId);
    /// What a running task reported last.
    fn progress(&self, task: TaskId) -> Option<Progress>;
    /// What a running task has logged and the store may not have yet.
    fn log(&self, task: TaskId) -> Option<LiveLog>;
    /// Hears of the lines that a task logs from now on.
    fn follow_log(&self, task: TaskId) -> Follower;
    /// It ignores that it was told to stop (a blocking attempt whose timeout or cancel grace is over).
    fn is_stuck(&self, task: TaskId) -> bool;
    /// How long an attempt that is told to stop from now on may go on.
    fn set_cancel_grace(&self, grace: Duration);
    /// Tells every attempt, and each that is started from now on, to save and stop.
    fn drain(&self);
    /// Ends every attempt that still runs as [`Outcome::Interrupted`]: async ones are dropped, blocking ones left alone.
    fn give_back(&self);
    /// How many attempts run.
    fn running(&self) -> usize;
    /// After a drain: tells the plugins of these kinds, and those that it ran before, to end their threads within `limit`.
    /// A plugin whose code still runs, such as a blocking attempt that was given back, is left alone.
    ///
    /// The answer ends when each has come back; it need not be waited for.
    fn shut_down(&self, kinds: &[Arc<Kind>], limit: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

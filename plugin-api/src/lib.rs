//! All that the author of a taskhost plugin sees: the C ABI and the safe layer on it.
//!
//! A plugin is a shared library (`crate-type = ["cdylib"]`) that exports *kinds*: named task implementations. The taskhost
//! daemon loads it, shows each kind's params as a JSON Schema, and calls a kind once for each *attempt* of a task. A kind is a
//! function with [`#[task]`](macro@task): `async` (needs no thread while it waits) or `blocking`. [`plugin!`] exports it.
//!
//! ```
//! use plugin_api::prelude::*;
//!
//! /// Where a countdown begins.
//! #[params]
//! struct Countdown {
//!     /// the first number
//!     #[serde(default = "ten")]
//!     from: u64,
//! }
//!
//! fn ten() -> u64 {
//!     10
//! }
//!
//! #[output]
//! struct Counted {
//!     steps: u64,
//! }
//!
//! /// Count down and say what was counted.
//! #[task(name = "demo.countdown", attempts = 3, timeout = "1h", unit = "steps")]
//! async fn countdown(params: Countdown, cx: Context) -> TaskResult<Counted> {
//!     let done = cx.resume_from::<u64>()?.unwrap_or(0);
//!     let progress = cx.progress().total(params.from).update(done);
//!     for step in done..params.from {
//!         cx.sleep(Duration::from_millis(100)).await;
//!         progress.advance(1).message(format!("{} to go", params.from - step - 1));
//!         cx.checkpoint(&(step + 1)).await?; // saved; on a cancel or a drain the task ends here, and resumes here
//!     }
//!     info!(steps = params.from, "lift-off");
//!     Ok(Counted { steps: params.from })
//! }
//!
//! /// Burn all fuel. It blocks, so it gets a thread of its own.
//! #[task(name = "demo.burn", blocking)]
//! fn burn(cx: BlockingContext) -> TaskResult<()> {
//!     cx.stop_point()
//! }
//!
//! plugin_api::plugin!(countdown, burn; name = "demo");
//! ```
//!
//! - **Data**: [`#[params]`](macro@params) is what a kind is given, [`#[output]`](macro@output) what it gives back or saves,
//!   [`#[config]`](macro@config) what the plugin is given once. All are read, written and described by a schema; doc comments
//!   become descriptions, attributes of `serde` and `schemars` work. Numbers, texts, `Vec`s and the like need no attribute.
//! - **Errors**: `?` on any error is a failure that is worth another attempt; [`TaskError`] has the other ends, and
//!   `#[task(default_error = "fatal")]` turns `?` round. A panic is caught and told with its file, its line and the frames of
//!   the plugin (not under `panic = "abort"`).
//! - **At least once**: an attempt may run again after a crash. [`Context::checkpoint`] says where to resume;
//!   [`Context::step`] keeps the result of a step, so that a retry does not repeat it;
//!   [`idempotency_key`](Attempt::idempotency_key) is for services that see to it themselves.
//! - **Follow-ups**: [`enqueue`](Attempt::enqueue) and [`follow_up`](Attempt::follow_up) make tasks, committed together with what
//!   the task saves.
//! - **Log**: the macros of [`tracing`] (`info!(bytes, "resized")`, in the prelude) and of the crate `log` write to the log of the
//!   task on whose thread they run; on threads of one's own [`Attempt::info`] and its siblings do.
//! - **tokio**: the feature `tokio` gives the plugin a runtime of its own, in which every task runs; the crate comes along as
//!   `plugin_api::tokio`.
//! - **Tests**: the feature `testing`, for dev-dependencies, brings `plugin_api::testing`: it runs a task without a host, moves
//!   the clock, cancels it at every await and crashes it behind every checkpoint.
//! - **What is saved** is a document of this crate: `{"v": 2, "state": …, "steps": {"mail": …}}`, with the kind's
//!   [`state_version`](Defaults::state_version) (0 if it has none), the state of the last checkpoint and the results of the
//!   steps. Under another `state_version` it is not read: the task starts anew, and its log says so.
//! - **Without macros**: `#[task]` writes an implementation of [`Task`] or [`BlockingTask`] for a type with the name of the
//!   function. Written by hand, such a type is exported by `plugin!` as well. [`serde`] and [`schemars`] come with this crate;
//!   derives of one's own are told so by `#[serde(crate = "plugin_api::serde")]` and `#[schemars(crate = "plugin_api::schemars")]`.
//!
//! [`abi`] is for other languages' mirrors and for hosts; a plugin in Rust never touches it.

pub mod abi;
mod attempt;
mod context;
#[doc(hidden)]
pub mod export;
mod follow_up;
mod frames;
mod guard;
mod host;
mod log;
mod meta;
mod outcome;
mod progress;
mod runtime;
mod shim;
mod state;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
mod wait;

pub use attempt::{Attempt, Ticket};
pub use context::{BlockingContext, Context};
pub use follow_up::{FollowUp, Priority};
pub use outcome::{TaskError, TaskResult};
pub use plugin_api_macros::{config, output, params, plugin, task};
pub use progress::Progress;
pub use schemars;
pub use serde;
pub use serde_json;
pub use task::{Backoff, BlockingTask, Defaults, NoParams, Task, TaskOutput, TaskParams};
#[cfg(feature = "tokio")]
pub use tokio;
pub use tracing;

/// What most plugins use: `use plugin_api::prelude::*;`.
pub mod prelude {
    pub use std::path::{Path, PathBuf};
    pub use std::time::Duration;

    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
    pub use tracing::{debug, error, info, trace, warn};

    pub use crate::{Backoff, BlockingContext, BlockingTask, Context, Defaults, Priority, Task, TaskError, TaskResult};
    pub use crate::{config, output, params, task};
}

/// The plugins of the front page and of the guide compile, and its tests pass.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    mod readme {}
    #[cfg(feature = "testing")]
    #[doc = include_str!("../../docs/guide/plugins.md")]
    mod guide {}
}

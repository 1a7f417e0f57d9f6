//! All that the author of a taskhost plugin sees: the C ABI and the safe layer on it.
//!
//! A plugin is a shared library (`crate-type = ["cdylib"]`) that exports *kinds*: named task implementations. The taskhost
//! daemon loads it, shows each kind's params as a JSON Schema, and calls a kind once for each *attempt* of a task. A kind is a
//! type that implements [`Task`] (async, needs no thread while it waits) or [`BlockingTask`] (may block); [`plugin!`] exports it.
//!
//! ```
//! use plugin_api::prelude::*;
//!
//! /// Count down and say what was counted.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(crate = "plugin_api::serde", deny_unknown_fields)]
//! #[schemars(crate = "plugin_api::schemars")]
//! struct Countdown {
//!     /// where to begin
//!     from: u64,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! #[serde(crate = "plugin_api::serde")]
//! #[schemars(crate = "plugin_api::schemars")]
//! struct Counted {
//!     steps: u64,
//! }
//!
//! impl Task for Countdown {
//!     const NAME: &'static str = "demo.countdown";
//!     const DEFAULTS: Defaults = Defaults::new().attempts(3).unit("steps");
//!     type Params = Self;
//!     type Output = Counted;
//!
//!     async fn run(params: Self, cx: Context) -> TaskResult<Counted> {
//!         let done = cx.resume_from::<u64>()?.unwrap_or(0);
//!         let progress = cx.progress().total(params.from).update(done);
//!         for step in done..params.from {
//!             cx.sleep(Duration::from_millis(100)).await;
//!             progress.advance(1).message(format!("{} to go", params.from - step - 1));
//!             cx.checkpoint(&(step + 1)).await?; // saved; on a cancel or a drain the task ends here, and resumes here
//!         }
//!         cx.info("lift-off");
//!         Ok(Counted { steps: params.from })
//!     }
//! }
//!
//! plugin_api::plugin! { name: "demo", tasks: [Countdown] }
//! ```
//!
//! - **Errors**: `?` on any error is a failure that is worth another attempt; [`TaskError`] has the other ends. A panic is
//!   caught and told with its file and line (not under `panic = "abort"`).
//! - **At least once**: an attempt may run again after a crash. What must not happen twice is guarded by the task itself;
//!   [`Context::checkpoint`] says where to resume.
//! - **Derives**: `serde` and `schemars` come with this crate; the derives are told so by the `crate` attributes above. A crate
//!   that depends on the two itself needs no such attributes.
//!
//! [`abi`] is for other languages' mirrors and for hosts; a plugin in Rust never touches it.

pub mod abi;
mod attempt;
mod context;
#[doc(hidden)]
pub mod export;
mod guard;
mod host;
mod meta;
mod outcome;
mod progress;
mod shim;
mod task;
mod wait;

pub use attempt::{Attempt, Ticket};
pub use context::{BlockingContext, Context};
pub use outcome::{TaskError, TaskResult};
pub use progress::Progress;
pub use schemars;
pub use serde;
pub use serde_json;
pub use task::{Backoff, BlockingTask, Defaults, NoParams, Task, TaskOutput, TaskParams};

/// What most plugins use: `use plugin_api::prelude::*;`.
pub mod prelude {
    pub use std::time::Duration;

    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};

    pub use crate::{Backoff, BlockingContext, BlockingTask, Context, Defaults, Task, TaskError, TaskResult};
}

/// The plugin of the front page compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

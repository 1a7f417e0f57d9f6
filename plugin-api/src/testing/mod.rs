//! The test kit: runs a task inside the test, without a host.
//!
//! For dev-dependencies alone; a plugin that is shipped must not carry it:
//!
//! ```toml
//! [dev-dependencies]
//! plugin-api = { version = "0.1", features = ["testing"] }
//! ```
//!
//! A [`Run`] says what the attempt is given, [`finish`](Run::finish) runs it, and the [`Outcome`] says how it ended and all
//! that it told the host. Time stands still except where the task waits for it, so an hour of [`sleep`](crate::Context::sleep)
//! takes none.
//!
//! ```
//! use plugin_api::prelude::*;
//! use plugin_api::serde_json::json;
//! use plugin_api::testing::Run;
//!
//! #[params]
//! struct Greet {
//!     names: Vec<String>,
//! }
//!
//! #[task(name = "demo.greet", unit = "greetings")]
//! async fn greet(params: Greet, cx: Context) -> TaskResult<usize> {
//!     let done = cx.resume_from()?.unwrap_or(0);
//!     let progress = cx.progress().total(params.names.len() as u64);
//!     for (number, name) in params.names.iter().enumerate().skip(done) {
//!         cx.sleep(Duration::from_hours(1)).await;
//!         info!(name, "hello");
//!         cx.enqueue("mail.send", &json!({ "to": name }))?;
//!         progress.advance(1);
//!         cx.checkpoint(&(number + 1)).await?;
//!     }
//!     Ok(params.names.len())
//! }
//!
//! let run = Run::of::<greet>(json!({ "names": ["ada", "bob"] }));
//!
//! let end = run.finish();
//! assert_eq!(end.ok::<usize>(), 2);
//! end.logged("hello").progressed(2, 2);
//! assert_eq!(end.slept(), Duration::from_hours(2));
//! assert_eq!(end.follow_ups()[1].params, json!({ "to": "bob" }));
//!
//! // Told to stop wherever it waits, it stops; and after a crash behind any checkpoint it ends as if there had been none.
//! run.cancel_at_every_await(|_| {});
//! run.for_each_crash(|end| assert_eq!(end.follow_ups().len(), 2));
//! ```
//!
//! What the kit does not do: it checks params against no schema (the host does), and it does not move the clocks of the
//! operating system or of tokio. Not here for plugins alone: `Context` and all else that a task uses is the real thing.

mod config;
#[doc(hidden)]
pub mod ctx;
mod explore;
#[doc(hidden)]
pub mod host;
mod outcome;
mod run;

pub(crate) use config::given as given_config;
pub use outcome::{FollowUp, LogLine, Outcome, Report};
pub use run::Run;

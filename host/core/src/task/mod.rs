//! The life of a task: its states, what can happen to it, and what it then becomes.
//!
//! Not here: what a task carries (params, results, errors: [`crate::submit`], [`crate::view`]) and where it is kept.
//! Start at [`step`]; the diagram in `docs/task-states.md` is printed from it by [`diagram`].

mod diagram;
mod event;
mod state;
mod step;
#[cfg(test)]
mod walk;

pub use diagram::diagram;
pub use event::{End, Event, OnFailed};
pub use state::{CancelReason, DeadReason, Status, StatusError, Task, TaskState, WaitReason};
pub use step::{INTERRUPTIONS_MAX, Rejected, SUSPENSIONS_MAX, Step, step};

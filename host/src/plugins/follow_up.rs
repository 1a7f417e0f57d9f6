//! The follow-up tasks that an attempt has made since its last save.
//!
//! Not here: whether one will do ([`FollowUps`](super::FollowUps)), keeping them (`store`). Start at [`Made::push`].

use taskhost_core::ids::TaskId;
use taskhost_core::submit::NewTask;

/// How many may wait for one commit.
const COUNT_MAX: usize = 1_000;
/// How large their params may be together, in bytes.
const BYTES_MAX: usize = 16 << 20;

/// Follow-ups that wait for the next save of their attempt, or for its end.
#[derive(Debug)]
pub(super) struct Made {
    /// The number of the next one, counted over all attempts of the task.
    ordinal: u32,
    bytes: usize,
    tasks: Vec<NewTask>,
}

impl Made {
    /// None yet; `committed` were made before, by this task.
    pub(super) fn after(committed: u32) -> Self {
        Self { ordinal: committed, bytes: 0, tasks: Vec::new() }
    }

    /// Adds one under the id that derives from its parent and its number; the error says why there is no room.
    pub(super) fn push(&mut self, parent: TaskId, new: NewTask) -> Result<TaskId, String> {
        let bytes = self.bytes + new.params.len();
        if self.tasks.len() == COUNT_MAX {
            return Err(format!("{COUNT_MAX} of them wait already, save the state to commit them"));
        }
        if bytes > BYTES_MAX {
            return Err(format!(
                "with it the params of those that wait are over {BYTES_MAX} bytes, save the state to commit them"
            ));
        }
        let id = TaskId::derived(parent, u64::from(self.ordinal));
        self.ordinal = self.ordinal.checked_add(1).ok_or("the task has made more of them than can be counted")?;
        self.bytes = bytes;
        self.tasks.push(NewTask { id, ..new });
        Ok(id)
    }

    /// Takes those that wait; the numbers go on.
    pub(super) fn take(&mut self) -> Vec<NewTask> {
        self.bytes = 0;
        std::mem::take(&mut self.tasks)
    }
}

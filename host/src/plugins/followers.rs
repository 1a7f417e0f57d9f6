//! Who waits for new lines in the log of a task. Costs nothing while nobody does.
//!
//! Not here: the lines (`log`). Start at [`Followers::follow`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use taskhost_core::ids::TaskId;
use tokio::sync::watch;

/// Everybody who waits. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Followers(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// How many tasks are waited for: looked at for each line.
    count: AtomicUsize,
    tasks: Mutex<HashMap<TaskId, watch::Sender<()>>>,
}

impl Followers {
    /// Hears of the lines of a task that come from now on.
    pub fn follow(&self, task: TaskId) -> Follower {
        let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = tasks.entry(task).or_default().subscribe();
        self.0.count.store(tasks.len(), SeqCst);
        drop(tasks);
        Follower { task, heard: Some(heard), followers: self.clone() }
    }

    /// There is a new line, which whoever looks now sees.
    pub(crate) fn tell(&self, task: TaskId) {
        if self.0.count.load(SeqCst) == 0 {
            return;
        }
        let tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = tasks.get(&task) {
            told.send_replace(());
        }
    }
}

/// Waits for lines of one task.
#[derive(Debug)]
pub struct Follower {
    task: TaskId,
    heard: Option<watch::Receiver<()>>,
    followers: Followers,
}

impl Follower {
    /// Ends when there are lines since the last call, or since it follows.
    /// # Cancel safety
    /// What came is told by the next call.
    pub async fn changed(&mut self) {
        if let Some(heard) = &mut self.heard {
            // The sender lives as long as anybody listens to it.
            heard.changed().await.ok();
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut tasks = self.followers.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        self.heard = None;
        if tasks.get(&self.task).is_some_and(|told| told.receiver_count() == 0) {
            tasks.remove(&self.task);
        }
        self.followers.0.count.store(tasks.len(), SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_told_to_those_who_follow_their_task_and_nobody_is_left_behind() {
        let (one, other) = (TaskId::from_bytes([1; 16]), TaskId::from_bytes([2; 16]));
        let followers = Followers::default();
        followers.tell(one);
        let (mut first, second) = (followers.follow(one), followers.follow(one));
        let mut elsewhere = followers.follow(other);
        followers.tell(one);
        first.changed().await;
        assert!(tokio::select! { biased; () = elsewhere.changed() => false, () = std::future::ready(()) => true });
        drop((first, elsewhere));
        assert_eq!(followers.0.count.load(SeqCst), 1);
        drop(second);
        assert_eq!(followers.0.count.load(SeqCst), 0);
    }
}

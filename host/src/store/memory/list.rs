//! Lists of tasks, the newest first.

use taskhost_core::ids::{KindName, TaskId};
use taskhost_core::query::{TaskCursor, TaskFilter, TaskQuery};
use taskhost_core::view::{Page, TaskSummary, TaskView};

use super::world::{Kept, World};

/// A filter, and the kinds whose params may be searched.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    filter: &'a TaskFilter,
    kinds: &'a [KindName],
}

impl<'a> Wanted<'a> {
    pub(super) fn of(filter: &'a TaskFilter, kinds: &'a [KindName]) -> Self {
        Self { filter, kinds }
    }

    /// Whether the filter finds this task.
    pub(super) fn is(&self, kept: &Kept) -> bool {
        let submitted = &kept.view.submitted;
        let job = submitted.origin.as_ref().map(|origin| &origin.job);
        let TaskFilter { queue, kind, job: of_job, tag, text } = self.filter;
        queue.as_ref().is_none_or(|queue| submitted.queue == *queue)
            && kind.as_ref().is_none_or(|kind| submitted.kind == *kind)
            && of_job.as_ref().is_none_or(|of_job| job == Some(of_job))
            && tag.as_ref().is_none_or(|tag| submitted.tags.contains(tag))
            && text.as_ref().is_none_or(|text| self.has(&kept.view, text.as_str()))
    }

    fn has(&self, view: &TaskView, text: &str) -> bool {
        // A whole id finds that task alone.
        if let Ok(id) = text.parse::<TaskId>() {
            return view.id() == id;
        }
        let in_params = || view.submitted.params.windows(text.len()).any(|part| part == text.as_bytes());
        view.id().to_string().contains(text) || self.kinds.contains(&view.submitted.kind) && in_params()
    }
}

impl World {
    pub(super) fn list(&self, query: &TaskQuery, kinds: &[KindName]) -> Page {
        let wanted = Wanted::of(&query.filter, kinds);
        let before = query.after.map_or(u64::MAX, TaskCursor::number);
        let is_wanted =
            |kept: &Kept| (query.statuses.is_empty() || query.statuses.contains(&kept.status())) && wanted.is(kept);
        let mut found = self.tasks.range(..before).rev().filter(|(_, kept)| is_wanted(kept));
        let here: Vec<_> = found.by_ref().take(query.limit.get() as usize).collect();
        let more = found.next();
        let next = here.last().filter(|_| more.is_some()).map(|(number, _)| TaskCursor::at(**number));
        Page { tasks: here.into_iter().map(|(_, kept)| summary(&kept.view)).collect(), next }
    }
}

fn summary(view: &TaskView) -> TaskSummary {
    let submitted = &view.submitted;
    TaskSummary {
        id: submitted.id,
        kind: submitted.kind.clone(),
        queue: submitted.queue.clone(),
        priority: submitted.priority,
        task: view.task,
        tags: submitted.tags.clone(),
        job: submitted.origin.as_ref().map(|origin| origin.job.clone()),
        created_at: view.created_at,
        run_at: submitted.run_at,
        started_at: view.started_at,
        error: view.errors.last().map(|error| error.message.clone()),
        progress: view.progress.clone(),
        held: view.held,
    }
}

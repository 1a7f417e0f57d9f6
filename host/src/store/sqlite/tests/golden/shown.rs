//! What a store keeps, line by line, each with the version that could keep it first.
//!
//! Ids are left out: they count what was made before. Start at [`shown`].

use std::fmt::Write as _;

use taskhost_core::ids::JobName;
use taskhost_core::once::{IdempotencyKey, Once};
use taskhost_core::query::TaskQuery;
use taskhost_core::view::TaskView;

use crate::store::suite::Harness;
use crate::store::{JobSighting, Rest};

/// A line, and the version that could keep it first.
pub(super) type Line = (usize, String);

/// Everything, in the order in which it was made.
pub(super) fn shown(h: &Harness) -> Vec<Line> {
    let mut lines = Vec::new();
    for task in tasks(h) {
        let story = task.submitted.tags[0].clone();
        let since = match &*story {
            "queued, and refers" => 6,
            "queued once" => 7,
            _ => 1,
        };
        lines.push((since, format!("{story}: {}", of_task(&task))));
        let log = h.log(task.id(), 0);
        let of_log = log.pieces.iter().flat_map(|piece| piece.chunk.lines());
        lines.extend(of_log.map(|line| {
            // What the start of this daemon says of those that ran.
            let since = if line.message.starts_with("The daemon ended") { 1 } else { 4 };
            (since, format!("{story}: it said `{}`", line.message))
        }));
    }
    lines.extend(of_jobs(h));
    lines.extend(of_queues(h));
    let once = Once { key: IdempotencyKey::new("order-17").unwrap(), fingerprint: [17; 32] };
    if let Some(answer) = h.store.submitted_once(&once, h.now).unwrap() {
        let statuses: Vec<_> = answer.unwrap().iter().map(|inserted| inserted.status).collect();
        lines.push((7, format!("a key that is known: {statuses:?}")));
    }
    lines
}

/// All of them, the oldest first; the list and the tasks themselves have to agree.
fn tasks(h: &Harness) -> Vec<TaskView> {
    let page = h.store.list(&TaskQuery::default(), &[]).unwrap();
    assert_eq!(page.next, None, "all tasks are on one page");
    let of_list = page.tasks.iter().rev();
    of_list
        .map(|listed| {
            let view = h.view(listed.id);
            assert_eq!((listed.task, &listed.tags, listed.held), (view.task, &view.submitted.tags, view.held));
            view
        })
        .collect()
}

fn of_task(view: &TaskView) -> String {
    let (task, new) = (&view.task, &view.submitted);
    let mut text = format!("{:?} of {} in {}, {}", task.state, new.kind, new.queue, new.priority);
    let mut add = |what: &str, value: Option<String>| {
        if let Some(value) = value {
            write!(text, ", {what} {value}").unwrap();
        }
    };
    let json = |bytes: &Vec<u8>| match bytes.len() {
        100.. => format!("of {} bytes", bytes.len()),
        _ => String::from_utf8(bytes.clone()).unwrap(),
    };
    add("lease", Some(task.lease.as_u64().to_string()));
    add("attempt", Some(format!("{}/{}", task.attempt, task.attempts_max)));
    add("suspensions", Some(task.suspensions.to_string()).filter(|_| task.suspensions > 0));
    add("interruptions", Some(task.interruptions.to_string()).filter(|_| task.interruptions > 0));
    add("suspect", Some("yes".to_owned()).filter(|_| task.suspect));
    add("held", Some("yes".to_owned()).filter(|_| view.held));
    add("retry", serde_json::to_string(&task.retry).ok());
    add("created", Some(view.created_at.to_string()));
    add("started", view.started_at.map(|at| at.to_string()));
    add("not before", new.run_at.map(|at| at.to_string()));
    add("expires", new.expires_at.map(|at| at.to_string()));
    add("timeout", new.timeout.map(|timeout| format!("{timeout:?}")));
    add("by", Some(view.attempted_by.join(" ")).filter(|hosts| !hosts.is_empty()));
    add("from", new.origin.as_ref().map(|origin| format!("{} at {:?}", origin.job, origin.nominal_at)));
    add("params", Some(json(&new.params)));
    add("refers", Some("yes".to_owned()).filter(|_| new.refers));
    add("result", view.result.as_ref().map(json));
    add("progress", view.progress.as_ref().and_then(|progress| serde_json::to_string(progress).ok()));
    for error in &view.errors {
        add("error", serde_json::to_string(error).ok());
    }
    text
}

/// Where jobs stand, what was declared over HTTP, and what is paused.
fn of_jobs(h: &Harness) -> Vec<Line> {
    let sighting = |name| JobSighting { job: JobName::new(name).unwrap(), schedule: "every 15m".to_owned() };
    // Asked as a start asks, which changes nothing of a job that was there.
    let cursors = h.answer(h.store.adopt(vec![sighting("nightly")], Rest::Stays, h.now));
    let cursors = cursors.into_iter().map(|cursor| (1, format!("job: {cursor:?}")));
    let kept = h.store.kept().unwrap();
    let declared = kept.jobs.iter().map(|kept| (2, format!("job over HTTP: {kept:?}")));
    let pauses = kept.pauses.iter().map(|(job, since)| (2, format!("{job} is paused since {since}")));
    cursors.chain(declared).chain(pauses).collect()
}

fn of_queues(h: &Harness) -> Vec<Line> {
    let paused = h.store.queues().into_iter().filter_map(|queue| Some((queue.name, queue.paused_since?)));
    paused.map(|(queue, since)| (5, format!("queue {queue} is paused since {since}"))).collect()
}

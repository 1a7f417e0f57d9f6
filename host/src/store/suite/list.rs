//! Lists: what filters find, in which order, page by page.

use std::time::Duration;

use taskhost_core::ids::{JobName, KindName, QueueName, TaskId};
use taskhost_core::query::{PageLimit, SearchText, TaskCursor, TaskFilter, TaskQuery};
use taskhost_core::submit::{NewTask, Origin};
use taskhost_core::task::{End, Status};
use taskhost_core::view::Page;

use super::{Case, Harness, KIND, after, cases, ended, failed, failure};
use crate::store::Ending;

pub(super) const CASES: &[Case] = cases![
    a_list_of_nothing_is_empty,
    a_list_shows_the_newest_first,
    a_list_goes_on_where_a_page_ended,
    a_cursor_survives_what_comes_and_goes,
    a_status_finds_its_tasks_and_no_others,
    several_statuses_find_the_tasks_of_each,
    names_and_tags_find_their_tasks,
    a_text_finds_params_large_and_small,
    a_text_finds_parts_of_ids_and_a_whole_id_alone,
    a_text_is_not_looked_for_in_kinds_that_hide_params,
    a_listed_task_says_what_it_is,
];

fn list(h: &Harness, query: &TaskQuery) -> Page {
    h.store.list(query, &[KindName::new(KIND).unwrap()]).unwrap()
}

fn ids(page: &Page) -> Vec<TaskId> {
    page.tasks.iter().map(|task| task.id).collect()
}

/// What a filter finds; all of it is on one page.
fn found(h: &Harness, statuses: &[Status], filter: TaskFilter) -> Vec<TaskId> {
    let page = list(h, &TaskQuery { statuses: statuses.to_vec(), filter, ..TaskQuery::default() });
    assert_eq!(page.next, None);
    ids(&page)
}

fn with_text(text: &str) -> TaskFilter {
    TaskFilter { text: Some(SearchText::new(text).unwrap()), ..TaskFilter::default() }
}

fn submit_some(h: &mut Harness, count: usize) -> Vec<TaskId> {
    let tasks: Vec<_> = (0..count).map(|_| h.task()).collect();
    let mut ids: Vec<_> = tasks.iter().map(|task| task.id).collect();
    h.submit_all(tasks);
    ids.reverse();
    ids
}

fn a_list_of_nothing_is_empty(h: &mut Harness) {
    assert_eq!(list(h, &TaskQuery::default()), Page::default());
    for status in Status::ALL {
        assert_eq!(found(h, &[status], TaskFilter::default()), []);
    }
}

fn a_list_shows_the_newest_first(h: &mut Harness) {
    let newest_first = submit_some(h, 60);
    let page = list(h, &TaskQuery::default());
    assert_eq!(ids(&page), newest_first[..50]);
    assert!(page.next.is_some());
    let all = TaskQuery { limit: PageLimit::new(60).unwrap(), ..TaskQuery::default() };
    assert_eq!((ids(&list(h, &all)), list(h, &all).next), (newest_first, None));
}

fn a_list_goes_on_where_a_page_ended(h: &mut Harness) {
    let newest_first = submit_some(h, 7);
    for statuses in [vec![], vec![Status::Queued], vec![Status::Queued, Status::Dead]] {
        let mut query = TaskQuery { statuses, limit: PageLimit::new(3).unwrap(), ..TaskQuery::default() };
        let mut pages = Vec::new();
        loop {
            let page = list(h, &query);
            pages.push(ids(&page));
            query.after = page.next;
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
        assert_eq!(pages.concat(), newest_first);
    }
    for (number, count) in [(0, 0), (u64::MAX, 7)] {
        let query = TaskQuery { after: Some(TaskCursor::at(number)), ..TaskQuery::default() };
        assert_eq!(list(h, &query).tasks.len(), count, "no list gave this one, and it does no harm");
    }
}

fn a_cursor_survives_what_comes_and_goes(h: &mut Harness) {
    let newest_first = submit_some(h, 4);
    let limit = PageLimit::new(2).unwrap();
    let first = list(h, &TaskQuery { limit, ..TaskQuery::default() });
    submit_some(h, 3);
    // The task at which the page ended is pruned.
    h.cancel(newest_first[1]).unwrap();
    h.pass(Duration::from_hours(25));
    assert_eq!(h.find(newest_first[1]), None);
    let second = list(h, &TaskQuery { limit, after: first.next, ..TaskQuery::default() });
    assert_eq!((ids(&second), second.next), (newest_first[2..].to_vec(), None));
}

/// A task in each status that a call can bring it to.
fn one_of_each(h: &mut Harness) -> Vec<(Status, TaskId)> {
    let mut each = Vec::new();
    let fatally = Ending { failure: Some(failure("no")), ..ended(End::FailedFatally) };
    for (status, ending) in
        [(Status::Completed, ended(End::Done)), (Status::Dead, fatally), (Status::Retrying, failed("no"))]
    {
        let task = h.task();
        let attempt = h.start(task);
        assert_eq!(h.end(&attempt, ending), status);
        each.push((status, attempt.id));
    }
    let task = h.task();
    each.push((Status::Running, h.start(task).id));
    let run_at = Some(after(h.now, Duration::from_hours(1)));
    let waiting = [h.task(), h.task(), NewTask { run_at, ..h.task() }];
    for (task, status) in waiting.into_iter().zip([Status::Queued, Status::Cancelled, Status::Scheduled]) {
        each.push((status, h.submit(task)));
    }
    h.cancel(each[5].1).unwrap();
    each
}

fn a_status_finds_its_tasks_and_no_others(h: &mut Harness) {
    for (status, task) in one_of_each(h) {
        assert_eq!(found(h, &[status], TaskFilter::default()), [task], "{status}");
        let queue = QueueName::default();
        assert_eq!(found(h, &[status], TaskFilter { queue: Some(queue), ..TaskFilter::default() }), [task], "{status}");
        let queue = QueueName::new("other").unwrap();
        assert_eq!(found(h, &[status], TaskFilter { queue: Some(queue), ..TaskFilter::default() }), [], "{status}");
    }
}

fn several_statuses_find_the_tasks_of_each(h: &mut Harness) {
    let each = one_of_each(h);
    let statuses = [Status::Dead, Status::Running, Status::Scheduled, Status::Completed, Status::Dead];
    let mut expected: Vec<_> =
        each.iter().filter(|(status, _)| statuses.contains(status)).map(|(_, task)| *task).collect();
    expected.reverse();
    assert_eq!(found(h, &statuses, TaskFilter::default()), expected);
    assert_eq!(found(h, &Status::ALL, TaskFilter::default()).len(), each.len());
}

fn names_and_tags_find_their_tasks(h: &mut Harness) {
    let (queue, kind) = (QueueName::new("mail").unwrap(), KindName::new("email.send").unwrap());
    let job = JobName::new("nightly").unwrap();
    let origin = Some(Origin { job: job.clone(), nominal_at: None });
    let tags = vec!["red".to_owned(), "gr\"een".to_owned()];
    let tasks = [
        NewTask { queue: queue.clone(), kind: kind.clone(), ..h.task() },
        NewTask { origin, tags, ..h.task() },
        h.task(),
    ];
    let [mail, tagged, _] = tasks.map(|task| h.submit(task));
    let none = TaskFilter::default;
    assert_eq!(found(h, &[], TaskFilter { queue: Some(queue.clone()), ..none() }), [mail]);
    assert_eq!(found(h, &[], TaskFilter { kind: Some(kind.clone()), ..none() }), [mail]);
    assert_eq!(found(h, &[Status::Queued], TaskFilter { queue: Some(queue), kind: Some(kind), ..none() }), [mail]);
    assert_eq!(found(h, &[], TaskFilter { job: Some(job.clone()), ..none() }), [tagged]);
    for (tag, expected) in [("red", vec![tagged]), ("gr\"een", vec![tagged]), ("re", vec![]), ("' OR 1", vec![])] {
        assert_eq!(found(h, &[], TaskFilter { tag: Some(tag.to_owned()), ..none() }), expected, "{tag}");
    }
    let never = KindName::new("never.seen").unwrap();
    assert_eq!(found(h, &[], TaskFilter { kind: Some(never), job: Some(job), ..none() }), []);
}

fn a_text_finds_params_large_and_small(h: &mut Harness) {
    let large = format!("{{\"to\":\"{}ann@example.org\"}}", "x".repeat(2_000));
    let small = "{\"to\":\"ann@example.org\"}".to_owned();
    let other = "{\"to\":\"bob@example.org\"}".to_owned();
    let [large, small, _] = [large, small, other].map(|json| {
        let task = NewTask { params: json.into_bytes(), ..h.task() };
        h.submit(task)
    });
    assert_eq!(found(h, &[], with_text("ann@")), [small, large]);
    assert_eq!(found(h, &[Status::Queued], with_text("ann@")), [small, large]);
    assert_eq!(found(h, &[], with_text("Ann@")), [], "capitals count");
    assert_eq!(found(h, &[], with_text("example.org")).len(), 3);
}

fn a_text_finds_parts_of_ids_and_a_whole_id_alone(h: &mut Harness) {
    let first = h.task();
    let first = h.submit(first);
    let mentions = NewTask { params: format!("\"{first}\"").into_bytes(), ..h.task() };
    h.submit(mentions);
    assert_eq!(found(h, &[], with_text(&first.to_string()[20..])), found(h, &[], TaskFilter::default()));
    assert_eq!(found(h, &[], with_text(&first.to_string())), [first]);
    assert_eq!(found(h, &[Status::Dead], with_text(&first.to_string())), []);
}

fn a_text_is_not_looked_for_in_kinds_that_hide_params(h: &mut Harness) {
    let kind = KindName::new("site.login").unwrap();
    let task = NewTask { kind, params: b"{\"password\":\"hunter2\"}".to_vec(), ..h.task() };
    let id = h.submit(task);
    assert_eq!(found(h, &[], with_text("hunter2")), []);
    assert_eq!(found(h, &[], with_text(&id.to_string()[..13])), [id]);
}

fn a_listed_task_says_what_it_is(h: &mut Harness) {
    let tags = vec!["red".to_owned()];
    let origin = Some(Origin { job: JobName::new("nightly").unwrap(), nominal_at: Some(h.now) });
    let task = NewTask { tags, origin, ..h.task() };
    let attempt = h.start(task);
    h.end(&attempt, failed("first"));
    h.pass(Duration::from_secs(10));
    let attempt = h.started();
    h.end(&attempt, Ending { failure: Some(failure("second")), ..ended(End::FailedFatally) });
    let page = list(h, &TaskQuery::default());
    let (listed, view) = (&page.tasks[0], h.view(attempt.id));
    assert_eq!((listed.id, listed.task, listed.error.as_deref()), (attempt.id, view.task, Some("second")));
    assert_eq!((&listed.kind, &listed.queue), (&view.submitted.kind, &view.submitted.queue));
    assert_eq!((&listed.tags, listed.priority), (&view.submitted.tags, view.submitted.priority));
    assert_eq!(listed.job, view.submitted.origin.map(|origin| origin.job));
    assert_eq!((listed.created_at, listed.started_at, listed.run_at), (view.created_at, view.started_at, None));
    assert_eq!((listed.held, &listed.progress), (view.held, &view.progress));
}

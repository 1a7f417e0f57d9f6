//! Runs a task again and again, each time with something coming between at another place.
//!
//! Not here: a single run (`run`). Start at [`Run::for_each_crash`].

use super::ctx::{now, set_now};
use super::outcome::Outcome;
use super::run::{Run, Stop};
use crate::abi::{CANCELLED, DELAY, OK, SUSPEND};

/// How often a task may be suspended before it is taken for one without an end.
const ATTEMPTS_MAX: u32 = 1_000;

impl<Shape> Run<Shape> {
    /// Cancels the task where it waits for the first time, in a new run where it waits for the second time, and so on.
    ///
    /// Each run must end as a cancelled one (by [`TaskError::cancelled`](crate::TaskError::cancelled), which `checkpoint` and
    /// `stop_point` return, or by being dropped where it waits when two seconds of grace are over) or still be done, and its
    /// destructors must not panic. A blocking task is cancelled when it asks the host for the first time, for the second
    /// time, and so on: whether it is cancelled, or for a save.
    ///
    /// `check` sees the end of each run, the first of which is not cancelled. It is the place to look at, and to put back,
    /// what the task does to the world.
    ///
    /// # Panics
    /// If a run ends in another way, or if the task never waits.
    #[track_caller]
    pub fn cancel_at_every_await(&self, mut check: impl FnMut(&Outcome)) {
        let natural = self.finish();
        let name = self.name;
        assert!(natural.points > 0, "`{name}` never waits, so there is no place to cancel it: {natural}");
        check(&natural);
        for point in 1..=natural.points {
            let end = self.run(Stop::CancelAt(point));
            let told = end.finished.as_ref().is_none_or(|end| matches!(end.outcome, OK | CANCELLED | SUSPEND));
            assert!(
                told || end.finished == natural.finished,
                "`{name}`, cancelled at await {point} of {}, should be cancelled or done, but {end}",
                natural.points
            );
            let burst = end.logs().iter().find(|line| line.message.ends_with("(while the task was dropped)"));
            if let Some(line) = burst {
                panic!("`{name}`, cancelled at await {point} of {}, {}", natural.points, line.message);
            }
            check(&end);
        }
    }

    /// Runs the task to its end, through suspensions; then, once for each checkpoint and each step that it has saved, anew:
    /// the host dies when that is saved, all else is lost, and a later attempt goes on from it to the end.
    ///
    /// Each of these lives must end as the one without a crash: with the same result, the same follow-ups and the same steps;
    /// and the attempt that goes on must not save again what was saved before the checkpoint from which it goes on. A blocking task cannot be stopped from
    /// outside: to it the crash is a save that is lost, and a cancel.
    ///
    /// `check` sees the end of each life, the first of which has no crash. It is the place to look at, and to put back, what
    /// the task does to the world:
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    /// # use plugin_api::prelude::*;
    /// # use plugin_api::testing::Run;
    /// static SENT: AtomicU32 = AtomicU32::new(0);
    ///
    /// #[task(name = "demo.notify")]
    /// async fn notify(cx: Context) -> TaskResult<()> {
    ///     cx.step("send", || async {
    ///         SENT.fetch_add(1, SeqCst);
    ///         Ok(())
    ///     })
    ///     .await?;
    ///     cx.checkpoint("sent").await
    /// }
    ///
    /// Run::of::<notify>(plugin_api::NoParams {}).for_each_crash(|end| {
    ///     let sent = SENT.swap(0, SeqCst);
    ///     assert_eq!(sent, 1, "sent {sent} times with a crash at {:?}", end.crashed_at());
    /// });
    /// ```
    ///
    /// # Panics
    /// If a life ends otherwise, or if the task saves nothing.
    #[track_caller]
    pub fn for_each_crash(&self, mut check: impl FnMut(&Outcome)) {
        let whole = self.live(None);
        let (name, checkpoints) = (self.name, whole.documents.len());
        assert!(checkpoints > 0, "`{name}` has no checkpoint and no step, so there is no place to go on from: {whole}");
        check(&whole);
        for checkpoint in 1..=checkpoints {
            let life = self.live(Some(checkpoint));
            if let Some(fault) = fault(&whole, &life, checkpoint) {
                panic!("`{name}`, after a crash behind checkpoint {checkpoint} of {checkpoints}, {fault}");
            }
            check(&life);
        }
    }

    /// All attempts from here to the end, with a crash behind a checkpoint of all that it makes on the way.
    fn live(&self, crash_at: Option<usize>) -> Outcome {
        let mut run = self.clone();
        let mut life: Option<Outcome> = None;
        for _ in 0..ATTEMPTS_MAX {
            let saved = life.as_ref().map_or(0, |life| life.documents.len());
            let crash = crash_at.and_then(|crash_at| crash_at.checked_sub(saved)).filter(|rest| *rest > 0);
            let end = run.run(crash.map_or(Stop::Never, |rest| Stop::CrashAfter(rest as u64)));
            let goes_on = end.finished.is_none() || end.is(SUSPEND) || end.is(DELAY);
            if goes_on {
                set_now(now().saturating_add(end.wait_ms()));
                run = run.resume_after(&end);
            }
            let mut so_far = match life {
                Some(life) => life.then(end),
                None => end,
            };
            so_far.crashed_at = crash_at;
            if !goes_on {
                return so_far;
            }
            life = Some(so_far);
        }
        panic!("`{}` was suspended {ATTEMPTS_MAX} times", self.name)
    }
}

/// What is wrong with a life that crashed behind this checkpoint, in words that follow its name.
fn fault(whole: &Outcome, life: &Outcome, checkpoint: usize) -> Option<String> {
    let (before, after) = life.documents.split_at_checked(checkpoint)?;
    // To save the last one again is no more than a checkpoint too many.
    let (_, earlier) = before.split_last()?;
    let repeated = earlier.iter().position(|document| after.contains(document));
    if let Some(repeated) = repeated.filter(|_| all_differ(&whole.documents)) {
        return Some(format!(
            "saved the state of checkpoint {} again: it does not go on from the state that `resume_from` gives",
            repeated + 1
        ));
    }
    let end = |life: &Outcome| life.finished.as_ref().map(|end| (end.outcome, end.body.clone(), end.code.clone()));
    if end(life) != end(whole) {
        return Some(format!("ended otherwise than without: it {life}; without, it {whole}"));
    }
    if life.follow_ups() != whole.follow_ups() {
        let (with, without) = (kinds(life), kinds(whole));
        return Some(format!("made other follow-ups than without: {with}; without: {without}"));
    }
    let names = |life: &Outcome| life.steps().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    if names(life) != names(whole) {
        let (with, without) = (names(life).join(", "), names(whole).join(", "));
        return Some(format!("has done other steps than without: {with}; without: {without}"));
    }
    None
}

fn all_differ(documents: &[String]) -> bool {
    documents.iter().enumerate().all(|(index, document)| !documents[..index].contains(document))
}

fn kinds(life: &Outcome) -> String {
    let all: Vec<String> = life.follow_ups().iter().map(|task| format!("{} {}", task.kind, task.params)).collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

//! How attempts run and what they report.

use std::time::Duration;

use taskhost_core::ids::LeaseId;
use taskhost_core::submit::RESULT_MAX;
use taskhost_core::time::UnixMicros;

use super::super::{Attempt, Executor as _, Outcome, Report};
use super::bench::{Bench, LONG, NO_GRACE, Said, done, failed, saved};
use crate::events::{Heard, Told};

#[test]
fn a_task_is_woken_by_the_timer_by_itself_and_by_a_thread_of_its_own() {
    let mut bench = Bench::new(LONG);
    assert_eq!(bench.run("act.sleep", 5), done("{\"slept\":true}"));
    assert_eq!(bench.run("act.spin", 1_000), done("{}"));
    assert_eq!(bench.run("act.thread", 5), done("{}"));
    assert_eq!(bench.executor.running(), 0);
}

#[test]
fn each_outcome_has_its_meaning() {
    let mut bench = Bench::new(LONG);
    let said = "{\"said\":\"it\"}";
    let until = UnixMicros::from_micros(5_000_000);
    let delay = Some(Duration::from_secs(3));
    let expected = [
        done(said),
        Outcome::Failed { fatal: false, delay, code: "error".into(), message: said.into() },
        failed(true, "error", said),
        failed(true, "cancelled", "cancelled by the plugin"),
        Outcome::RateLimited { until, message: said.into() },
        Outcome::Suspended { until, state: said.into() },
        failed(false, "panic", said),
        failed(true, "error", said),
    ];
    for (number, outcome) in expected.into_iter().enumerate() {
        assert_eq!(bench.run("act.end", number), outcome, "outcome {number}");
    }
    assert_eq!(bench.run("act.refuse", 0), failed(false, "error", "not today"));
}

#[test]
fn a_breach_of_the_contract_is_a_fatal_failure() {
    let mut bench = Bench::new(LONG);
    let breach = |message| failed(true, "contract", message);
    assert_eq!(bench.run("act.forget", 0), breach("the plugin returned READY without a result"));
    assert_eq!(bench.run("act.answer", 7), breach("the plugin's `poll` returned 7"));
    assert_eq!(bench.run("act.block-wrong", 0), breach("a blocking kind returned PENDING"));
    let too_large = format!("the result has {} bytes, the most is {RESULT_MAX}", RESULT_MAX + 1);
    assert_eq!(bench.run("act.big", RESULT_MAX + 1), failed(true, "result-too-large", &too_large));
    assert!(matches!(bench.run("act.big", 0), Outcome::Failed { fatal: true, code, .. } if code == "contract"));
}

#[test]
fn only_the_first_finish_counts() {
    assert_eq!(Bench::new(LONG).run("act.twice", 0), done("1"));
}

#[test]
fn a_save_is_durable_when_the_host_says_so() {
    let mut bench = Bench::new(LONG);
    for kind in ["act.save", "act.block-save"] {
        let task = bench.start(kind, 0);
        assert_eq!(bench.report(), (task, saved(1, "{\"step\":1}")));
        bench.executor.saved(task, LeaseId::from_u64(7), 1);
        assert_eq!(bench.report(), (task, Said::Ended(done("\"saved\""))));
    }
}

#[test]
fn a_ctx_that_is_kept_after_the_end_can_do_no_harm() {
    let mut bench = Bench::new(LONG);
    assert_eq!(bench.run("act.keep", 0), done("{}"));
    // All four of its calls that may be refused were.
    assert_eq!(bench.run("act.haunt", 0), done("4"));
    assert_eq!(bench.run("act.noop", 0), done("{}"));
}

#[test]
fn progress_is_the_latest_and_goes_with_the_end() {
    let mut bench = Bench::new(NO_GRACE);
    let task = bench.start("act.progress", 0);
    assert_eq!(bench.said(), saved(1, "5"));
    let progress = bench.executor.progress(task).expect("progress");
    assert_eq!((progress.first, progress.current, progress.total, progress.message.as_str()), (2, 5, 10, "half"));
    bench.cancel(task);
    let reports = bench.reports.blocking_recv().expect("an executor");
    let [Report::Ended { progress: last, .. }] = &reports[..] else { panic!("one end") };
    assert_eq!(last.as_ref(), Some(&progress));
    assert_eq!(bench.executor.progress(task), None);
}

#[test]
fn progress_is_told_to_who_follows_it_and_the_last_before_the_end() {
    let mut bench = Bench::new(NO_GRACE);
    let mut listener = bench.events.listen();
    let unfollowed = bench.start("act.progress", 0);
    assert_eq!(bench.said(), saved(1, "5"));
    bench.cancel(unfollowed);
    bench.reports.blocking_recv().expect("an executor");
    assert_eq!(listener.hear_now(), None);
    let _following = bench.events.follow_progress();
    let task = bench.start("act.progress", 0);
    assert_eq!(bench.said(), saved(1, "5"));
    assert_eq!(listener.hear_now(), None, "it is gathered");
    bench.cancel(task);
    bench.reports.blocking_recv().expect("an executor");
    let Some(Heard::Batch(batch, 1)) = listener.hear_now() else { panic!("it is told before the end") };
    let Told::Progressed(made) = &batch.told else { panic!("nothing else is told") };
    assert_eq!((made.len(), made[0].task, made[0].progress.current), (1, task, 5));
}

#[test]
fn no_wake_from_another_thread_is_lost() {
    let mut bench = Bench::new(LONG);
    let attempts: Vec<Attempt> = (0..400_u64)
        .map(|number| Attempt {
            lease: LeaseId::from_u64(number),
            ..bench.attempt("act.thread", usize::from(number % 2 == 1))
        })
        .collect();
    bench.executor.start(attempts);
    let mut ended = 0;
    while ended < 400 {
        for report in bench.reports.blocking_recv().expect("an executor") {
            let Report::Ended { outcome, .. } = report else { panic!("only ends") };
            assert_eq!(outcome, done("{}"));
            ended += 1;
        }
    }
}

#[test]
fn a_burst_is_reported_in_a_few_vectors() {
    let mut bench = Bench::new(LONG);
    let attempts: Vec<Attempt> = (0..1_000_u64)
        .map(|number| Attempt { lease: LeaseId::from_u64(number), ..bench.attempt("act.noop", 0) })
        .collect();
    bench.executor.start(attempts);
    let (mut vectors, mut reports) = (0, 0);
    while reports < 1_000 {
        reports += bench.reports.blocking_recv().expect("an executor").len();
        vectors += 1;
    }
    assert!(reports == 1_000 && vectors < 100, "{vectors} vectors");
}

#[test]
#[cfg(target_os = "linux")]
fn two_thousand_waiting_tasks_need_one_thread() {
    let mut bench = Bench::named("crowd", NO_GRACE);
    let attempts: Vec<Attempt> = (0..2_000_u64)
        .map(|number| Attempt { lease: LeaseId::from_u64(number), ..bench.attempt("act.hang", 0) })
        .collect();
    let all: Vec<_> = attempts.iter().map(|attempt| (attempt.task, attempt.lease)).collect();
    bench.executor.start(attempts);
    assert_eq!(bench.run("act.noop", 0), done("{}"));
    assert_eq!(bench.executor.running(), 2_000);
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")).ok());
    assert_eq!(names.filter(|name| name.starts_with("crowd#")).count(), 1);
    for (task, lease) in all {
        bench.executor.cancel(task, lease);
    }
    let mut ended = 0;
    while ended < 2_000 {
        ended += bench.reports.blocking_recv().expect("an executor").len();
    }
    assert_eq!(bench.executor.running(), 0);
}

//! `cancel_at_every_await`: what it lets pass, and what it finds.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use plugin_api::NoParams;
use plugin_api::prelude::*;
use plugin_api::testing::Run;

const NOTHING: NoParams = NoParams {};

#[task(name = "kit.heeds")]
async fn heeds(cx: Context) -> TaskResult<u32> {
    for step in 0..3_u32 {
        cx.sleep(Duration::from_hours(1)).await;
        cx.checkpoint(&step).await?;
    }
    Ok(3)
}

#[test]
fn a_task_is_cancelled_at_each_place_where_it_waits() {
    let mut ends = Vec::new();
    Run::of::<heeds>(NOTHING).cancel_at_every_await(|end| ends.push((end.to_string(), end.checkpoints().len())));
    let (dropped, cancelled) = ("was dropped where it waited", "is cancelled");
    let expected = [
        ("is done with 3", 3),
        (dropped, 0),
        (cancelled, 1),
        (dropped, 1),
        (cancelled, 2),
        (dropped, 2),
        (cancelled, 3),
    ];
    assert_eq!(ends, expected.map(|(end, saves)| (end.to_owned(), saves)));
}

static ASKED: AtomicU32 = AtomicU32::new(0);

#[task(name = "kit.blocks", blocking)]
fn blocks(cx: BlockingContext) -> TaskResult<u32> {
    for step in 0..3_u32 {
        if cx.is_cancelled() {
            return Err(TaskError::cancelled());
        }
        ASKED.fetch_add(1, SeqCst);
        cx.checkpoint(&step)?;
    }
    Ok(3)
}

#[test]
fn a_blocking_task_is_cancelled_at_each_of_its_questions() {
    let mut asked = Vec::new();
    Run::of::<blocks>(NOTHING).cancel_at_every_await(|_| asked.push(ASKED.swap(0, SeqCst)));
    assert_eq!((asked[0], asked[1], asked.last()), (3, 0, Some(&3)));
}

#[task(name = "kit.misreads")]
async fn misreads(cx: Context) -> TaskResult<()> {
    cx.sleep(Duration::from_secs(1)).await;
    cx.checkpoint("half").await.map_err(|error| TaskError::retry(error).context("cannot save"))
}

#[test]
#[should_panic(
    expected = "`kit.misreads`, cancelled at await 1 of 2, should be cancelled or done, but failed, worth another \
                           attempt (code `error`): cannot save: cancelled"
)]
fn a_cancel_that_is_taken_for_a_failure_is_found() {
    Run::of::<misreads>(NOTHING).cancel_at_every_await(|_| {});
}

struct Bomb(bool);
impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(self.0, "not committed");
    }
}

#[task(name = "kit.bursts")]
async fn bursts(cx: Context) -> TaskResult<()> {
    let mut bomb = Bomb(false);
    cx.sleep(Duration::from_hours(1)).await;
    bomb.0 = true;
    Ok(())
}

#[test]
#[should_panic(expected = "`kit.bursts`, cancelled at await 1 of 1, panicked at plugin-api/tests/kit/stops.rs:")]
fn a_destructor_that_panics_is_found() {
    Run::of::<bursts>(NOTHING).cancel_at_every_await(|_| {});
}

#[task(name = "kit.never_waits")]
async fn never_waits(_cx: Context) -> TaskResult<()> {
    Ok(())
}

#[test]
#[should_panic(expected = "`kit.never_waits` never waits, so there is no place to cancel it")]
fn a_task_that_never_waits_is_no_proof() {
    Run::of::<never_waits>(NOTHING).cancel_at_every_await(|_| {});
}

#[task(name = "kit.keeps")]
async fn keeps(cx: Context) -> TaskResult<()> {
    let mine = cx.clone();
    std::thread::spawn(move || {
        std::thread::park_timeout(Duration::from_millis(20));
        drop(mine);
    });
    Ok(())
}

#[test]
fn a_thread_that_ends_after_its_task_is_waited_for() {
    Run::of::<keeps>(NOTHING).finish().ok::<()>();
}

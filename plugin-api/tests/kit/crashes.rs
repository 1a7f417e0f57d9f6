//! `for_each_crash`: what it lets pass, and the planted bugs that it finds.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use plugin_api::NoParams;
use plugin_api::prelude::*;
use plugin_api::serde_json::json;
use plugin_api::testing::Run;

const NOTHING: NoParams = NoParams {};

#[params]
struct Tiles {
    tiles: u32,
}

static CUT: AtomicU32 = AtomicU32::new(0);

/// Resumes as it should.
#[task(name = "kit.cuts")]
async fn cuts(params: Tiles, cx: Context) -> TaskResult<u32> {
    for tile in cx.resume_from()?.unwrap_or(0)..params.tiles {
        CUT.fetch_add(1, SeqCst);
        cx.enqueue("tile.publish", &json!({ "tile": tile }))?;
        cx.checkpoint(&(tile + 1)).await?;
    }
    cx.step("report", || async { Ok(params.tiles) }).await
}

#[test]
fn a_task_that_resumes_passes_and_the_check_sees_each_life() {
    let mut crashes = Vec::new();
    Run::of::<cuts>(Tiles { tiles: 3 }).for_each_crash(|end| {
        assert_eq!(CUT.swap(0, SeqCst), 3, "no tile is cut twice");
        assert_eq!(end.ok::<u32>(), 3);
        crashes.push(end.crashed_at());
    });
    assert_eq!(crashes, [None, Some(1), Some(2), Some(3), Some(4)], "three checkpoints and a step");
}

/// Saves where it is, and never asks for it.
#[task(name = "kit.forgets")]
async fn forgets(params: Tiles, cx: Context) -> TaskResult<u32> {
    for tile in 0..params.tiles {
        cx.checkpoint(&(tile + 1)).await?;
    }
    Ok(params.tiles)
}

#[test]
#[should_panic(
    expected = "`kit.forgets`, after a crash behind checkpoint 2 of 3, saved the state of checkpoint 1 again: it does \
                           not go on from the state that `resume_from` gives"
)]
fn a_task_that_forgets_to_resume_is_found() {
    Run::of::<forgets>(Tiles { tiles: 3 }).for_each_crash(|_| {});
}

/// Saves what it is at, and takes it for what it has done.
#[task(name = "kit.repeats")]
async fn repeats(params: Tiles, cx: Context) -> TaskResult<()> {
    for tile in cx.resume_from()?.unwrap_or(0)..params.tiles {
        cx.enqueue("tile.publish", &json!({ "tile": tile }))?;
        cx.checkpoint(&tile).await?;
    }
    Ok(())
}

#[test]
#[should_panic(
    expected = "made other follow-ups than without: tile.publish {\"tile\":0}, tile.publish {\"tile\":0}, tile.publish"
)]
fn a_task_that_does_one_thing_twice_is_found_by_its_follow_ups() {
    Run::of::<repeats>(Tiles { tiles: 2 }).for_each_crash(|_| {});
}

/// Keeps its sum in memory alone.
#[task(name = "kit.sums", blocking)]
fn sums(params: Tiles, cx: BlockingContext) -> TaskResult<u32> {
    let mut sum = 0;
    for tile in cx.resume_from()?.unwrap_or(0)..params.tiles {
        sum += tile;
        cx.checkpoint(&(tile + 1))?;
    }
    Ok(sum)
}

#[test]
#[should_panic(
    expected = "`kit.sums`, after a crash behind checkpoint 2 of 4, ended otherwise than without: it is done with 5; \
                           without, it is done with 6"
)]
fn a_result_that_a_crash_changes_is_found_in_a_blocking_task_too() {
    Run::of::<sums>(Tiles { tiles: 4 }).for_each_crash(|_| {});
}

/// Waits between its two halves without memory.
#[task(name = "kit.waits")]
async fn waits(cx: Context) -> TaskResult<u32> {
    if cx.resume_from::<u32>()?.unwrap_or(0) < 10 {
        cx.step("first", || async { Ok(()) }).await?;
        return Err(TaskError::suspend(Duration::from_hours(24), &10));
    }
    cx.step("second", || async { Ok(()) }).await?;
    Ok(2)
}

#[test]
fn a_life_goes_on_through_suspensions() {
    let mut lives = 0;
    Run::of::<waits>(NOTHING).for_each_crash(|end| {
        lives += 1;
        assert_eq!((end.ok::<u32>(), end.steps().len()), (2, 2));
    });
    assert_eq!(lives, 3);
}

#[task(name = "kit.saves_nothing")]
async fn saves_nothing(_cx: Context) -> TaskResult<()> {
    Ok(())
}

#[test]
#[should_panic(expected = "`kit.saves_nothing` has no checkpoint and no step, so there is no place to go on from")]
fn a_task_without_a_checkpoint_is_no_proof() {
    Run::of::<saves_nothing>(NOTHING).for_each_crash(|_| {});
}

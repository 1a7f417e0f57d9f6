//! What is said with the macros of `tracing` and `log` arrives in the log of the task that said it.

use plugin_api::NoParams;
use plugin_api::prelude::*;
use plugin_api::serde_json::json;
use plugin_api::testing::Run;
use plugin_api::tracing::{self, Level};

#[task(name = "kit.talks")]
async fn talks(cx: Context) -> TaskResult<()> {
    trace!("t");
    debug!(ready = true, "d");
    let path = Path::new("a/b").display();
    info!(src = %path, bytes = 7_u64, delta = -1, ratio = 0.5, name = "n", kind = ?Some(1), "resized {}", 3);
    cx.sleep(Duration::from_secs(1)).await;
    let _span = tracing::info_span!("inner", unseen = 1).entered();
    warn!(none = f64::NAN, "w");
    error!("e");
    log::info!("from {}", "a library");
    cx.info("as ever");
    Ok(())
}

#[test]
fn lines_arrive_with_level_message_and_fields() {
    let end = Run::of::<talks>(NoParams {}).finish();
    let lines: Vec<_> = end.logs().iter().map(|line| (line.level, line.message.as_str())).collect();
    let expected = [
        (Level::TRACE, "t"),
        (Level::DEBUG, "d"),
        (Level::INFO, "resized 3"),
        (Level::WARN, "w"),
        (Level::ERROR, "e"),
        (Level::INFO, "from a library"),
        (Level::INFO, "as ever"),
    ];
    assert_eq!(lines, expected);
    let fields = json!({"src": "a/b", "bytes": 7, "delta": -1, "ratio": 0.5, "name": "n", "kind": "Some(1)"});
    assert_eq!(end.logs()[2].fields, fields);
    assert_eq!(end.logs()[1].fields, json!({ "ready": true }));
    assert_eq!(end.logs()[3].fields, json!({ "none": "NaN" }));
    assert!(end.logs()[0].fields.is_null());
}

#[task(name = "kit.outside", blocking)]
fn outside(_cx: BlockingContext) -> TaskResult<()> {
    std::thread::spawn(|| info!("by nobody")).join().expect("it does not panic");
    info!("by the task");
    Ok(())
}

#[test]
fn what_is_said_outside_of_a_task_goes_nowhere() {
    let end = Run::of::<outside>(NoParams {}).finish();
    info!("after the end");
    assert_eq!(end.logs().len(), 1);
    end.logged("by the task");
}

/// Says so when it is dropped.
struct Farewell;
impl Drop for Farewell {
    fn drop(&mut self) {
        info!("farewell");
    }
}

#[task(name = "kit.leaves")]
async fn leaves(cx: Context) -> TaskResult<()> {
    let _farewell = Farewell;
    cx.sleep(Duration::from_hours(1)).await;
    Ok(())
}

#[test]
fn a_destructor_still_speaks_for_its_task() {
    Run::of::<leaves>(NoParams {}).cancel_at_every_await(|end| {
        end.logged("farewell");
    });
}

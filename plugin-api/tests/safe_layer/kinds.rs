//! The plugin that the tests drive: one kind for each thing that can happen.
//!
//! Not here: what is expected of them (`main`).

use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Poll, Waker};

use plugin_api::prelude::*;
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "plugin_api::serde", deny_unknown_fields)]
#[schemars(crate = "plugin_api::schemars")]
struct Nothing {}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "plugin_api::serde", default)]
#[schemars(crate = "plugin_api::schemars")]
#[derive(Default)]
struct Config {
    greeting: String,
}

/// Count to a number.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "plugin_api::serde")]
#[schemars(crate = "plugin_api::schemars")]
struct Count {
    to: u64,
}

/// Saves after each step.
struct Steps;
impl Task for Steps {
    const NAME: &'static str = "test.steps";
    const DEFAULTS: Defaults = Defaults::new().attempts(3).unit("steps").isolate();
    type Params = Count;
    type Output = Vec<u64>;
    async fn run(params: Count, cx: Context) -> TaskResult<Vec<u64>> {
        let mut done: Vec<u64> = cx.resume_from()?.unwrap_or_default();
        while (done.len() as u64) < params.to {
            done.push(done.len() as u64);
            cx.checkpoint(&done).await?;
        }
        Ok(done)
    }
}

struct BlockingSteps;
impl BlockingTask for BlockingSteps {
    const NAME: &'static str = "test.blocking_steps";
    type Params = Count;
    type Output = u64;
    fn run(params: Count, cx: BlockingContext) -> TaskResult<u64> {
        for step in 1..=params.to {
            cx.checkpoint(&step)?;
        }
        Ok(params.to)
    }
}

/// Awaits all futures at once, each with a waker of its own, as `join!` of any executor-free crate does.
async fn join_all<F: Future>(futures: Vec<F>, order: &Mutex<Vec<usize>>) {
    use std::sync::Arc;
    use std::task::Wake;
    struct Child(Mutex<bool>, Waker);
    impl Wake for Child {
        fn wake(self: Arc<Self>) {
            *self.0.lock().expect("no panic here") = true;
            self.1.wake_by_ref();
        }
    }
    let mut children: Vec<_> =
        futures.into_iter().map(|future| (Box::pin(future), None::<Arc<Child>>, false)).collect();
    std::future::poll_fn(|cx| {
        for (index, (future, child, done)) in children.iter_mut().enumerate() {
            let child = child.get_or_insert_with(|| Arc::new(Child(Mutex::new(true), cx.waker().clone())));
            let woken = std::mem::take(&mut *child.0.lock().expect("no panic here"));
            if !*done && woken {
                let waker = Waker::from(Arc::clone(child));
                if future.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_ready() {
                    *done = true;
                    order.lock().expect("no panic here").push(index);
                }
            }
        }
        if children.iter().all(|(_, _, done)| *done) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Sleeps several times at once; answers the order in which they ended.
struct Sleeps;
impl Task for Sleeps {
    const NAME: &'static str = "test.sleeps";
    type Params = Vec<u64>;
    type Output = Vec<usize>;
    async fn run(params: Vec<u64>, cx: Context) -> TaskResult<Vec<usize>> {
        let order = Mutex::default();
        let sleeps = params.iter().map(|ms| cx.sleep(Duration::from_millis(*ms))).collect();
        join_all(sleeps, &order).await;
        Ok(order.into_inner()?)
    }
}

/// Waits for a cancel beside a long sleep.
struct Cancellable;
impl Task for Cancellable {
    const NAME: &'static str = "test.cancellable";
    type Params = Nothing;
    type Output = ();
    async fn run(_: Nothing, cx: Context) -> TaskResult<()> {
        let (mut cancelled, mut sleep) = (pin!(cx.cancelled()), pin!(cx.sleep(Duration::from_secs(100))));
        std::future::poll_fn(|poll| match cancelled.as_mut().poll(poll) {
            Poll::Ready(()) => Poll::Ready(Err(TaskError::cancelled())),
            Poll::Pending => sleep.as_mut().poll(poll).map(Ok),
        })
        .await
    }
}

pub(crate) static KEPT: Mutex<Option<Waker>> = Mutex::new(None);

/// Leaves its waker with somebody else.
struct LeavesWaker;
impl Task for LeavesWaker {
    const NAME: &'static str = "test.leaves_waker";
    type Params = Nothing;
    type Output = ();
    async fn run(_: Nothing, _: Context) -> TaskResult<()> {
        std::future::poll_fn(|cx| {
            *KEPT.lock().expect("no panic here") = Some(cx.waker().clone());
            Poll::<()>::Pending
        })
        .await;
        Ok(())
    }
}

/// Panics where it is told to.
struct Panics;
struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("boom in drop");
    }
}
#[derive(JsonSchema)]
#[schemars(crate = "plugin_api::schemars")]
struct PanicsWhere {
    at: String,
}
impl<'de> Deserialize<'de> for PanicsWhere {
    fn deserialize<D: plugin_api::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let at = String::deserialize(from)?;
        assert!(at != "create", "boom in create");
        Ok(Self { at })
    }
}
impl Task for Panics {
    const NAME: &'static str = "test.panics";
    type Params = PanicsWhere;
    type Output = ();
    async fn run(params: PanicsWhere, cx: Context) -> TaskResult<()> {
        assert!(params.at != "poll", "boom in poll");
        let _bomb = (params.at == "drop").then_some(Bomb);
        cx.sleep(Duration::from_millis(1)).await;
        Ok(())
    }
}

struct BlockingPanic;
impl BlockingTask for BlockingPanic {
    const NAME: &'static str = "test.blocking_panic";
    type Params = Nothing;
    type Output = ();
    fn run(_: Nothing, _: BlockingContext) -> TaskResult<()> {
        let empty: [u8; 0] = [];
        let none = empty.len();
        assert!(none > 0, "boom while blocking");
        Ok(())
    }
}

/// Says what it is told.
struct About;
impl Task for About {
    const NAME: &'static str = "test.about";
    type Params = Nothing;
    type Output = serde_json::Value;
    async fn run(_: Nothing, cx: Context) -> TaskResult<serde_json::Value> {
        let progress = cx.progress().total(4);
        progress.update(1).message("one");
        progress.advance(2);
        cx.warn("careful");
        Ok(json!({
            "task": cx.task_id(), "attempt": cx.attempt(), "max": cx.max_attempts(), "left": cx.time_left(),
            "greeting": cx.config::<Config>()?.greeting, "drain": cx.drain_asked(),
        }))
    }
}

struct TooLarge;
impl Task for TooLarge {
    const NAME: &'static str = "test.too_large";
    type Params = Nothing;
    type Output = ();
    async fn run(_: Nothing, cx: Context) -> TaskResult<()> {
        cx.checkpoint(&"x".repeat(1 << 20)).await
    }
}

plugin_api::plugin!(
    Steps, Sleeps, Cancellable, LeavesWaker, Panics, About, TooLarge, BlockingSteps, BlockingPanic;
    name = "test", version = "1.2.3", config = Config
);

//! What `Context` tells and does: the attempt, follow-ups, steps, the state and its version.

use std::sync::Mutex;
use std::time::SystemTime;

use plugin_api::NoParams;
use plugin_api::prelude::*;
use plugin_api::serde_json::{Value, json};
use plugin_api::testing::Run;

const NOTHING: NoParams = NoParams {};
const HOUR: Duration = Duration::from_hours(1);

fn christmas() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(499_482)
}

#[config]
struct Config {
    #[serde(default)]
    greeting: String,
}

#[task(name = "kit.about", attempts = 7, queue = "mail")]
async fn about(cx: Context) -> TaskResult<Value> {
    let at = cx.nominal_at().map(|time| time == christmas());
    Ok(json!({
        "id": cx.task_id(), "key": cx.idempotency_key(), "step": cx.idempotency_key_of("mail"),
        "attempt": cx.attempt(), "max": cx.max_attempts(), "queue": cx.queue(), "job": cx.job(), "at": at,
        "left": cx.time_left().map(|left| left.as_secs()), "deadline": cx.deadline().is_some(),
    }))
}

#[test]
fn an_attempt_knows_what_the_host_says_of_it() {
    let id = "0198abcd-ef01-7123-8456-001100000000";
    let run = Run::of::<about>(NOTHING);
    let alone = json!({
        "id": id, "key": id, "step": format!("{id}:mail"), "attempt": 1, "max": 7, "queue": "mail", "job": null,
        "at": null, "left": null, "deadline": false,
    });
    assert_eq!(run.finish().ok::<Value>(), alone);
    let run = run.attempt(3).max_attempts(4).queue("slow").job("nightly", christmas()).time_left(HOUR);
    let told = json!({
        "id": id, "key": id, "step": format!("{id}:mail"), "attempt": 3, "max": 4, "queue": "slow", "job": "nightly",
        "at": true, "left": 3_600, "deadline": true,
    });
    assert_eq!(run.finish().ok::<Value>(), told);
}

#[task(name = "kit.greeting", blocking)]
fn greeting(cx: BlockingContext) -> TaskResult<String> {
    Ok(cx.config::<Config>()?.greeting.clone())
}

#[test]
fn each_run_has_a_config_of_its_own() {
    let run = Run::of::<greeting>(NOTHING);
    run.finish().expect_fatal("the plugin has no config of type");
    let greets = |config: Value| run.clone().config::<Config>(config).finish().ok::<String>();
    assert_eq!(greets(json!({ "greeting": "hello" })), "hello");
    assert_eq!(greets(json!({})), "");
}

#[params]
struct Followed {
    end: String,
}

#[task(name = "kit.follows", blocking)]
fn follows(params: Followed, cx: BlockingContext) -> TaskResult<Vec<String>> {
    let params_of = json!({ "n": 1 });
    let first = cx.enqueue("a.first", &params_of)?;
    cx.checkpoint("one")?;
    let second = cx
        .follow_up("b.second", &params_of)
        .queue("mail")
        .priority(Priority::High)
        .delay(HOUR)
        .run_at(christmas())
        .timeout(Duration::from_millis(1_500))
        .expires_in(HOUR)
        .attempts(2)
        .backoff(Backoff::Linear)
        .initial(HOUR)
        .max(HOUR)
        .jitter(0.5)
        .tag("x")
        .tag("y")
        .send()?;
    let third = cx.follow_up("c.third", &()).run_at(christmas()).delay(Duration::from_millis(1)).send()?;
    match params.end.as_str() {
        "done" => Ok(vec![first, second, third]),
        "suspended" => Err(TaskError::suspend(HOUR, "two")),
        _ => Err(TaskError::retry("not now")),
    }
}

#[test]
fn follow_ups_carry_their_options_and_are_committed_with_the_end() {
    let end = Run::of::<follows>(json!({ "end": "done" })).finish();
    let ids: Vec<&str> = end.follow_ups().iter().map(|task| task.id.as_str()).collect();
    assert_eq!(end.ok::<Vec<String>>(), ids);
    assert_ne!(ids[0], ids[1]);
    let [first, second, third] = end.follow_ups() else { panic!("{end}") };
    assert_eq!((first.kind.as_str(), &first.params, &first.options), ("a.first", &json!({ "n": 1 }), &Value::Null));
    let options = json!({
        "queue": "mail", "priority": "high", "run_at": "2026-12-24T18:00:00.000000Z", "timeout": "1500ms",
        "expires_in": "3600000ms", "tags": ["x", "y"],
        "retry": {"attempts": 2, "backoff": "linear", "initial": "3600000ms", "max": "3600000ms", "jitter": 0.5},
    });
    assert_eq!(second.options, options);
    assert_eq!(third.options, json!({ "delay": "1ms" }), "the later of the two counts");
}

#[test]
fn follow_ups_of_a_failed_attempt_are_forgotten_but_for_those_before_the_checkpoint() {
    let failed = Run::of::<follows>(json!({ "end": "failed" })).finish();
    failed.expect_retry("not now");
    assert_eq!(failed.follow_ups().len(), 1);
    let suspended = Run::of::<follows>(json!({ "end": "suspended" })).finish();
    suspended.expect_suspended(HOUR);
    assert_eq!(suspended.follow_ups().len(), 3);
}

#[test]
fn follow_ups_after_a_resume_have_other_ids() {
    let run = Run::of::<follows>(json!({ "end": "suspended" }));
    let before = run.finish();
    let after = run.resume_after(&before).finish();
    let id = |number: usize| &before.follow_ups()[number].id;
    assert!(after.follow_ups().iter().all(|task| ![id(0), id(1), id(2)].contains(&&task.id)));
}

static DONE: Mutex<Vec<&str>> = Mutex::new(Vec::new());

fn done(name: &'static str) {
    DONE.lock().expect("no panic here").push(name);
}

#[task(name = "kit.steps", state_version = 2)]
async fn steps(cx: Context) -> TaskResult<(String, u64)> {
    let receipt = cx
        .step("charge", || async {
            done("charge");
            Ok("receipt".to_owned())
        })
        .await?;
    cx.checkpoint("charged").await?;
    let number = cx
        .step("mail", || async {
            done("mail");
            if cx.attempt() == 1 { Err(TaskError::retry("no answer")) } else { Ok(7) }
        })
        .await?;
    Ok((receipt, number))
}

#[test]
fn a_step_that_is_done_is_not_done_again_and_one_that_failed_is() {
    let run = Run::of::<steps>(NOTHING);
    let first = run.finish();
    first.expect_retry("no answer");
    assert_eq!(first.steps(), [("charge".to_owned(), json!("receipt"))]);
    let second = run.clone().attempt(2).resume_after(&first).finish();
    assert_eq!(second.ok::<(String, u64)>(), ("receipt".to_owned(), 7));
    assert_eq!(second.state::<String>(), "charged");
    assert_eq!(*DONE.lock().unwrap(), ["charge", "mail", "mail"]);

    let other = run.attempt(2).resume_of_version(1, "charged").finish();
    other.ok::<(String, u64)>();
    other.logged("the saved state has version 1, this plugin has state_version 2: starting anew");
    assert_eq!(DONE.lock().unwrap().len(), 5, "steps are done anew as well");
}

#[task(name = "kit.blocking_steps", blocking)]
fn blocking_steps(cx: BlockingContext) -> TaskResult<u32> {
    let one = cx.step("one", || Ok(1))?;
    let two = cx.step("two", || Ok(one + 1))?;
    cx.step("two", || Ok(two))
}

#[test]
fn two_steps_of_one_name_are_an_error_of_the_author() {
    let end = Run::of::<blocking_steps>(NOTHING).finish();
    end.expect_fatal("the step `two` ran already in this attempt; give each step its own name");
    assert_eq!(end.code(), "step");
    assert_eq!(end.steps(), [("one".to_owned(), json!(1)), ("two".to_owned(), json!(2))]);
}

#[task(name = "kit.resumes", state_version = 3)]
async fn resume(cx: Context) -> TaskResult<String> {
    Ok(format!("{:?}", cx.resume_from::<u32>()?))
}

#[test]
fn a_state_comes_back_under_its_version_alone() {
    let run = || Run::of::<resume>(NOTHING);
    assert_eq!(run().finish().ok::<String>(), "None");
    assert_eq!(run().resume(5).finish().ok::<String>(), "Some(5)");
    let other = run().resume_of_version(2, 5).finish();
    assert_eq!(other.ok::<String>(), "None");
    other.logged("version 2").logged("state_version 3");
    let end = run().resume("five").finish();
    end.expect_fatal("cannot read the state of the task");
    assert_eq!(end.code(), "state");
}

#[params]
struct Ending {
    how: String,
}

#[task(name = "kit.ends")]
async fn ends(params: Ending, cx: Context) -> TaskResult<()> {
    cx.progress().total(2).update(1).message("half");
    match params.how.as_str() {
        "retry" => Ok(std::fs::copy("no/such/file", "nowhere").map(|_| ())?),
        "retry_after" => Err(TaskError::retry_after(HOUR, "later")),
        "rate_limited" => Err(TaskError::rate_limited(HOUR)),
        "fatal" => Err(TaskError::fatal("never")),
        "suspended" => Err(TaskError::suspend(HOUR, &1)),
        "suspended until" => Err(TaskError::suspend_until(christmas(), &2)),
        "stop" => cx.stop_point(),
        how => panic!("{how}"),
    }
}

#[test]
fn each_end_has_an_assert() {
    let run = |how: &str| Run::of::<ends>(Ending { how: how.to_owned() });
    run("retry").finish().expect_retry("No such file").progressed(1, 2);
    run("retry_after").finish().expect_retry_after(HOUR, "later");
    run("rate_limited").finish().expect_rate_limited(HOUR);
    run("fatal").finish().expect_fatal("never");
    assert_eq!(run("suspended").finish().expect_suspended(HOUR).state::<u32>(), 1);
    assert_eq!(run("suspended until").finish().expect_suspended_until(christmas()).state::<u32>(), 2);
    run("stop").cancelled().finish().expect_cancelled();
    run("stop").drained().finish().expect_interrupted();
    run("stop").finish().ok::<()>();
    run("boom").finish().expect_panic("boom").expect_panic("tests/kit/context.rs");
}

#[test]
#[should_panic(expected = "`kit.ends` should be done, but failed for good (code `fatal`): never; it logged nothing")]
fn an_assert_that_fails_tells_how_it_did_end() {
    Run::of::<ends>(Ending { how: "fatal".to_owned() }).finish().ok::<()>();
}

#[test]
#[should_panic(expected = "should be a fatal failure with \"never\", but is done with null")]
fn an_assert_says_what_it_asked_for() {
    Run::of::<ends>(Ending { how: "stop".to_owned() }).finish().expect_fatal("never");
}

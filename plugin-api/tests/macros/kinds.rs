//! `#[task]`.

use std::pin::pin;
use std::task::{Context as Poller, Poll, Waker};

use plugin_api::export::{name_of, plugin_name};
use plugin_api::prelude::*;
use plugin_api::serde_json::json;

use super::meta;

/// What is resized.
#[params]
struct Resize {
    /** source file */
    src: PathBuf,
    #[serde(default = "width")]
    width: u32,
    #[secret]
    token: Option<String>,
}

fn width() -> u32 {
    800
}

#[output]
struct Report {
    tiles: u32,
}

/// Resize one image.
///
/// It is read whole,
/// then written:
/// - never larger
/// - never twice
#[task(
    name = "image.resize",
    attempts = 5,
    backoff = "linear",
    initial = "1s",
    max = "1h30m",
    jitter = 0.5,
    timeout = "2m",
    queue = "images",
    unit = "tiles",
    state_version = 2,
    default_error = "fatal",
    privileged
)]
async fn resize(params: Resize, cx: Context) -> TaskResult<Report> {
    let done: u32 = cx.resume_from()?.unwrap_or(0);
    let progress = cx.progress().total(params.width.into());
    for tile in done..params.width {
        progress.advance(1).message(format!("tile {tile} of {}", params.src.display()));
        cx.checkpoint(&(tile + 1)).await?;
    }
    Ok(Report { tiles: params.width + u32::from(params.token.is_some()) })
}

#[task(name = "image.crush", title = "Crush", blocking, isolate)]
fn crush(_: Resize, cx: BlockingContext) -> Result<Report, TaskError> {
    cx.stop_point()?;
    Ok(Report { tiles: 1 })
}

/// Count the words of a text.
#[task(name = "image.words")]
async fn words(text: String) -> TaskResult<usize> {
    Ok(text.split_whitespace().count())
}

#[task(name = "image.attempts", blocking)]
fn attempts(cx: BlockingContext) -> TaskResult<u32> {
    Ok(cx.attempt())
}

#[task(name = "image.nothing")]
async fn nothing() -> TaskResult<()> {
    Ok(())
}

plugin_api::plugin!(resize, crush, words, attempts, nothing);

#[test]
fn each_key_reaches_the_kind() {
    let mut meta = meta::<resize, _>();
    let schemas = ["params_schema", "result_schema"].map(|key| meta.as_object_mut().unwrap().remove(key));
    assert_eq!(schemas.iter().flatten().count(), 2);
    assert_eq!(
        meta,
        json!({
            "title": "Resize one image",
            "description": "It is read whole, then written:\n- never larger\n- never twice",
            "retry": {"attempts": 5, "backoff": "linear", "initial_ms": 1_000, "max_ms": 5_400_000, "jitter": 0.5},
            "timeout_ms": 120_000,
            "queue": "images",
            "unit": "tiles",
            "state_version": 2,
            "privileged": true,
        })
    );
}

#[test]
fn what_is_not_said_is_absent() {
    let meta = meta::<crush, _>();
    let keys: Vec<_> = meta.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["description", "params_schema", "result_schema", "title"]);
    assert_eq!((&meta["title"], &meta["description"]), (&json!("Crush"), &json!("What is resized.")));
}

#[test]
fn a_doc_comment_of_one_line_is_title_and_description() {
    let meta = meta::<words, _>();
    assert_eq!(meta["title"], "Count the words of a text");
    assert_eq!(meta["description"], "Count the words of a text.");
}

#[test]
fn a_task_without_params_takes_an_empty_object_alone() {
    for schema in [&meta::<nothing, _>()["params_schema"], &meta::<attempts, _>()["params_schema"]] {
        assert_eq!((&schema["type"], &schema["additionalProperties"]), (&json!("object"), &json!(false)));
    }
}

#[test]
fn the_function_can_be_called_as_before() {
    let words = pin!(words("one two".to_owned()));
    let Poll::Ready(words) = words.poll(&mut Poller::from_waker(Waker::noop())) else { panic!("it does not wait") };
    assert_eq!(words.unwrap(), 2);
}

#[test]
fn kinds_and_plugins_have_the_names_that_were_given() {
    assert_eq!((name_of::<resize, _>(), name_of::<crush, _>()), ("image.resize", "image.crush"));
    assert_eq!((plugin_name("taskhost-plugin-files"), plugin_name("image")), ("files", "image"));
}

//! Uploads: what is taken, what is refused, and that a refusal leaves nothing behind.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode, header};
use futures_util::stream::unfold;
use serde_json::json;

use super::bench::{Answer, Bench};
use crate::api::Source;

/// A form of these parts: a name, and a text or, with `@name:`, a file.
fn form(parts: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in parts {
        let (file, value) = match value.strip_prefix('@').and_then(|rest| rest.split_once(':')) {
            Some((file, content)) => (format!("; filename=\"{file}\""), content),
            None => (String::new(), *value),
        };
        let head = format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        text.extend([&head, value, "\r\n"]);
    }
    text + "--cut--\r\n"
}

async fn send(bench: &Bench, body: impl Into<Body>) -> Answer {
    let request = Request::post("/api/v1/files").header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut");
    bench.call(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_file_is_kept_and_its_path_given_to_the_task() {
    let bench = Bench::new(Source::Tcp);
    let parts = [
        ("kind", "files.checksum"),
        ("params", r#"{"exact":1.10}"#),
        ("into", "source"),
        ("file", "@../a b.txt:hello"),
    ];
    let answer = send(&bench, form(&parts)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let id = answer.text("/task_id");
    assert_eq!(answer.body, json!({ "task_id": id, "status": "queued" }));
    assert_eq!(answer.headers[header::LOCATION], format!("/api/v1/tasks/{id}"));
    let task = bench.get(&format!("/api/v1/tasks/{id}")).await;
    let path = bench.uploads().join(id).join("a_b.txt");
    assert_eq!(task.body["params"], json!({ "source": path, "exact": 1.1 }));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "hello");
    assert!(task.written.contains("1.10"), "as it was written: {}", task.written);
}

#[tokio::test]
async fn the_order_of_the_parts_is_free() {
    let bench = Bench::new(Source::Tcp);
    let answer = send(&bench, form(&[("file", "@a:x"), ("kind", "files.checksum")])).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
}

#[tokio::test]
async fn a_form_that_will_not_do_is_refused_and_leaves_nothing() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("kind", "files.checksum")], "422 invalid-upload | at /file: it is missing: what should the task work on?"),
        (&[("file", "@a:x")], "422 invalid-upload | at /kind: it is missing: what should run?"),
        (&[("file", "@a:x"), ("file", "@a:x")], "422 invalid-upload | at /file: it is given twice"),
        (&[("kind", "a.b"), ("kind", "a.b")], "422 invalid-upload | at /kind: it is given twice"),
        (&[("file", "@a:x"), ("knd", "a.b")], "422 invalid-upload | unknown part `knd`"),
        (
            &[("kind", "a b")],
            "422 invalid-upload | at /kind: `a b` is not a name for a kind: only ASCII letters, digits, `-`, `_` and `.` may stand in it",
        ),
        (
            &[("kind", "files.cheksum"), ("file", "@a:x")],
            "422 unknown-kind | no plugin provides the kind `files.cheksum`",
        ),
        (
            &[("file", "@a:x"), ("kind", "files.cheksum")],
            "422 unknown-kind | no plugin provides the kind `files.cheksum`",
        ),
        (
            &[("kind", "command.run"), ("file", "@a:x")],
            "403 privileged-kind | the kind `command.run` runs programs, so it is not taken from the network",
        ),
        (
            &[("file", "@a:x"), ("kind", "command.run")],
            "403 privileged-kind | the kind `command.run` runs programs, so it is not taken from the network",
        ),
        (
            &[("kind", "site.login"), ("file", "@a:x")],
            "422 invalid-upload | at /into: the kind `site.login` has no param `path`",
        ),
        (
            &[("kind", "site.login"), ("into", "path"), ("file", "@a:x")],
            "422 invalid-upload | at /into: the kind `site.login` has no param `path`",
        ),
        (
            &[("kind", "site.login"), ("into", "user"), ("params", r#"{"password":1}"#), ("file", "@a:x")],
            "422 invalid-params | the params do not fit the kind `site.login`",
        ),
        (
            &[("kind", "files.checksum"), ("params", r#"{"path":1}"#), ("file", "@a:x")],
            "422 invalid-upload | at /params: `path` is there already, and would get the path of the file",
        ),
        (
            &[("kind", "files.checksum"), ("params", "[]"), ("file", "@a:x")],
            "422 invalid-upload | at /params: it should be a JSON object",
        ),
        (
            &[("kind", "files.checksum"), ("params", "{"), ("file", "@a:x")],
            "422 invalid-upload | at /params: EOF while parsing an object at line 1 column 1",
        ),
    ];
    let bench = Bench::new(Source::Tcp);
    for (parts, expected) in cases {
        let answer = send(&bench, form(parts)).await;
        let said = format!("{} {} | {}", answer.status.as_u16(), answer.problem(), answer.text("/detail"));
        assert_eq!(said, *expected, "{parts:?}");
        assert!(bench.upload_folders().is_empty(), "{parts:?} left {:?}", bench.upload_folders());
    }
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_while_it_comes() {
    let bench = Bench::new(Source::Tcp);
    let file = format!("@a:{}", "x".repeat(1_000_001));
    let answer = send(&bench, form(&[("kind", "files.checksum"), ("file", &file)])).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"));
    assert!(bench.upload_folders().is_empty());
    let announced = Request::post("/api/v1/files").header(header::CONTENT_LENGTH, "9999999999");
    let announced = announced.header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut");
    let answer = bench.call(announced.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.text("/detail"), "the file is larger than 1000000 bytes");
}

#[tokio::test]
async fn what_is_no_form_is_refused() {
    let bench = Bench::new(Source::Tcp);
    let json = bench.post("/api/v1/files", "{}").await;
    assert_eq!((json.status, json.problem()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type"));
    let whole = form(&[("kind", "files.checksum"), ("file", "@a:hello")]);
    for body in ["", "hello", "--cut\r\n\r\n", &whole[..whole.len() - 10], "--cut\r\nContent-Disposition: x\0y\r\n\r\n"]
    {
        let answer = send(&bench, body.to_owned()).await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::BAD_REQUEST, "invalid-form"), "{body:?}");
        assert!(bench.upload_folders().is_empty(), "{body:?}");
    }
}

#[tokio::test]
async fn a_part_whose_head_never_ends_is_cut_off() {
    let bench = Bench::new(Source::Tcp);
    let endless = futures_util::stream::unfold(0_u32, |sent| async move {
        let piece = if sent == 0 { Bytes::from_static(b"--cut\r\nX-Y: ") } else { vec![b'x'; 10_000].into() };
        Some((Ok::<_, std::convert::Infallible>(piece), sent + 1))
    });
    let answer = send(&bench, Body::from_stream(endless)).await;
    assert_eq!((answer.problem(), answer.text("/detail")), ("invalid-form", "the head of a part is too long"));
}

#[tokio::test]
async fn a_disk_that_fails_is_told() {
    let bench = Bench::new(Source::Tcp);
    std::fs::write(bench.uploads(), "a file").unwrap();
    let answer = send(&bench, form(&[("kind", "files.checksum"), ("file", "@a:hello")])).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::INSUFFICIENT_STORAGE, "upload-failed"));
}

/// A form that is refused at once, then goes on with parts of nothing, each after a `pause`; answers how many of these were read.
async fn refused_and_goes_on(pause: Duration, parts_max: usize) -> usize {
    let bench = Bench::new(Source::Tcp);
    let read = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&read);
    let parts = unfold(0, move |at| {
        let counted = std::sync::Arc::clone(&counted);
        async move {
            crate::clock::sleep(if at == 0 { Duration::ZERO } else { pause }).await;
            counted.store(at, Ordering::Relaxed);
            let head = "--cut\r\nContent-Disposition: form-data; name=\"nonsense\"\r\n\r\n\r\n";
            (at < parts_max).then(|| (Ok::<_, Infallible>(Bytes::from(head)), at + 1))
        }
    });
    assert_eq!(send(&bench, Body::from_stream(parts)).await.problem(), "invalid-upload");
    read.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn a_refused_form_is_not_read_for_ever() {
    let much = refused_and_goes_on(Duration::ZERO, 1_000_000).await;
    assert!((200_000..300_000).contains(&much), "16 MiB of heads: {much}");
    let slow = refused_and_goes_on(Duration::from_secs(20), 1_000).await;
    assert!(slow < 5, "30 s: {slow}");
}

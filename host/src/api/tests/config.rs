//! `/api/v1/config`, and what `/readyz` says of a refused edit.

use std::path::Path;

use axum::http::StatusCode;
use serde_json::{Value, json};
use taskhost_core::config::Config;

use super::bench::{Bench, NOW};
use crate::api::Source;
use crate::applied::{Edit, Refused, Source as Reason};

fn apply(bench: &Bench, text: &str) {
    let edit = Edit { text, source: Reason::Save, summary: "~1 job (nightly)" };
    bench.applied.apply(edit, vec!["listen"], NOW.parse().unwrap(), || {});
}

#[tokio::test]
async fn the_applied_config_is_told_with_those_before() {
    let bench = Bench::new(Source::Tcp);
    let first = bench.get("/api/v1/config").await;
    assert_eq!(
        (first.status, &first.body["generation"], &first.body["source"]),
        (StatusCode::OK, &json!(1), &json!("start"))
    );
    assert_eq!((&first.body["refused"], &first.body["last_reload"]["ok"]), (&Value::Null, &json!(true)));
    apply(&bench, "[host]\n");
    let then = bench.get("/api/v1/config").await;
    assert_eq!((&then.body["generation"], then.text("/applied_at")), (&json!(2), NOW));
    assert_eq!((&then.body["needs_restart"], then.text("/summary")), (&json!(["listen"]), "~1 job (nightly)"));
    let numbers: Vec<_> = then.body["generations"].as_array().unwrap().iter().map(|kept| &kept["generation"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1)]);
}

#[tokio::test]
async fn a_generation_is_shown_without_what_nobody_can_say_to_be_no_secret() {
    let bench = Bench::new(Source::Tcp);
    apply(
        &bench,
        "[plugins.mail]\nconfig = { password = \"hunter2\" }\n[jobs.a]\nkind = \"away.kind\"\nparams = { key = \"hunter2\" }\n",
    );
    let shown = bench.get("/api/v1/config/2").await;
    assert_eq!(shown.body["config"]["plugins"]["mail"]["config"], "[hidden]", "{shown:?}");
    assert_eq!(shown.body["config"]["jobs"]["a"]["kind"], "away.kind");
    apply(&bench, "[plugins.mail]\nconfig = { password = \"hunter3\" }\n");
    let changed = bench.get("/api/v1/config/3/diff").await;
    let password = json!({ "pointer": "/plugins/mail/config/password", "before": "[hidden]", "after": "[hidden]" });
    assert_eq!(
        (&changed.body["from"]["generation"], &changed.body["changes"][1]),
        (&json!(2), &password),
        "{changed:?}"
    );
    for answer in [shown, changed, bench.get("/api/v1/config/3/diff?from=1").await, bench.get("/api/v1/config").await] {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert!(!answer.written.contains("hunter"), "{answer:?}");
    }
}

#[tokio::test]
async fn the_first_generation_is_compared_with_nothing() {
    let bench = Bench::new(Source::Tcp);
    let changed = bench.get("/api/v1/config/1/diff").await;
    assert_eq!((&changed.body["from"], changed.text("/changes/0/pointer")), (&Value::Null, "/jobs/nightly"));
}

#[tokio::test]
async fn a_generation_that_is_not_kept_is_not_found() {
    let bench = Bench::new(Source::Tcp);
    for path in ["2", "0", "x", "-1", "2/diff", "1/diff?from=7"] {
        assert_eq!(bench.get(&format!("/api/v1/config/{path}")).await.problem(), "generation-not-found", "{path}");
    }
    assert_eq!(bench.get("/api/v1/config/1/diff?from=x").await.problem(), "invalid-query");
}

#[tokio::test]
async fn a_refused_edit_is_told_with_its_places_and_the_daemon_stays_ready() {
    let bench = Bench::new(Source::Tcp);
    let text = "[jobs.nightly]\nknd = \"a.b\"\n";
    let errors = Config::parse(text).unwrap_err();
    bench.applied.refuse(Refused::with_errors(Path::new("/srv/tasks.toml"), text, errors, NOW.parse().unwrap()));
    let told = bench.get("/api/v1/config").await;
    assert_eq!((&told.body["generation"], &told.body["last_reload"]), (&json!(1), &json!({ "at": NOW, "ok": false })));
    assert_ne!(told.text("/sha256"), told.text("/file_sha256"));
    let errors = &told.body["refused"]["errors"];
    let place = |error: &Value| (error["line"].as_u64().unwrap(), error["column"].as_u64().unwrap());
    assert!(errors.as_array().unwrap().iter().any(|error| place(error) == (2, 1)), "{told:?}");
    let ready = bench.get("/readyz?verbose").await;
    assert_eq!((ready.status, &ready.body["checks"][2]["ok"]), (StatusCode::OK, &json!(false)));
    assert!(ready.text("/checks/2/detail").starts_with("generation 1 goes on, an edit is refused: line "), "{ready:?}");
    bench.applied.restore(NOW.parse().unwrap());
    assert_eq!(bench.get("/readyz?verbose").await.body["checks"][2]["ok"], true);
}

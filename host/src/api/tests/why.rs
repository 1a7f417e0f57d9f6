//! Why tasks stand where they stand.

use super::bench::Bench;
use crate::api::Source;
use crate::host::Phase;

/// What is said of a task: the reason, and what to do about it.
async fn why(bench: &Bench, id: &str) -> String {
    let answer = bench.get(&format!("/api/v1/tasks/{id}/why")).await;
    let hint = answer.body["hint"].as_str().map(|hint| format!(" | {hint}")).unwrap_or_default();
    format!("{}: {}{hint}", answer.text("/status"), answer.text("/why"))
}

#[tokio::test]
async fn a_task_that_waits_is_told_for_what() {
    let mut bench = Bench::new(Source::Tcp);
    let later = bench.submit(r#"{"kind":"files.checksum","delay":"1h"}"#).await;
    assert_eq!(why(&bench, &later).await, "scheduled: It is due at 2026-12-24T19:00:00.000000Z.");
    let held = bench.submit(r#"{"kind":"probe.crash"}"#).await;
    assert_eq!(
        why(&bench, &held).await,
        "queued: It is held: runs only isolated. | `taskhost plugins list` shows what is loaded"
    );
    let runs = bench.submit(r#"{"kind":"files.checksum","queue":"mail"}"#).await;
    let claimed = bench.claim().await;
    assert_eq!(
        why(&bench, &runs).await,
        "running: It has been running since 2026-12-24T18:00:00.000000Z, attempt 1 of 5."
    );
    let next = bench.submit(r#"{"kind":"files.checksum","queue":"mail"}"#).await;
    assert_eq!(
        why(&bench, &next).await,
        "queued: Its turn comes: 1 of 10 slots of its queue `mail` are taken, 1 wait there, the oldest since \
         2026-12-24T18:00:00.000000Z."
    );
    bench.post("/api/v1/queues/mail/pause", "").await;
    assert_eq!(
        why(&bench, &next).await,
        "queued: Its queue `mail` has been paused since 2026-12-24T18:00:00.000000Z. | `taskhost queues resume mail` \
         lets it go on"
    );
    bench.phase.send_replace(Phase::Draining);
    assert!(why(&bench, &next).await.starts_with("queued: The daemon stops"));
    bench.post(&format!("/api/v1/tasks/{runs}/cancel"), "").await;
    assert_eq!(why(&bench, &runs).await, "running: It was asked to stop and runs on.");
    bench.complete(&claimed).await;
    assert_eq!(why(&bench, &runs).await, "completed: It completed at 2026-12-24T18:00:00.000000Z.");
    assert_eq!(bench.get("/api/v1/tasks/01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11/why").await.problem(), "task-not-found");
}

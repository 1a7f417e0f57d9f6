//! Jobs that are declared over HTTP, in the real daemon.

use serde_json::json;
use taskhost_tests::Scene;

#[test]
fn a_job_declared_over_http_outlives_kill_9_and_fires_where_it_stood() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let job = json!({
        "name": "echo", "kind": "probe.echo", "params": { "exact": 1.5 }, "schedule": { "every": "1s" }, "tags": ["x"],
    });
    let declared = daemon.client().post("/api/v1/jobs", &job);
    assert_eq!((declared.status, &declared.body["job_id"]), (201, &json!("echo")), "{}", declared.body);
    let paused = daemon
        .client()
        .post("/api/v1/jobs", &json!({ "name": "still", "kind": "probe.noop", "schedule": { "every": "1s" } }));
    assert_eq!(paused.status, 201, "{}", paused.body);
    daemon.client().post("/api/v1/jobs/still/pause", &json!({}));
    daemon.kill();

    let mut daemon = scene.start();
    let fired = daemon.wait_for_log("job=echo");
    let id = fired.split("task_id=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("an id");
    let task = daemon.client().ended(id);
    assert_eq!(
        (&task["job"], &task["result"], &task["tags"]),
        (&json!("echo"), &json!({ "exact": 1.5 }), &json!(["x"]))
    );
    assert_eq!(
        daemon.client().get("/api/v1/jobs/still").body["next_at"],
        json!(null),
        "its pause outlives the kill too"
    );
}

//! Every call of the API as its document says, and as it says not, thousands of times.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::{Value, json};
use taskhost_tests::{Client, Scene, run_in, schemathesis};

/// The names are those of the document's examples, so that what is sent is often taken.
const TASKS: &str = "
drain_timeout = \"200ms\"
[queues.\"files.checksum\"]
[jobs.\"files.checksum\"]
kind = \"files.checksum\"
params = { path = \"tasks.toml\" }
schedule = { cron = \"0 0 * * *\" }
";

/// Which answers are right to data that the document allows, and to data that it does not.
///
/// A body may be refused for what no document can say: which kinds and queues there are, what fits a kind, keys that exclude
/// each other (409, 412, 422). What is too long is 413, and a precondition is looked at before the body.
const CHECKS: &str = "
[checks]
positive_data_acceptance.expected-statuses = [\"2xx\", 401, 403, 404, 409, 412, 422, 503]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 503]

# From the headers it would infer that the id of a job is a parameter of /metrics.
[phases.stateful]
inference.algorithms = [\"dependency-analysis\"]
";

fn submit(client: &Client, task: &Value) -> String {
    let answer = client.post("/api/v1/tasks", task);
    answer.body["task_id"].as_str().unwrap_or_else(|| panic!("not accepted: {}", answer.body)).to_owned()
}

/// A task that has died.
fn dead(client: &Client) -> String {
    let task = json!({ "kind": "probe.fail", "params": { "times": 9 }, "retry": { "attempts": 1 } });
    let id = submit(client, &task);
    client.ended(&id);
    id
}

/// The calls of one task get tasks that there are: no document says which.
fn settings(client: &Client) -> String {
    let ended = submit(client, &json!({ "kind": "probe.progress", "params": { "steps": 2, "step_ms": 1 } }));
    client.ended(&ended);
    let later = submit(client, &json!({ "kind": "probe.noop", "delay": "1h" }));
    let mut settings = CHECKS.to_owned();
    for (path, id) in [
        ("", ended.clone()),
        ("/progress", ended.clone()),
        ("/logs", ended.clone()),
        ("/why", ended),
        ("/cancel", later),
        ("/retry", dead(client)),
        ("/discard", dead(client)),
    ] {
        write!(
            settings,
            "[[operations]]\ninclude-path = \"/api/v1/tasks/{{id}}{path}\"\nparameters = {{ \"path.id\" = \"{id}\" }}\n"
        )
        .expect("a text takes all");
    }
    settings
}

#[test]
fn every_call_answers_as_its_document_says_whatever_it_is_sent() {
    let scene = Scene::new(TASKS);
    let daemon = scene.start();
    let client = daemon.client();
    let settings = scene.write("schemathesis.toml", settings(client));
    let document = format!("http://{}/api/openapi.json", daemon.address());
    let mut words = vec!["--no-color", "--config-file", settings.to_str().expect("a path of text"), "run", &document];
    words.extend(["--generation-deterministic", "--max-examples", "15"]);
    words.extend(["--request-timeout", "20", "--continue-on-failure", "--suppress-health-check", "all"]);
    // An answer that does not end cannot be checked; the streams have tests of their own.
    words.extend(["--exclude-path", "/api/v1/events", "--exclude-path", "/api/v1/tasks/{id}/events"]);
    let ran = run_in(schemathesis(), &words, scene.path(), &[]);
    let (_, summary) = ran.stdout.split_once("= SUMMARY =").unwrap_or_default();
    writeln!(std::io::stderr(), "schemathesis: {}", summary.trim_matches(['=', '\n'])).expect("an open stderr");
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    assert_eq!(client.get("/readyz").status, 200);
    let (status, said) = daemon.stop();
    assert!(status.success() && !said.contains("panicked"), "{said}");
}

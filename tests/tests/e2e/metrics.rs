//! `/metrics`: what it counts is what the store keeps, and Prometheus' own tool takes it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use taskhost_tests::{Client, Daemon, Scene, output, output_of, repository};

/// The lines of the text: metric with its labels, and the number.
fn metrics(client: &Client) -> BTreeMap<String, String> {
    let text = client.get_text("/metrics");
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    lines.map(|(metric, value)| (metric.to_owned(), value.to_owned())).collect()
}

/// Those of this name that are not 0, by their labels.
fn counted(metrics: &BTreeMap<String, String>, name: &str) -> BTreeMap<String, u64> {
    let of_name = metrics.iter().filter_map(|(metric, value)| Some((metric.strip_prefix(name)?, value)));
    let counts = of_name
        .filter(|(labels, _)| labels.starts_with('{'))
        .map(|(labels, value)| (labels.to_owned(), value.parse().expect("a count")));
    counts.filter(|(_, count)| *count > 0).collect()
}

fn submit(client: &Client, document: &Value) -> String {
    let answer = client.post("/api/v1/tasks", document);
    assert_eq!(answer.status, 202, "{document}: {}", answer.body);
    answer.body["task_id"].as_str().expect("an id").to_owned()
}

/// Tasks that end in every way, in two queues.
fn submit_all(client: &Client) -> Vec<String> {
    let once = json!({ "attempts": 1 });
    let soon = json!({ "attempts": 3, "backoff": "fixed", "initial": "10ms", "jitter": 0.0 });
    let sorts = [
        (40, json!({ "kind": "probe.echo", "params": { "a": 1 } })),
        (7, json!({ "kind": "probe.echo", "queue": "mail" })),
        (10, json!({ "kind": "probe.fail", "params": { "times": 2 }, "retry": soon })),
        (5, json!({ "kind": "probe.panic", "retry": once, "queue": "mail" })),
        (3, json!({ "kind": "probe.sleep", "params": { "ms": 600_000 }, "timeout": "50ms", "retry": once })),
    ];
    let tasks = sorts.iter().flat_map(|(count, document)| std::iter::repeat_n(document, *count));
    let mut ids: Vec<String> = tasks.map(|document| submit(client, document)).collect();
    let late = json!({ "kind": "probe.sleep", "params": { "ms": 600_000 }, "delay": "1h" });
    let running = client.submit("probe.sleep", &json!({ "ms": 600_000 }));
    client.until(&running, |task| task["status"] == "running");
    let cancelled = [submit(client, &late), submit(client, &late), running];
    for id in &cancelled {
        client.post(&format!("/api/v1/tasks/{id}/cancel"), &json!({}));
    }
    ids.extend(cancelled);
    ids
}

#[test]
fn what_is_counted_is_what_the_store_keeps() {
    let scene = Scene::new("cancel_grace = \"50ms\"\n[queues.mail]\nconcurrency = 2\n");
    let daemon = scene.start();
    let ids = submit_all(daemon.client());
    let mut ended = BTreeMap::new();
    let mut kept: BTreeMap<String, u64> = BTreeMap::new();
    let mut attempts: BTreeMap<String, u64> = BTreeMap::new();
    for id in &ids {
        let task = daemon.client().ended(id);
        let word = |field: &str| task[field].as_str().expect("a word").to_owned();
        let labels =
            |outcome: &str| format!("{{kind={:?},outcome={outcome:?},queue={:?}}}", word("kind"), word("queue"));
        *ended.entry(labels(&word("status"))).or_default() += 1;
        *kept.entry(format!("{{queue={:?},status={:?}}}", word("queue"), word("status"))).or_default() += 1;
        for error in task["errors"].as_array().expect("a list") {
            let outcome = if error["code"] == "timeout" { "timed_out" } else { "failed" };
            *attempts.entry(labels(outcome)).or_default() += 1;
        }
        if task["status"] != "dead" && !task["started_at"].is_null() {
            *attempts.entry(labels(&word("status"))).or_default() += 1;
        }
    }
    let metrics = metrics(daemon.client());
    assert_eq!(counted(&metrics, "taskhost_tasks_total"), ended);
    assert_eq!(counted(&metrics, "taskhost_tasks"), kept);
    assert_eq!(counted(&metrics, "taskhost_attempts_total"), attempts);
    let durations = counted(&metrics, "taskhost_task_duration_seconds_count");
    assert_eq!(durations.values().sum::<u64>(), attempts.values().sum::<u64>(), "{durations:?}");
    assert_eq!(metrics["taskhost_workers_busy{queue=\"mail\"}"], "0");
    let shown = format!("{metrics:?}");
    assert!(!ids.iter().any(|id| shown.contains(id)), "a task is no label");
}

#[test]
fn a_queue_begins_at_0_and_says_what_runs_and_how_long_the_rest_has_waited() {
    let scene = Scene::new("[queues.mail]\nconcurrency = 1\n");
    let daemon = scene.start();
    let of_mail = || {
        let metrics = metrics(daemon.client());
        let of_mail = |metric: &str| metrics[&metric.replace('*', "queue=\"mail\"")].clone();
        let running = of_mail("taskhost_tasks{*,status=\"running\"}");
        assert_eq!(of_mail("taskhost_workers_busy{*}"), running);
        [running, of_mail("taskhost_tasks{*,status=\"queued\"}"), of_mail("taskhost_queue_latency_seconds{*}")]
    };
    assert_eq!(of_mail(), ["0", "0", "0"]);
    let document = json!({ "kind": "probe.sleep", "params": { "ms": 600_000 }, "queue": "mail" });
    let id = submit(daemon.client(), &document);
    submit(daemon.client(), &document);
    daemon.client().until(&id, |task| task["status"] == "running");
    let [running, queued, latency] = of_mail();
    assert_eq!([running, queued], ["1", "1"]);
    assert!(latency.parse::<f64>().is_ok_and(|seconds| seconds > 0.0), "{latency}");
}

#[test]
fn an_occurrence_is_counted_with_its_lag() {
    let scene = Scene::new("[jobs.soon]\nkind = \"probe.echo\"\nschedule = { delay = \"200ms\" }\n");
    let mut daemon = scene.start();
    daemon.find_in_log("The job fired.");
    let metrics = metrics(daemon.client());
    assert_eq!(metrics["taskhost_occurrences_total{job=\"soon\",outcome=\"ran\"}"], "1");
    assert_eq!(metrics["taskhost_schedule_lag_seconds_count"], "1");
}

#[test]
fn an_edit_that_is_refused_is_seen_until_it_is_mended() {
    let scene = Scene::new("");
    let mut daemon = scene.start();
    let standing = |daemon: &Daemon| {
        let metrics = metrics(daemon.client());
        let of = |name: &str| metrics[&format!("taskhost_config_reload_success{name}")].parse::<f64>();
        (of("") == Ok(1.0), of("_timestamp_seconds").expect("a number"))
    };
    let (is_good, started) = standing(&daemon);
    assert!(is_good && started > 1e9, "seconds since 1970");
    let good = std::fs::read_to_string(scene.file("tasks.toml")).expect("the file");
    scene.write("tasks.toml", format!("{good}[queues.mail]\nconcurency = 1\n"));
    daemon.wait_for_log("tasks.toml is refused");
    assert_eq!(standing(&daemon), (false, started));
    scene.write("tasks.toml", format!("{good}[queues.mail]\nconcurrency = 1\n"));
    daemon.wait_for_log("tasks.toml is applied");
    let (is_good, applied) = standing(&daemon);
    assert!(is_good && applied > started, "{applied} after {started}");
}

#[test]
fn promtool_finds_nothing_wrong() {
    let scene = Scene::new("[jobs.later]\nkind = \"probe.echo\"\nschedule = { every = \"1h\" }\n");
    let daemon = scene.start();
    daemon.client().ended(&daemon.client().submit("probe.echo", &json!({})));
    let text = daemon.client().get_text("/metrics");
    assert!(text.contains("process_resident_memory_bytes") && text.contains("taskhost_plugin_info{"), "{text}");
    assert_eq!(output_of("promtool", &["check", "metrics"], scene.path(), &text), "");
    let answer = daemon.client().get("/metrics");
    assert_eq!(answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
}

fn guide() -> String {
    std::fs::read_to_string(repository().join("docs/guide/observe.md")).expect("the guide")
}

/// The families of the daemon's own, each as a row of the guide's table.
fn rows(text: &str) -> BTreeSet<String> {
    let after = |sort: &str, name: &str| {
        let start = format!("# {sort} {name} ");
        text.lines().find_map(|line| line.strip_prefix(&*start)).unwrap_or_else(|| panic!("{start}: {text}")).to_owned()
    };
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE taskhost_")?.split_once(' '));
    let row = |(name, sort): (&str, &str)| {
        let name = format!("taskhost_{name}");
        let is_line = |line: &&str| line.starts_with(&name) && line[name.len()..].starts_with(['{', '_', ' ']);
        let line = text.lines().filter(is_line).find(|line| !line.contains("_bucket{")).expect("a line of each family");
        let labels = line.split_once('{').map_or("", |(_, rest)| rest.split_once('}').expect("an end").0);
        let labels: Vec<&str> = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0)).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{} ", labels.join(", ")) };
        format!("| `{name}` | {sort} | {labels}| {} |", after("HELP", &name))
    };
    names.map(row).collect()
}

#[test]
fn the_table_of_the_guide_is_what_is_shown() {
    let scene = Scene::new("[jobs.later]\nkind = \"probe.echo\"\nschedule = { every = \"1h\" }\n");
    let daemon = scene.start();
    daemon.client().ended(&daemon.client().submit("probe.echo", &json!({})));
    let guide = guide();
    let told: BTreeSet<String> =
        guide.lines().filter(|line| line.starts_with("| `taskhost_")).map(str::to_owned).collect();
    assert_eq!(told, rows(&daemon.client().get_text("/metrics")));
}

#[test]
fn promtool_takes_the_alerts_of_the_guide_and_their_metrics_exist() {
    let guide = guide();
    let rules = guide.split("```yaml\n").find(|block| block.starts_with("groups:")).expect("a block of rules");
    let rules = rules.split("```").next().expect("an end of the block");
    let scene = Scene::new("");
    scene.write("rules.yml", rules);
    let said = output("promtool", &["check", "rules", "rules.yml"], scene.path());
    assert!(said.contains("7 rules found"), "{said}");
    let words = rules.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    let metrics: BTreeSet<&str> = words.filter(|word| word.starts_with("taskhost_")).collect();
    let unknown: Vec<_> = metrics.iter().filter(|metric| !guide.contains(&format!("| `{metric}` |"))).collect();
    assert!(unknown.is_empty() && metrics.len() > 3, "{unknown:?} of {metrics:?}");
}

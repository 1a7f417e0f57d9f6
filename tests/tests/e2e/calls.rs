//! What a program asks for over HTTP, call by call, and what it gets.
//!
//! Not here: what is refused (`bad_input`), what a kill or a full disk costs (`recovery`).

use std::collections::BTreeSet;

use mailparse::{DispositionType, parse_mail};
use serde_json::{Value, json};
use taskhost_tests::{Client, Event, Scene, output};

use super::uploads::upload;

/// The id in an answer.
fn id(answer: &Value) -> String {
    answer["task_id"].as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

fn progress(client: &Client, id: &str) -> Value {
    client.get(&format!("/api/v1/tasks/{id}/progress")).body
}

/// A time, as GNU date understands it.
fn date(scene: &Scene, time: &str) -> String {
    output("date", &["--utc", "--date", time, "+%FT%T.%6NZ"], scene.path()).trim().to_owned()
}

#[test]
fn an_email_with_attachments_is_enqueued_by_post_and_answered_with_its_id_and_queued() {
    let scene = Scene::new(
        "[plugins.email]\nconfig = { transport = \"file\", path = \"outbox\", from = \"Ops <ops@example.org>\" }\n",
    );
    let picture: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    scene.write("report.txt", "all is well\n");
    scene.write("picture.png", &picture);
    let daemon = scene.start();
    let mail = json!({
        "to": ["Ada <ada@example.org>"], "subject": "Zahlen für März", "text": "see below",
        "attachments": ["report.txt", "picture.png"],
    });
    let answer = daemon.client().post("/api/v1/tasks", &json!({ "kind": "email.send", "params": mail }));
    let id = id(&answer.body);
    assert_eq!((answer.status, &answer.body), (202, &json!({ "task_id": id, "status": "queued" })));

    let task = daemon.client().ended(&id);
    assert_eq!((&task["status"], &task["result"]["to"]), (&json!("completed"), &json!(["ada@example.org"])), "{task}");
    let mails: Vec<_> = std::fs::read_dir(scene.file("outbox")).expect("the outbox").flatten().collect();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let raw = std::fs::read(mails[0].path()).expect("the mail");
    let read = parse_mail(&raw).expect("a mail");
    let header =
        |name: &str| read.headers.iter().find(|header| header.get_key() == name).map(mailparse::MailHeader::get_value);
    assert_eq!(header("Subject").as_deref(), Some("Zahlen für März"));
    assert_eq!(header("Message-ID").as_deref(), task["result"]["message_id"].as_str());
    let attached =
        read.parts().filter(|part| part.get_content_disposition().disposition == DispositionType::Attachment);
    let attached: Vec<_> = attached
        .map(|part| (part.get_content_disposition().params["filename"].clone(), part.get_body_raw().expect("a body")))
        .collect();
    assert_eq!(attached, [("report.txt".to_owned(), b"all is well\n".to_vec()), ("picture.png".to_owned(), picture)]);
}

#[test]
fn a_poll_answers_id_and_status_the_result_only_when_completed_and_the_error() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let shown = |task: &Value| {
        let of = |key: &str| task[key].clone();
        json!({ "task_id": of("task_id"), "status": of("status"), "result": of("result"), "error": of("error") })
    };
    let runs = client.submit("probe.sleep", &json!({ "ms": 600_000 }));
    let running = client.until(&runs, |task| task["status"] == "running");
    assert_eq!(shown(&running), json!({ "task_id": runs, "status": "running", "result": null, "error": null }));

    let done = client.submit("probe.echo", &json!({ "a": 1 }));
    let completed = json!({ "task_id": done, "status": "completed", "result": { "a": 1 }, "error": null });
    assert_eq!(shown(&client.ended(&done)), completed);

    let fails = json!({ "kind": "probe.fail", "params": { "times": 1 }, "retry": { "attempts": 1 } });
    let fails = id(&client.post("/api/v1/tasks", &fails).body);
    let error = "attempt 1 of 1 that were asked to fail";
    assert_eq!(
        shown(&client.ended(&fails)),
        json!({ "task_id": fails, "status": "dead", "result": null, "error": error })
    );
}

#[test]
fn an_unknown_id_is_404_and_the_problem_task_not_found() {
    let scene = Scene::new("");
    let daemon = scene.start();
    for id in ["01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11", "7"] {
        for path in ["", "/progress", "/logs"] {
            let answer = daemon.client().get(&format!("/api/v1/tasks/{id}{path}"));
            assert_eq!((answer.status, &*answer.content_type), (404, "application/problem+json"), "{}", answer.body);
            assert_eq!(answer.body["title"], "Task not found", "{}", answer.body);
        }
    }
}

#[test]
fn a_pool_of_three_workers_runs_exactly_three_tasks_at_once() {
    let scene = Scene::new("[queues.pool]\nconcurrency = 3\n");
    let daemon = scene.start();
    let client = daemon.client();
    // Together, so that there is work for all of them from the first moment.
    let document = json!({ "kind": "probe.sleep", "params": { "ms": 80 }, "queue": "pool" });
    let batch = client.post("/api/v1/tasks/batch", &json!({ "tasks": vec![document; 12] }));
    let ids: Vec<String> = batch.body["tasks"].as_array().expect("answers").iter().map(id).collect();
    let tasks: Vec<Value> = ids.iter().map(|id| client.ended(id)).collect();
    // Times are text in the order of time. Where one ends as the next begins, the end comes first.
    let moments = tasks.iter().flat_map(|task| [(&task["started_at"], 1), (&task["finished_at"], -1)]);
    let mut moments: Vec<_> = moments.map(|(at, step)| (at.as_str().expect("a time"), step)).collect();
    moments.sort_unstable();
    let busy = moments.iter().scan(0, |busy, (_, step)| {
        *busy += step;
        Some(*busy)
    });
    assert_eq!(busy.max(), Some(3), "{moments:?}");
}

#[test]
fn sigint_and_sigterm_give_the_running_task_back() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let scene = Scene::new("");
        let daemon = scene.start();
        let id = daemon.client().submit("probe.progress", &json!({ "steps": 40, "step_ms": 25 }));
        daemon.client().until(&id, |task| task["progress"]["current"].as_u64().is_some_and(|current| current >= 5));
        daemon.signal(signal);
        let (status, log) = daemon.wait();
        assert!(status.success() && log.contains("taskhost has stopped."), "{log}");

        let daemon = scene.start();
        let task = daemon.client().ended(&id);
        assert_eq!(
            (&task["status"], &task["attempt"]),
            (&json!("completed"), &json!(1)),
            "its attempt is not spent: {task}"
        );
        let resumed_at = task["result"]["resumed_at"].as_u64().expect("a step");
        assert!((5..40).contains(&resumed_at), "it goes on where it stopped: {task}");
    }
}

#[test]
fn a_one_time_task_after_a_delay_of_an_hour_is_scheduled_an_hour_ahead() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let asked_at = date(&scene, "now");
    let answer = daemon.client().post("/api/v1/tasks", &json!({ "kind": "probe.noop", "delay": "1h" }));
    assert_eq!((answer.status, &answer.body["status"]), (202, &json!("scheduled")), "{}", answer.body);
    let task = daemon.client().task(&id(&answer.body));
    assert_eq!(task["status"], "scheduled", "{task}");
    // It counts from when the call came, which is before the task is on the disk.
    let latest = date(&scene, &format!("1 hour {}", task["created_at"].as_str().expect("a time")));
    let earliest = date(&scene, &format!("1 hour {asked_at}"));
    let scheduled_at = task["scheduled_at"].as_str().expect("a time");
    assert!((&*earliest..=&*latest).contains(&scheduled_at), "{earliest} to {latest}: {task}");
}

#[test]
fn a_daily_task_comes_at_the_next_midnight_of_its_zone() {
    // In a zone without daylight saving time, which needs no database to be told to GNU date.
    let scene = Scene::new(
        "timezone = \"Asia/Kolkata\"\n[jobs.daily]\nkind = \"probe.noop\"\nschedule = { cron = \"0 0 * * *\" }\n",
    );
    let daemon = scene.start();
    let midnight = || date(&scene, "TZ=\"IST-5:30\" tomorrow 00:00");
    let before = midnight();
    let job = json!({
        "name": "asked", "kind": "probe.noop", "schedule": { "cron": "0 0 * * *", "timezone": "Asia/Kolkata" },
    });
    let asked = daemon.client().post("/api/v1/jobs", &job);
    assert_eq!(asked.status, 201, "{}", asked.body);
    let declared = daemon.client().get("/api/v1/jobs/daily");
    for next_at in [&asked.body["next_at"], &declared.body["next_at"]] {
        // This test may run at midnight.
        assert!([&before, &midnight()].iter().any(|midnight| next_at == *midnight), "{next_at}, not {before}");
    }
}

#[test]
fn a_backup_of_a_path_is_scheduled_by_post_with_a_cron_line_and_answered_with_its_job_id() {
    let scene = Scene::new("");
    scene.write("docs/a.txt", "alpha");
    let daemon = scene.start();
    let schedule = json!({ "cron": "30 2 * * *", "timezone": "Europe/Berlin" });
    let job = json!({
        "kind": "backup.create", "params": { "source": "docs", "target": "backups" }, "schedule": schedule,
    });
    let answer = daemon.client().post("/api/v1/jobs", &job);
    assert_eq!((answer.status, &answer.body["schedule"]), (201, &schedule), "{}", answer.body);
    let job_id = answer.body["job_id"].as_str().expect("an id");
    assert_eq!(answer.location, format!("/api/v1/jobs/{job_id}"));

    let triggered = daemon.client().post(&format!("/api/v1/jobs/{job_id}/trigger"), &json!({}));
    let task = daemon.client().ended(&id(&triggered.body));
    assert_eq!((&task["status"], &task["job"]), (&json!("completed"), &json!(job_id)), "{task}");
    let archive = task["result"]["archive"].as_str().expect("a path");
    assert_eq!(output("tar", &["--zstd", "-xOf", archive, "docs/a.txt"], scene.path()), "alpha");
}

#[test]
fn that_job_is_deleted_by_its_id_and_answered_with_a_message() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let job = json!({ "kind": "probe.noop", "schedule": { "cron": "30 2 * * *" } });
    let declared = daemon.client().post("/api/v1/jobs", &job);
    let job_id = declared.body["job_id"].as_str().expect("an id");
    let path = format!("/api/v1/jobs/{job_id}");
    let answer = daemon.client().delete(&path);
    let message = format!("Job {job_id} is deleted; tasks that it has made stay");
    assert_eq!((answer.status, answer.body), (200, json!({ "message": message })));
    for gone in [daemon.client().get(&path), daemon.client().delete(&path)] {
        assert_eq!((gone.status, &gone.body["title"]), (404, &json!("Job not found")), "{}", gone.body);
    }
    assert_eq!(daemon.client().get("/api/v1/jobs").body["jobs"], json!([]));
}

#[test]
fn a_task_reports_ten_steps_and_each_message_is_seen() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let id = client.submit("probe.progress", &json!({ "steps": 10, "step_ms": 250 }));
    // The stream ends with the task, and nothing of it is missed however late it is read.
    let events = client.events(&format!("/api/v1/tasks/{id}/events"), None);
    let message = |event: Event| event.data["progress"]["message"].as_str().map(str::to_owned);
    let seen: BTreeSet<String> = events.filter_map(message).collect();
    assert_eq!(seen, (1..=10).map(|step| format!("step {step} of 10")).collect());
}

#[test]
fn a_file_is_read_in_chunks_and_its_bytes_and_their_rate_are_reported() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let size = 1_u64 << 30;
    let file = std::fs::File::create(scene.file("large.bin")).expect("a file");
    file.set_len(size).expect("a file with a hole");
    let id = client.submit("files.checksum", &json!({ "path": "large.bin" }));
    let on_its_way = |task: &Value| {
        let progress = &task["progress"];
        progress["current"].as_u64().is_some_and(|bytes| (1..size).contains(&bytes)) && progress["rate"].is_number()
    };
    let running = client.until(&id, |task| on_its_way(task) || task["finished_at"].is_string());
    assert!(on_its_way(&running), "it is read at once: {running}");
    assert_eq!((&running["progress"]["total"], &running["progress"]["unit"]), (&json!(size), &json!("bytes")));
    assert!(running["progress"]["rate"].as_f64() > Some(0.0), "{running}");
    let task = client.ended(&id);
    assert_eq!((&task["result"]["bytes"], &task["progress"]["percentage"]), (&json!(size), &json!(100.0)), "{task}");
    let kib = peak_memory(daemon.id());
    assert!(kib < 200_000, "a gigabyte took {kib} KiB of memory");
}

/// The most that a process had in memory, in KiB.
fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    peak.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn an_upload_by_multipart_post_is_answered_with_the_task_that_works_on_it() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let file: Vec<u8> = (0..3_000_000_u32).map(|at| u8::try_from(at % 251).expect("a byte")).collect();
    let answer = upload(&daemon, "files.checksum", &file);
    let id = id(&answer.body);
    assert_eq!((answer.status, &answer.body), (202, &json!({ "task_id": id, "status": "queued" })));
    assert_eq!(answer.location, format!("/api/v1/tasks/{id}"));
    let task = daemon.client().ended(&id);
    assert_eq!(task["result"]["bytes"], 3_000_000, "{task}");
    let path = task["params"]["path"].as_str().expect("a path");
    assert_eq!(path, format!("var/uploads/{id}/photo_1.jpg"), "the path is relative to the folder of tasks.toml");
    assert_eq!(std::fs::read(scene.file(path)).expect("the file"), file);
}

#[test]
fn a_poll_of_the_progress_answers_current_total_percentage_and_message_also_when_it_has_ended() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let client = daemon.client();
    let id = client.submit("probe.progress", &json!({ "steps": 10, "step_ms": 20 }));
    client.until(&id, |task| task["progress"]["current"].as_u64().is_some_and(|current| current > 0));
    let running = progress(client, &id)["progress"].clone();
    let current = running["current"].as_f64().expect("a number");
    assert_eq!((&running["total"], running["percentage"].as_f64()), (&json!(10), Some(current * 10.0)), "{running}");
    assert_eq!(running["message"], format!("step {current} of 10"));
    client.ended(&id);
    let ended = progress(client, &id);
    assert_eq!((&ended["status"], &ended["progress"]["percentage"]), (&json!("completed"), &json!(100.0)), "{ended}");
    assert_eq!(ended["progress"]["message"], "step 10 of 10");
}

#[test]
fn a_kind_without_progress_says_that_it_does_not_support_tracking() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let id = daemon.client().submit("probe.noop", &json!({}));
    daemon.client().ended(&id);
    let answer = daemon.client().get(&format!("/api/v1/tasks/{id}/progress"));
    assert_eq!(answer.status, 404, "{}", answer.body);
    assert_eq!(answer.body["detail"], "Task doesn't support progress tracking");
}

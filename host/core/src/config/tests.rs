//! Whole files: every key of this version, and every kind of error.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::ids::KindName;
use crate::priority::Priority;
use crate::retention::Retention;
use crate::retry::{Backoff, RetryPolicy};

pub(super) const EVERY_KEY: &str = r#"
[host]
store         = "sqlite:data/tasks.db"
state         = "data"
listen        = "[::1]:9000"
plugins       = ["target/release/plugins", "more"]
timezone      = "Europe/Berlin"
durability    = "relaxed"
drain_timeout = "1m"
cancel_grace  = "500ms"
upload_limit  = "512MiB"
retention     = { completed = "1h", cancelled = "2h", dead = "30d" }

[plugins.probe]
isolation        = "in-process"
allow_in_process = true
config           = { path = "var/outbox", since = 2026-12-24T18:00:00Z }

[queues.mail]
concurrency = 4
retention   = { dead = "90d" }

[queues.default]
concurrency = 2

[jobs.nightly-backup]
kind       = "backup.create"
params     = { source = "docs", keep = { daily = 7, weekly = 4 }, ratio = 0.5, list = [1, true, "x"] }
schedule   = { cron = "30 2 * * *", timezone = "America/New_York" }
queue      = "mail"
priority   = "high"
timeout    = "30m"
retry      = { attempts = 3, backoff = "linear", initial = "10s", max = "1h", jitter = 1 }
expires_in = "1d"
tags       = ["nightly", "backup"]

[jobs.in-the-zone-of-the-host]
kind     = "files.checksum"
schedule = { cron = "@daily" }

[jobs.often]
kind = "probe.noop"
[jobs.often.schedule]
every = "15m"

[jobs.once]
kind     = "probe.noop"
schedule = { at = 2026-12-24 19:00+01:00 }

[jobs.soon]
kind     = "probe.noop"
schedule = { delay = "1h" }

[jobs.by-hand]
kind = "probe.noop"
"#;

fn job(name: &str) -> JobConfig {
    let mut config = Config::parse(EVERY_KEY).unwrap();
    config.jobs.remove(&JobName::new(name).unwrap()).unwrap()
}

#[test]
fn every_key_is_read() {
    let Config { host, plugins, queues, jobs } = Config::parse(EVERY_KEY).unwrap();
    assert_eq!(
        host,
        HostConfig {
            store: Some(StoreUrl::Sqlite("data/tasks.db".into())),
            state: Some("data".into()),
            listen: "[::1]:9000".parse().unwrap(),
            plugins: vec!["target/release/plugins".into(), "more".into()],
            timezone: "Europe/Berlin".parse().unwrap(),
            durability: Durability::Relaxed,
            drain_timeout: Duration::from_mins(1),
            cancel_grace: Duration::from_millis(500),
            upload_limit: "512MiB".parse().unwrap(),
            retention: Retention {
                completed: Duration::from_hours(1),
                cancelled: Duration::from_hours(2),
                dead: Duration::from_hours(30 * 24),
            },
        }
    );
    let probe = &plugins[&PluginName::new("probe").unwrap()];
    assert_eq!((probe.allow_in_process, probe.line), (true, 14));
    assert_eq!(probe.config.get_ref(), &json!({"path": "var/outbox", "since": "2026-12-24T18:00:00Z"}));
    let queues: Vec<_> = queues.iter().map(|(name, queue)| (name.as_str(), queue.concurrency)).collect();
    assert_eq!(queues, [("default", 2), ("mail", 4)]);
    assert_eq!(jobs.len(), 6);
}

#[test]
fn a_job_keeps_its_policies_and_places() {
    let JobConfig { job, kind_span, params_span, line } = job("nightly-backup");
    assert_eq!(job.kind, KindName::new("backup.create").unwrap());
    assert_eq!(&EVERY_KEY[kind_span], "\"backup.create\"");
    assert!(EVERY_KEY[params_span].starts_with("{ source = "));
    let keep = json!({"daily": 7, "weekly": 4});
    assert_eq!(job.params.value(), &json!({"source": "docs", "keep": keep, "ratio": 0.5, "list": [1, true, "x"]}));
    assert_eq!(job.queue.unwrap().as_str(), "mail");
    assert_eq!((job.priority, line), (Priority::High, 26));
    assert_eq!((job.timeout, job.expires_in), (Some(Duration::from_mins(30)), Some(Duration::from_hours(24))));
    assert_eq!(job.tags, ["nightly", "backup"]);
    assert_eq!(
        job.retry.over(RetryPolicy::default()),
        RetryPolicy {
            attempts: 3,
            backoff: Backoff::Linear,
            initial: Duration::from_secs(10),
            max: Duration::from_hours(1),
            jitter: 1.0,
        }
    );
}

#[test]
fn each_kind_of_schedule_is_read() {
    let schedule = |name| job(name).job.schedule.map(|schedule| schedule.to_string());
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(schedule("nightly-backup"), text("cron 30 2 * * * America/New_York"));
    assert_eq!(schedule("in-the-zone-of-the-host"), text("cron @daily Europe/Berlin"));
    assert_eq!(schedule("often"), text("every 15m"));
    assert_eq!(schedule("once"), text("at 2026-12-24T18:00:00.000000Z"));
    assert_eq!(schedule("soon"), text("delay 1h"));
    assert_eq!(schedule("by-hand"), None);
}

#[test]
fn an_empty_file_has_the_defaults_and_their_queue() {
    let config = Config::parse("").unwrap();
    assert_eq!(config.host, HostConfig::default());
    assert_eq!(config.host.listen.to_string(), "127.0.0.1:7878");
    assert_eq!(config.queues[&QueueName::default()], QueueConfig::default());
    assert!(config.jobs.is_empty() && config.plugins.is_empty());
}

#[test]
fn a_job_says_nothing_that_is_not_written() {
    let JobConfig { job: by_hand, params_span, .. } = job("by-hand");
    assert_eq!((by_hand.queue, by_hand.timeout, by_hand.expires_in), (None, None, None));
    assert_eq!(by_hand.retry, crate::retry::PartialRetry::EMPTY);
    assert_eq!(by_hand.params.value(), &json!({}));
    assert_eq!(&EVERY_KEY[params_span], "by-hand");
}

/// All errors of a text as a person reads them.
fn rendered(text: &str) -> String {
    let errors = Config::parse(text).unwrap_err();
    errors.iter().map(|error| error.render("tasks.toml", text)).collect::<Vec<_>>().join("\n")
}

#[test]
fn all_errors_of_a_file_are_shown_at_once() {
    let found = rendered(include_str!("broken.toml"));
    assert_eq!(
        found,
        include_str!("broken.txt"),
        "the new text:
{found}"
    );
}

#[test]
fn a_file_that_is_no_toml_shows_each_broken_place_and_nothing_else() {
    let errors = Config::parse("[jobs.a]\nkind = \nquee = \"x\"\n[jobs.a]\n").unwrap_err();
    let places: Vec<_> = errors.iter().map(|error| error.line).collect();
    assert_eq!(places, [2, 4], "{errors:?}");
}

/// The one error of a text, without the place, and its hint.
fn one(text: &str) -> (String, Option<String>) {
    let mut errors = Config::parse(text).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.remove(0);
    (error.message, error.hint)
}

#[test]
fn retention_is_that_of_the_queue_over_that_of_the_host_over_the_default() {
    let text = "[host]\nretention = { completed = \"1h\" }\n[queues.mail.retention]\ndead = \"30d\"\n[queues.other]\n";
    let config = Config::parse(text).unwrap();
    let usual = Retention { completed: Duration::from_hours(1), ..Retention::default() };
    let mail = Retention { dead: Duration::from_hours(30 * 24), ..usual };
    let of_queues = [(QueueName::new("mail").unwrap(), mail)].into();
    assert_eq!(config.retentions(), Retentions { usual, of_queues });
    assert_eq!(
        one("[queues.mail]\nretention = { complete = \"1h\" }"),
        ("unknown key `complete` in [queues.mail.retention]".to_owned(), Some("did you mean `completed`?".to_owned()))
    );
}

#[test]
fn what_later_versions_know_is_refused_by_name() {
    for (text, message) in [
        (
            "[host]\nstore = \"postgres://u@h/db\"",
            "`store` in [host]: a PostgreSQL store is not supported by this version",
        ),
        (
            "[host]\nlisten = \"0.0.0.0:7878\"",
            "`listen` in [host]: `0.0.0.0:7878` can be reached from outside, which needs a token; tokens are not supported by this version",
        ),
        (
            "[plugins.p]\nisolation = \"process\"",
            "`isolation` in [plugins.p]: `process` is not supported by this version",
        ),
        ("[queues.q]\nrate = \"100/1m\"", "`rate` in [queues.q] is not supported by this version"),
        ("[jobs.j]\nkind = \"k\"\nafter = [\"i\"]", "`after` in [jobs.j] is not supported by this version"),
        (
            "[jobs.j]\nkind = \"k\"\nschedule = { every = \"1m\", missed = \"skip\" }",
            "`missed` in [jobs.j.schedule] is not supported by this version",
        ),
        (
            "[jobs.j]\nkind = \"k\"\nschedule = { cron = \"0 0 L * *\" }",
            "`cron` in [jobs.j.schedule]: day-of-month field \"L\": `L` is not supported by this version",
        ),
        (
            "[jobs.j]\nkind = \"k\"\nparams = { text = \"${jobs.i.result.x}\" }",
            "`params` in [jobs.j]: `${jobs.…}` is not supported by this version",
        ),
    ] {
        assert_eq!(one(text).0, message);
    }
}

#[test]
fn a_wrong_value_is_named_with_what_is_allowed() {
    for (text, message) in [
        ("host = 1", "[host] should be a table, not an integer"),
        ("[queues]\nmail = 4", "[queues.mail] should be a table, not an integer"),
        ("[queues.q]\nconcurrency = 0", "`concurrency` in [queues.q]: 0 is outside 1-10000"),
        ("[queues.q]\nconcurrency = \"4\"", "`concurrency` in [queues.q]: expected a whole number, found a string"),
        (
            "[queues.\"a b\"]",
            "`a b` is not a name for a queue: only ASCII letters, digits, `-`, `_` and `.` may stand in it",
        ),
        (
            "[host]\nupload_limit = 5",
            "`upload_limit` in [host]: expected a size in quotes, like \"512MiB\", found an integer",
        ),
        (
            "[host]\nupload_limit = \"5MB\"",
            "`upload_limit` in [host]: size `5MB`: unknown unit `MB`; the units are B, KiB, MiB, GiB and TiB",
        ),
        ("[host]\nplugins = \"p\"", "`plugins` in [host]: expected a list in square brackets, found a string"),
        ("[host]\nplugins = [\"p\", 1]", "`plugins` in [host]: expected a string in quotes, found an integer"),
        ("[host]\nstate = \"\"", "`state` in [host]: it is empty"),
        ("[host]\nstore = \"sqlite::memory:\"", "`store` in [host]: a store in memory would lose its tasks"),
        ("[host]\nstore = \"var/x.db\"", "`store` in [host]: `var/x.db` names no store"),
        ("[host]\nlisten = \"localhost\"", "`listen` in [host]: `localhost` is not an address with a port"),
        (
            "[plugins.p]\nconfig = 1",
            "`config` in [plugins.p]: expected a table, like { key = \"value\" }, found an integer",
        ),
        ("[plugins.p]\nconfig = { x = nan }", "`config` in [plugins.p]: nan is no number in JSON"),
        (
            "[plugins.p]\nallow_in_process = 1",
            "`allow_in_process` in [plugins.p]: expected true or false, found an integer",
        ),
        (
            "[jobs.j]\nkind = \"k\"\nschedule = {}",
            "[jobs.j.schedule] should have exactly one of cron, every, at, delay; it has 0",
        ),
        (
            "[jobs.j]\nkind = \"k\"\nschedule = { every = \"1m\", timezone = \"UTC\" }",
            "`timezone` in [jobs.j.schedule] is for cron alone",
        ),
        (
            "[jobs.j]\nkind = \"k\"\nschedule = { at = 2026-12-24 }",
            "`at` in [jobs.j.schedule]: `2026-12-24` is not an instant",
        ),
        ("[jobs.j]\nkind = \"k\"\nschedule = \"@daily\"", "[jobs.j.schedule] should be a table, not a string"),
        ("[jobs.j]\nkind = \"k\"\ntags = [\"a\", \"a\"]", "`tags` in [jobs.j]: `a` stands there twice"),
        ("[jobs.j]\nkind = \"k\"\nretry = { attempts = 1001 }", "`attempts` in [jobs.j.retry]: 1001 is outside 1-1000"),
        ("[jobs.j]\nkind = \"k\"\nretry = { jitter = 1.5 }", "`jitter` in [jobs.j.retry]: 1.5 is outside 0-1"),
        (
            "[jobs.j]\nkind = \"k\"\nretry = { initial = \"2h\", max = \"1h\" }",
            "[jobs.j.retry]: initial = 2h is longer than max = 1h",
        ),
        (
            "[jobs.j]\nkind = \"k\"\ntimeout = 30",
            "`timeout` in [jobs.j]: expected a duration in quotes, like \"30s\", found an integer",
        ),
    ] {
        assert_eq!(one(text).0, message);
    }
}

#[test]
fn references_to_secrets_are_kept_as_they_are_written_and_those_that_are_none_are_refused() {
    let text = "[plugins.p]\nconfig = { url = \"${file:/run/url}\" }\n[jobs.j]\nkind = \"k\"\nparams = { to = [\"x ${env:HOME}\"] }\n";
    let config = Config::parse(text).unwrap();
    let params = &config.jobs[&JobName::new("j").unwrap()].job.params;
    assert_eq!((params.json(), params.refers()), ("{\"to\":[\"x ${env:HOME}\"]}", true));
    let plugin = &config.plugins[&PluginName::new("p").unwrap()];
    assert_eq!(plugin.config.get_ref(), &json!({ "url": "${file:/run/url}" }));
    assert!(!job("nightly-backup").job.params.refers());
    for (text, marked, message) in [
        (
            "[jobs.j]\nkind = \"k\"\nparams = { to = [\"x ${env:HO ME}\"] }",
            "${env:HO ME}",
            "`params` in [jobs.j]: `HO ME` does not name a variable: ASCII letters, digits and `_`, no digit first",
        ),
        (
            "[host]\nstate = \"${env:HOME}/x\"",
            "\"${env:HOME}/x\"",
            "`state` in [host]: `${env:…}` may stand in params and in the config of plugins alone",
        ),
    ] {
        let errors = Config::parse(text).unwrap_err();
        assert_eq!((&text[errors[0].span.clone()], &*errors[0].message, errors.len()), (marked, message, 1));
    }
}

#[test]
fn params_over_the_limit_of_a_task_are_refused_where_they_stand() {
    let text = format!("[jobs.j]\nkind = \"k\"\nparams = {{ text = \"{}\" }}\n", "x".repeat(1 << 20));
    assert_eq!(one(&text).0, "`params` in [jobs.j]: 1048587 bytes of JSON, the limit is 1048576");
    assert!(rendered(&text).len() < 200, "a line that long is not shown");
}

#[test]
fn a_mistyped_key_that_is_needed_is_one_mistake() {
    let (message, hint) = one("[jobs.j]\nkidn = \"k\"");
    assert_eq!((&*message, hint.as_deref()), ("unknown key `kidn` in [jobs.j]", Some("did you mean `kind`?")));
    assert_eq!(Config::parse("[jobs.j]\ncolour = \"k\"").unwrap_err().len(), 2, "that is another key");
}

#[test]
fn words_that_are_nearly_right_get_a_suggestion() {
    for (text, hint) in [
        ("[job.j]\nkind = \"k\"", "did you mean `jobs`?"),
        ("[host]\ntimezon = \"UTC\"", "did you mean `timezone`?"),
        (
            "[host]\ncolour = \"red\"",
            "the keys here are store, state, listen, plugins, timezone, durability, drain_timeout, cancel_grace, upload_limit, retention",
        ),
        ("[host]\ntimezone = \"Europe/Berln\"", "did you mean `Europe/Berlin`?"),
        ("[jobs.j]\nkind = \"k\"\nqueue = \"mial\"\n[queues.mail]", "did you mean `mail`?"),
        ("[jobs.j]\nkind = \"k\"\nqueue = \"reports\"", "declare it: [queues.reports]"),
        ("[jobs.j]\nkind = \"k\"\npriority = \"hihg\"", "did you mean `high`?"),
    ] {
        assert_eq!(one(text).1.as_deref(), Some(hint));
    }
}

#[test]
fn the_state_folder_is_found_in_a_file_with_errors() {
    let texts = ["[host]\nstate = \"run\"\nlisten = 7\n[jobs.x]\n", "[host]\nstate = \"run\"\n[jobs.x\nkind =\n"];
    for text in texts {
        assert!(Config::parse(text).is_err());
        assert_eq!(Config::state_in(text), Some("run".into()));
    }
    assert_eq!(Config::state_in("what is this"), None);
}

#[test]
fn what_the_front_page_and_the_repository_declare_is_right() {
    let page = include_str!("../../../../README.md");
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    for text in blocks.into_iter().chain([include_str!("../../../../tasks.toml")]) {
        assert_eq!(Config::parse(text).err(), None, "{text}");
    }
}

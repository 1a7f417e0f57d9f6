//! The sections of `tasks.toml` and their keys, as parts of the schema.
//!
//! A test holds them equal to what the checker takes. Start at [`parts`].

use serde_json::{Map, Value as Json, json};

use crate::config::diff::NEED_RESTART;
use crate::config::{HostConfig, QueueConfig};
use crate::duration::DurationText;
use crate::ids::NAME_MAX;
use crate::priority::Priority;
use crate::retention::Retention;
use crate::retry::{ATTEMPTS_MAX, Backoff, RetryPolicy};
use crate::schedule::Zone;

/// What the config of a plugin is.
pub(super) const CONFIG: &str = "What the plugin is given when it starts.";

const DURATION: &str =
    "^([0-9]*[1-9][0-9]*d)?([0-9]*[1-9][0-9]*h)?([0-9]*[1-9][0-9]*m)?([0-9]*[1-9][0-9]*s)?([0-9]*[1-9][0-9]*ms)?$";
const SIZE: &str = "^[0-9]*[1-9][0-9]*(B|KiB|MiB|GiB|TiB)$";
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]*$";
/// A loopback address and a port.
const LISTEN: &str = r"^(127(\.[0-9]{1,3}){3}|\[[0:]+1\]):[0-9]{1,5}$";
const STORE: &str = "^sqlite:(/?[^/].*|/)$";
/// A date, a time and an offset.
const INSTANT: &str =
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})$";

/// What other parts refer to by name.
pub(super) fn parts() -> Map<String, Json> {
    let zones: Vec<_> = Zone::names().collect();
    let parts = [
        ("name", json!({ "type": "string", "pattern": NAME, "maxLength": NAME_MAX })),
        ("timezone", json!({ "type": "string", "enum": zones })),
        ("host", host()),
        ("queue", queue()),
        ("schedule", schedule()),
        ("retry", retry()),
        ("retention", retention()),
    ];
    parts.into_iter().map(|(name, part)| (name.to_owned(), part)).collect()
}

fn table(description: &str, properties: &Json) -> Json {
    json!({ "type": "object", "description": description, "additionalProperties": false, "properties": properties })
}

fn duration(description: &str) -> Json {
    json!({
        "type": "string", "description": format!("{description} A duration, like `90s`, `15m` or `1h30m`."),
        "minLength": 2, "pattern": DURATION, "examples": ["30s", "1h30m"],
    })
}

fn with_default(mut part: Json, default: impl Into<Json>) -> Json {
    part["default"] = default.into();
    part
}

fn text(duration: std::time::Duration) -> String {
    DurationText::from(duration).to_string()
}

fn host() -> Json {
    let HostConfig { listen, timezone, drain_timeout, cancel_grace, upload_limit, .. } = HostConfig::default();
    let path = |description: &str| json!({ "type": "string", "minLength": 1, "description": description });
    let zone = "The zone of cron lines that name none: an IANA name.";
    let mut host = table(
        "The daemon itself: where it keeps its things and how it behaves. Relative paths begin in the folder of this file.",
        &json!({
            "store": {
                "type": "string", "pattern": STORE, "not": { "const": "sqlite::memory:" }, "examples": ["sqlite:var/taskhost.db"],
                "description": "Where tasks are kept: `sqlite:` and a path. Unset: `taskhost.db` in the state folder.",
            },
            "state": path("The folder of the socket, the lock, the copies of plugins and the uploads. Unset: `var`, or where a service has its state."),
            "listen": {
                "type": "string", "pattern": LISTEN, "default": listen.to_string(),
                "description": "Where HTTP listens: a loopback address and a port; port 0 takes a free one.",
            },
            "plugins": {
                "type": "array", "items": path("A folder."), "default": [],
                "description": "The folders in which plugins are looked for, not below them. They are watched.",
            },
            "timezone": { "anyOf": [{ "$ref": "#/$defs/timezone" }], "description": zone, "default": timezone.to_string() },
            "durability": {
                "type": "string", "enum": ["full", "relaxed"], "default": "full",
                "description": "What survives a power cut: `full`, everything that was acknowledged; `relaxed`, what the system had written by then (a killed daemon still loses nothing).",
            },
            "drain_timeout": with_default(duration("How long a stop waits for running attempts before it gives them back."), text(drain_timeout)),
            "cancel_grace": with_default(duration("How long an attempt may go on after it was told to cancel."), text(cancel_grace)),
            "upload_limit": {
                "type": "string", "pattern": SIZE, "default": upload_limit.to_string(), "examples": ["512MiB"],
                "description": "The largest file that may be uploaded: a size in B, KiB, MiB, GiB or TiB.",
            },
            "retention": { "$ref": "#/$defs/retention" },
        }),
    );
    for key in NEED_RESTART {
        let part = &mut host["properties"][key]["description"];
        *part = format!("{} A change needs a restart.", part.as_str().unwrap_or_default()).into();
    }
    host
}

/// `[plugins.NAME]` of a plugin whose config is `config`.
pub(super) fn plugin(config: &Json) -> Json {
    table(
        CONFIG_SECTION,
        &json!({
            "config": config,
            "allow_in_process": {
                "type": "boolean", "default": false,
                "description": "Whether kinds that ask for a process of their own may run in the daemon.",
            },
            "isolation": {
                "type": "string", "enum": ["in-process"], "default": "in-process",
                "description": "Where its code runs: in the daemon.",
            },
        }),
    )
}

const CONFIG_SECTION: &str = "How a plugin is run and configured.";

fn retention() -> Json {
    let Retention { completed, cancelled, dead } = Retention::default();
    let kept = |what: &str, usual| with_default(duration(&format!("How long {what} tasks are kept.")), text(usual));
    table(
        "How long ended tasks are kept; what a queue does not say is as for the host.",
        &json!({
            "completed": kept("completed", completed),
            "cancelled": kept("cancelled", cancelled),
            "dead": kept("dead", dead),
        }),
    )
}

fn queue() -> Json {
    table(
        "A place where tasks wait. Queues do not share their slots.",
        &json!({
            "concurrency": {
                "type": "integer", "minimum": 1, "maximum": 10_000, "default": QueueConfig::default().concurrency,
                "description": "How many of its tasks run at once on this host: 1 to 10,000.",
            },
            "retention": { "$ref": "#/$defs/retention" },
        }),
    )
}

/// `[jobs.NAME]`, whatever its kind.
pub(super) fn job() -> Json {
    let priorities = Priority::ALL.map(Priority::as_str);
    let mut job = table(
        "What makes tasks: what they run, with which params, when, and under which policies.",
        &json!({
            "kind": { "type": "string", "pattern": NAME, "maxLength": NAME_MAX, "description": "What its tasks run: a kind that a plugin provides." },
            "params": { "type": "object", "description": "What its tasks get; the kind says what that is. At most 1 MiB as JSON.", "default": {} },
            "schedule": { "$ref": "#/$defs/schedule" },
            "queue": {
                "type": "string", "pattern": NAME, "maxLength": NAME_MAX,
                "description": "Where its tasks wait: a queue that this file declares, or `default`. Unset: as the kind asks, else `default`.",
            },
            "priority": {
                "type": "string", "enum": priorities, "default": Priority::default().as_str(),
                "description": "The place of its tasks in the queue: strict, then in the order in which they became ready.",
            },
            "timeout": duration("How long one attempt may take. Unset: as the kind says, else no limit."),
            "retry": { "$ref": "#/$defs/retry" },
            "expires_in": duration("A task that has not started this long after it was made is cancelled. Unset: never."),
            "tags": {
                "type": "array", "items": { "type": "string", "minLength": 1 }, "uniqueItems": true, "default": [],
                "description": "Words to find its tasks by.",
            },
        }),
    );
    job["required"] = json!(["kind"]);
    job
}

fn schedule() -> Json {
    let mut schedule = table(
        "When the job fires: exactly one of `cron`, `every`, `at`, `delay`. Without a schedule it fires when somebody asks.",
        &json!({
            "cron": {
                "type": "string", "minLength": 1, "examples": ["30 2 * * *", "0 9 * * MON-FRI", "@daily"],
                "description": "A line as in a crontab: minute, hour, day of the month, month, weekday; six fields begin with the second. `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` are known. `taskhost cron next` shows its times.",
            },
            "timezone": {
                "anyOf": [{ "$ref": "#/$defs/timezone" }],
                "description": "The zone of the cron line: an IANA name. Unset: that of `[host]`.",
            },
            "every": duration("The time between two firings; the first is one such time after the job is first seen."),
            "at": {
                "type": "string", "pattern": INSTANT, "examples": ["2026-12-24T18:00:00Z"],
                "description": "Once, then: a date and a time with an offset, like 2026-12-24T18:00:00Z.",
            },
            "delay": duration("Once, this long after the job is first seen."),
        }),
    );
    schedule["oneOf"] = ["cron", "every", "at", "delay"].iter().map(|key| json!({ "required": [key] })).collect();
    schedule["dependencies"] = json!({ "timezone": ["cron"] });
    schedule
}

fn retry() -> Json {
    let RetryPolicy { attempts, backoff, initial, max, jitter } = RetryPolicy::default();
    let default = |what: &str, value: &str| format!("{what} Unset: as the kind says, else {value}.");
    table(
        "How often a task that fails is tried, and how long it waits before.",
        &json!({
            "attempts": {
                "type": "integer", "minimum": 1, "maximum": ATTEMPTS_MAX,
                "description": default("Calls in total, the first one included: 1 to 1,000.", &attempts.to_string()),
            },
            "backoff": {
                "type": "string", "enum": Backoff::ALL.map(Backoff::as_str),
                "description": default("How the waits grow: `fixed`, always the same; `linear`, by the first one; `exponential`, doubled each time.", &format!("`{}`", backoff.as_str())),
            },
            "initial": duration(&default("The first wait.", &text(initial))),
            "max": duration(&default("The longest wait.", &text(max))),
            "jitter": {
                "type": "number", "minimum": 0, "maximum": 1,
                "description": default("By which share a wait may be longer or shorter, so that many do not come back at once: 0 to 1.", &jitter.to_string()),
            },
        }),
    )
}

//! `[jobs.NAME]`: what makes tasks, and when.
//!
//! Not here: whether a plugin provides the kind and takes the params; the caller checks that and points at the spans.
//! Start at [`JobConfig`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::host::zone;
use super::section::{Reader, Section};
use super::value::{Problem, datetime_text, duration, filled, integer, parsed, share, string, word};
use crate::ids::{JobName, QueueName};
use crate::job::Job;
use crate::priority::Priority;
use crate::retry::{ATTEMPTS_MAX, Backoff, PartialRetry};
use crate::schedule::{Cron, CronError, Schedule, Zone};
use crate::submit::{PARAMS_MAX, Params};
use crate::suggest::closest;
use crate::time::UnixMicros;

/// `[jobs.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct JobConfig {
    /// What it declares. Its queue is declared too.
    pub job: Job,
    /// Where the value of `kind` stands in the text.
    pub kind_span: Range<usize>,
    /// Where the value of `params` stands, or else the section.
    pub params_span: Range<usize>,
    /// The line on which it is declared, from 1.
    pub line: usize,
}

const KEYS: [&str; 9] = ["kind", "params", "schedule", "queue", "priority", "timeout", "retry", "expires_in", "tags"];
const LATER_KEYS: [&str; 4] = ["after", "depends_on", "on_failed", "unique"];
const SCHEDULE_KEYS: [&str; 5] = ["cron", "every", "at", "delay", "timezone"];
const SCHEDULE_LATER_KEYS: [&str; 6] = ["missed", "overlap", "jitter", "dst_gap", "dst_fold", "after"];
const RETRY_KEYS: [&str; 5] = ["attempts", "backoff", "initial", "max", "jitter"];

/// What a job takes from the rest of the file.
pub(super) struct Context<'a> {
    pub(super) zone: Zone,
    pub(super) queues: BTreeSet<&'a QueueName>,
}

/// Every job of `[jobs]`.
pub(super) fn read_jobs(
    reader: &mut Reader<'_>,
    jobs: &Section<'_>,
    context: &Context<'_>,
) -> BTreeMap<JobName, JobConfig> {
    let mut read = BTreeMap::new();
    for section in jobs.sections(reader) {
        let name = section.read_name(reader);
        let job = read_job(reader, &section, context);
        if let (Some(name), Some(job)) = (name, job) {
            read.insert(name, job);
        }
    }
    read
}

fn read_job(reader: &mut Reader<'_>, section: &Section<'_>, context: &Context<'_>) -> Option<JobConfig> {
    section.check_keys(reader, &KEYS, &LATER_KEYS);
    if section.get("kind").is_none() && !section.is_mistyped("kind", &KEYS) {
        let hint = Some("say what it runs, like kind = \"backup.create\"".to_owned());
        reader.error(section.span.clone(), format!("{} has no `kind`", section.name), hint);
    }
    let priorities = Priority::ALL.map(|priority| (priority.as_str(), priority));
    let kind = section.read_at(reader, "kind", parsed);
    let params = read_params(reader, section);
    let schedule = section.section(reader, "schedule");
    let schedule = schedule.and_then(|schedule| read_schedule(reader, &schedule, context));
    let queue = section.read(reader, "queue", |value| queue(value, context));
    let priority = section.read(reader, "priority", |value| word(value, &priorities)).unwrap_or_default();
    let timeout = section.read(reader, "timeout", duration);
    let retry = section.section(reader, "retry").map(|retry| read_retry(reader, &retry)).unwrap_or_default();
    let expires_in = section.read(reader, "expires_in", duration);
    let tags = read_tags(reader, section);
    // Last, so that a job without a kind still shows its other errors.
    let (kind, params_span) = (kind?, params.span());
    let kind_span = kind.span();
    let params = Params::of_file(params.into_inner());
    Some(JobConfig {
        job: Job { kind: kind.into_inner(), params, schedule, queue, priority, timeout, retry, expires_in, tags },
        kind_span,
        params_span,
        line: reader.lines.line(section.span.start),
    })
}

fn read_params(reader: &mut Reader<'_>, section: &Section<'_>) -> Spanned<serde_json::Value> {
    let params = section.read_object(reader, "params");
    let bytes = params.get_ref().to_string().len();
    if bytes > PARAMS_MAX {
        let message = format!("`params` in {}: {bytes} bytes of JSON, the limit is {PARAMS_MAX}", section.name);
        reader.error(params.span(), message, None);
    }
    params
}

fn queue(value: &DeValue<'_>, context: &Context<'_>) -> Result<QueueName, Problem> {
    let name: QueueName = parsed(value)?;
    if context.queues.contains(&name) {
        return Ok(name);
    }
    let hint = match closest(name.as_str(), context.queues.iter().map(|queue| queue.as_str())) {
        Some(queue) => format!("did you mean `{queue}`?"),
        None => format!("declare it: [queues.{name}]"),
    };
    Err(Problem::with_hint(format!("queue `{name}` is not declared"), hint))
}

fn read_tags(reader: &mut Reader<'_>, section: &Section<'_>) -> Vec<String> {
    let tags = section.read_list(reader, "tags", |value| filled(value).map(str::to_owned));
    let doubled = tags.iter().enumerate().find(|&(place, tag)| tags[..place].contains(tag));
    if let (Some((_, tag)), Some(value)) = (doubled, section.get("tags")) {
        reader.error(value.span(), format!("`tags` in {}: `{tag}` stands there twice", section.name), None);
    }
    tags
}

fn read_retry(reader: &mut Reader<'_>, section: &Section<'_>) -> PartialRetry {
    section.check_keys(reader, &RETRY_KEYS, &[]);
    let backoffs = Backoff::ALL.map(|backoff| (backoff.as_str(), backoff));
    let attempts = section.read(reader, "attempts", |value| integer(value, 1..=ATTEMPTS_MAX));
    let backoff = section.read(reader, "backoff", |value| word(value, &backoffs));
    let initial = section.read(reader, "initial", duration);
    let max = section.read(reader, "max", duration);
    let jitter = section.read(reader, "jitter", share);
    PartialRetry::new(attempts, backoff, initial, max, jitter).unwrap_or_else(|error| {
        reader.error(section.span.clone(), format!("{}: {error}", section.name), None);
        PartialRetry::EMPTY
    })
}

fn read_schedule(reader: &mut Reader<'_>, section: &Section<'_>, context: &Context<'_>) -> Option<Schedule> {
    let all_known = section.check_keys(reader, &SCHEDULE_KEYS, &SCHEDULE_LATER_KEYS);
    let given = ["cron", "every", "at", "delay"].into_iter().filter(|key| section.get(key).is_some()).count();
    // None beside an unknown key is that key, mistyped: one error, not two.
    if given > 1 || given == 0 && all_known {
        let message = format!("{} should have exactly one of cron, every, at, delay; it has {given}", section.name);
        reader.error(section.span.clone(), message, Some("like { every = \"15m\" }".to_owned()));
    }
    if let Some(timezone) = section.get("timezone").filter(|_| section.get("cron").is_none()) {
        let message = format!("`timezone` in {} is for cron alone", section.name);
        reader.error(timezone.span(), message, None);
    }
    let zone = section.read(reader, "timezone", zone).unwrap_or(context.zone);
    let cron = section.read(reader, "cron", |value| cron(value, zone)).map(Schedule::Cron);
    let every = section.read(reader, "every", duration).map(Schedule::Every);
    let at = section.read(reader, "at", instant).map(Schedule::At);
    let delay = section.read(reader, "delay", duration).map(Schedule::Delay);
    cron.or(every).or(at).or(delay)
}

fn cron(value: &DeValue<'_>, zone: Zone) -> Result<Cron, Problem> {
    Cron::parse(string(value)?, zone).map_err(|error: CronError| Problem {
        message: error.to_string(),
        hint: error.hint(),
        within: Some(error.span()),
    })
}

fn instant(value: &DeValue<'_>) -> Result<UnixMicros, Problem> {
    let text = match value {
        DeValue::Datetime(datetime) => datetime_text(datetime),
        DeValue::String(text) => text.to_string(),
        _ => return Err(Problem::expected("a time, like 2026-12-24T18:00:00Z", value)),
    };
    let hint = "a time has a date and an offset, like 2026-12-24T18:00:00Z or 2026-12-24T19:00:00+01:00";
    text.parse().map_err(|_| Problem::with_hint(format!("`{text}` is not an instant"), hint))
}

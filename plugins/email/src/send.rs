//! `email.send`: one mail with its attachments.
//!
//! The mail appears whole or not at all, under a Message-ID and a file name that derive from the task: an attempt that repeats
//! another, after a crash or a failure, replaces its mail. Nothing is saved in between.
//!
//! Start at [`send`].

use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use plugin_api::prelude::*;

use crate::attachment::Attachments;
use crate::letter::{Addresses, Letter, Text};
use crate::outbox;
use crate::settings::Settings;

/// What to send, and to whom.
#[params]
pub(crate) struct Send {
    /// The address of the recipient, such as `ada@example.org` or `Ada <ada@example.org>`; or a list of them.
    to: Addresses,
    /// Who gets a copy: an address or a list of them.
    #[serde(default)]
    cc: Addresses,
    /// Who gets a copy that the others do not see: an address or a list of them.
    #[serde(default)]
    bcc: Addresses,
    /// What it is about, in one line.
    subject: String,
    /// What it says, as plain text. At least one of `text` and `html` is needed; with both the recipient's program chooses.
    #[serde(default)]
    text: Option<String>,
    /// What it says, as HTML.
    #[serde(default)]
    html: Option<String>,
    /// Files that come along, up to 25 MiB in all. A relative path begins in the folder of tasks.toml.
    #[serde(default)]
    attachments: Vec<PathBuf>,
}

/// What was sent.
#[output]
#[expect(clippy::struct_field_names, reason = "the names that mail and other kinds have for these")]
pub(crate) struct Sent {
    /// The Message-ID of the mail, in its angle brackets. It is the same in each attempt of a task.
    message_id: String,
    /// The addresses under `to`, without names.
    to: Vec<String>,
    /// What it is about.
    subject: String,
    /// When it was sent: UTC, RFC 3339.
    sent_at: String,
}

/// Sends a mail, with text, HTML and attachments.
#[task(name = "email.send", title = "Send a mail", unit = "bytes", blocking)]
pub(crate) fn send(params: Send, cx: BlockingContext) -> TaskResult<Sent> {
    let (folder, from) = cx.config::<Settings>()?.outbox()?;
    let (key, now) = (cx.idempotency_key(), now());
    let recipients = [&params.to, &params.cc, &params.bcc];
    let letter = Letter::address(from, recipients, &params.subject, &key, now)?;
    let text = Text::new(params.text, params.html)?;
    let attachments = Attachments::find(params.attachments)?;

    let (total, mut read) = (attachments.bytes(), 0);
    let progress = cx.progress().total(total);
    let parts = attachments.read(|path, done| {
        read = done;
        // A file that grows meanwhile raises the total first, so that progress never passes 100 %.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        progress.total(total.max(done)).update(done).message(name);
        cx.stop_point()
    })?;
    let (message_id, to) = (letter.message_id.clone(), letter.to.clone());
    let mail = letter.write(text, parts)?;
    // The last look: after this the mail is there, whatever is asked.
    let path = outbox::put(folder, &key, &mail, || cx.stop_point())?;
    let bytes = mail.len() as u64;
    // All of it. A total of 0 would mean "unknown", so a mail without attachments counts itself.
    let all = if read > 0 { read } else { bytes };
    progress.total(all).update(all);
    cx.info(format!("the mail to {} is in {}, {bytes} bytes", to.join(", "), path.display()));
    Ok(Sent { message_id, to, subject: params.subject, sent_at: rfc3339(now) })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a plugin reaches no clock of the host, and only the date of the mail depends on it"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    let time: DateTime<Utc> = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests;

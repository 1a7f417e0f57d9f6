//! What an attempt logs: to the daemon's log as it is filtered, and to the log of its task.
//!
//! Lines wait in memory until a save or the end takes them along; those of an attempt that goes on are handed over after a
//! second, or sooner if there are many. One that says nothing has no buffer and no timer. Not here: the buffer
//! (`plugins::log`). Start at [`Ctx::log`].

use std::borrow::Cow;
use std::sync::atomic::Ordering::SeqCst;

use plugin_api::abi;
use taskhost_core::log::{LINE_MAX, LogChunk, LogLevel, LogLine, kept_fields};

use super::{Ctx, Inner, NEVER, state};
use crate::plugins::attempt::text;
use crate::plugins::ffi;
use crate::plugins::log::{LiveLog, LogBuffer, last_words};
use crate::plugins::mailbox::Message;
use crate::plugins::{Outcome, Report};

/// The longest fields document of a log line, in bytes.
const FIELDS_MAX: usize = 16 * 1024;
/// How long lines wait in memory at most; what a crash of the daemon may lose.
const FLUSH_AFTER_MS: u64 = 1_000;

/// A message whose further lines cannot pass for lines of the daemon's own: what plugins say may come from anybody.
fn indented(message: &str) -> Cow<'_, str> {
    if !message.contains(['\n', '\r']) {
        return message.into();
    }
    message.replace('\r', "\\r").replace('\n', "\n    ").into()
}

impl Ctx {
    /// A line of the plugin.
    pub(in crate::plugins) fn log(&self, level: u32, message: &[u8], fields: &[u8]) {
        macro_rules! line {
            ($level:ident, $kept:expr) => {{
                let is_told = tracing::enabled!(target: "plugin", tracing::Level::$level);
                // What libraries trace must not push out what matters; who asks for it gets it.
                if is_told || $kept >= LogLevel::Info {
                    let (message, fields) = (text(message, LINE_MAX), text(fields, FIELDS_MAX));
                    if is_told {
                        let fields = Some(&fields).filter(|fields| !fields.is_empty());
                        tracing::event!(
                            target: "plugin", tracing::Level::$level,
                            task_id = %self.task, kind = %self.kind.name, plugin = %self.kind.plugin, fields, "{}", indented(&message)
                        );
                    }
                    self.keep_line($kept, message, &fields);
                }
            }};
        }
        match level {
            abi::TRACE => line!(TRACE, LogLevel::Trace),
            abi::DEBUG => line!(DEBUG, LogLevel::Debug),
            abi::INFO => line!(INFO, LogLevel::Info),
            abi::WARN => line!(WARN, LogLevel::Warn),
            _ => line!(ERROR, LogLevel::Error),
        }
    }

    fn keep_line(&self, level: LogLevel, message: String, fields: &str) {
        let fields = kept_fields(fields, LINE_MAX - message.len());
        let target = self.kind.plugin.to_string();
        self.keep(&LogLine { at: self.links.clock.now(), level, target, message, fields });
    }

    /// Warns in the log of the task, and in that of the daemon.
    pub(super) fn warn(&self, reason: &str, what: &'static str) {
        tracing::warn!(target: "plugin", task_id = %self.task, kind = %self.kind.name, plugin = %self.kind.plugin, reason, "{what}");
        let message = format!("{what} Reason: {reason}");
        self.keep(&LogLine::of_host(self.links.clock.now(), LogLevel::Warn, message));
    }

    fn keep(&self, line: &LogLine) {
        // Not under the lock: it is read by whoever waits for the attempt.
        let packed = line.packed();
        let mut inner = self.lock();
        if inner.closed || inner.lost {
            return;
        }
        let buffer = inner.log.get_or_insert_with(|| Box::new(self.begun()));
        buffer.push(packed);
        self.see_to_flush(&mut inner);
        drop(inner);
        self.links.followers.tell(self.task);
    }

    /// The log of an attempt that has something to say begins with its start.
    fn begun(&self) -> LogBuffer {
        let (number, generation, plugin) = (self.attempt, self.kind.generation, &self.kind.plugin);
        let message = format!("Attempt {number} started, on generation {generation} of the plugin {plugin}.");
        let mut buffer = LogBuffer::new(number);
        buffer.push(LogLine::of_host(self.started_at, LogLevel::Info, message).packed());
        buffer
    }

    /// Hands lines over if they are many; else the poller does it when their time has come.
    fn see_to_flush(&self, inner: &mut Inner) {
        let Some(buffer) = &mut inner.log else { return };
        if buffer.is_full() {
            let log = buffer.flush();
            self.send_log(inner, log);
        } else if buffer.is_waiting() {
            let at = ffi::monotonic_ms().saturating_add(FLUSH_AFTER_MS);
            let is_first = self.flush_at.compare_exchange(NEVER, at, SeqCst, SeqCst).is_ok();
            // As in `wake_at`: during a poll, and before the first one, the poller looks by itself. A blocking attempt is never
            // seen to wait.
            if is_first && (self.kind.code.is_blocking() || self.state.load(SeqCst) == state::IDLE) {
                self.mailbox.push(Message::Rearm(self.key));
            }
        }
    }

    /// Under the lock, so that pieces leave in their order and none after the end.
    fn send_log(&self, inner: &mut Inner, log: Vec<LogChunk>) {
        let report = Report::Logged { task: self.task, lease: self.lease, log };
        if self.links.reports.send(vec![report]).is_err() {
            inner.lost = true;
        }
    }

    /// When lines are to be handed over, monotonic milliseconds.
    pub(in crate::plugins) fn flush_time(&self) -> Option<u64> {
        Some(self.flush_at.load(SeqCst)).filter(|millis| *millis != NEVER)
    }

    /// Hands lines over if their time has come.
    pub(in crate::plugins) fn flush_if_due(&self, now: u64) {
        let due = self.flush_at.fetch_update(SeqCst, SeqCst, |millis| (millis <= now).then_some(NEVER));
        if due.is_err() {
            return;
        }
        let mut inner = self.lock();
        if let Some(log) = inner.log.as_mut().filter(|log| log.is_waiting()).map(|log| log.flush()) {
            self.send_log(&mut inner, log);
        }
    }

    /// The store has the lines before this place.
    pub(in crate::plugins) fn log_stored(&self, end: u64) {
        let mut inner = self.lock();
        if let Some(buffer) = &mut inner.log {
            buffer.stored(end);
            self.see_to_flush(&mut inner);
        }
    }

    /// The lines that the store may not have yet.
    pub(in crate::plugins) fn live_log(&self) -> Option<LiveLog> {
        self.lock().log.as_ref().map(|log| log.live(self.lease))
    }

    /// What is left to be handed over at the end, and how that was. Also of an attempt that said nothing, unless it was the first and did its work.
    pub(in crate::plugins) fn last_log(&self, log: Option<Box<LogBuffer>>, outcome: &Outcome) -> Vec<LogChunk> {
        let Some((level, message)) = last_words(outcome, self.lease) else {
            return log.map(|mut log| log.hand_over()).unwrap_or_default();
        };
        let mut log = log.unwrap_or_else(|| Box::new(self.begun()));
        log.push(LogLine::of_host(self.links.clock.now(), level, message).packed());
        log.hand_over()
    }
}

//! Kinds for tests and benches: each does one thing that a task can do, on request.
//!
//! | kind | duty | where |
//! |---|---|---|
//! | `probe.noop`, `probe.echo`, `probe.clock` | end at once | `answers` |
//! | `probe.fail`, `probe.panic` | go wrong, and are told so | `failures` |
//! | `probe.enqueue` | make other tasks | `follow_ups` |
//! | `probe.log` | say something | `words` |
//! | `probe.sleep`, `probe.progress` | wait without a thread | `waits` |
//! | `probe.crash`, `probe.hang` | take the process or the thread down with them | `harms` |
//!
//! Not here: anything that a task of real use would need. Start at the table above.

mod answers;
mod failures;
mod follow_ups;
mod harms;
mod waits;
mod words;

plugin_api::plugin!(
    answers::noop,
    answers::echo,
    answers::clock,
    failures::fail,
    failures::panic,
    follow_ups::enqueue,
    waits::sleep,
    waits::progress,
    words::log,
    harms::crash,
    harms::hang,
);

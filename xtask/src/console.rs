//! What a developer reads, on stderr.

/// Writes one line.
#[expect(clippy::print_stderr, reason = "the developer's terminal is where xtask speaks")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

//! `retention` of `[host]` and of `[queues.NAME]`.

use super::section::{Reader, Section};
use super::value::duration;
use crate::retention::PartialRetention;

const KEYS: [&str; 3] = ["completed", "cancelled", "dead"];

/// What the section says of retention.
pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> PartialRetention {
    let Some(section) = section.section(reader, "retention") else { return PartialRetention::default() };
    section.check_keys(reader, &KEYS, &[]);
    PartialRetention {
        completed: section.read(reader, "completed", duration),
        cancelled: section.read(reader, "cancelled", duration),
        dead: section.read(reader, "dead", duration),
    }
}

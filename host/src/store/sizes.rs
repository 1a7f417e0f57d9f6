//! What the port says about the room that a store takes.

/// How many bytes the files of a store take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreSizes {
    /// The file with the tasks.
    pub file: u64,
    /// The log of what was committed last and is not in that file yet.
    pub log: u64,
}

//! The `files` plugin.

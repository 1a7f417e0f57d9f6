//! The `probe` plugin.

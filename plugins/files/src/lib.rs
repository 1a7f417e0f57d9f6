//! Kinds that work on files.
//!
//! `files.checksum` (`checksum`): the SHA-256 of a file.

mod checksum;

plugin_api::plugin!(checksum::checksum);

//! Kinds that make backups.
//!
//! `backup.create` (`create`): a folder into one `.tar.zst` file that stock `tar --zstd` unpacks.
//!
//! Start at `create::create`. The rooms: `create` (the kind: the order of things), `tree` (what is in the source),
//! `archive` (the bytes that are written), `place` (the file: beside, synced, then under its name), `watch` (progress, cancel
//! and drain, so that tests need no host), `failure` (which errors are worth another attempt).

mod archive;
mod create;
mod failure;
mod place;
mod tree;
mod watch;

plugin_api::plugin!(create::create);

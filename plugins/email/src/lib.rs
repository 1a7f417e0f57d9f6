//! Kinds that send mail.
//!
//! `email.send` (`send`): one mail with its attachments, written as an `.eml` file into the folder that the config names.
//!
//! Start at `send::send`. The rooms: `send` (the kind: the order of things), `settings` (the config), `letter` (the mail as
//! its recipients see it), `attachment` (the files that come along), `outbox` (the file: beside, synced, then under its name),
//! `failure` (which errors are worth another attempt).

mod attachment;
mod failure;
mod letter;
mod outbox;
mod send;
mod settings;

plugin_api::plugin!(send::send; config = settings::Settings);

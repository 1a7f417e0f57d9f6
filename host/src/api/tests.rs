//! The API without sockets, over a real store.

mod batch;
mod bench;
mod config;
mod documents;
mod events;
mod files;
mod jobs;
mod lists;
mod logs;
mod once;
mod openapi;
mod queues;
mod refusals;
mod served;
mod why;

//! The end-to-end tests, one module a theme. Each test has a folder, a port and a daemon of its own.

mod api_jobs;
mod bad_input;
mod batch;
mod calls;
mod check;
mod command_line;
mod dead;
mod dev;
mod editors;
mod first_kinds;
mod follow_ups;
mod foreign_plugins;
mod http;
mod jobs_commands;
mod journey;
mod listings;
mod logs;
mod metrics;
mod plan;
mod queues;
mod recovery;
mod secrets;
mod service;
mod swap;
mod tools;
mod uploads;

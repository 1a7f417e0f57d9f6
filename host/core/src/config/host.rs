//! `[host]`: where the daemon keeps its things and how it behaves.
//!
//! Start at [`HostConfig`].

use core::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::retention;
use super::section::{NOT_SUPPORTED, Reader, Section};
use super::value::{Problem, duration, filled, string, word};
use crate::retention::Retention;
use crate::schedule::Zone;
use crate::size::SizeText;

/// `[host]`. Relative paths are relative to the folder of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// Where tasks are kept. Default: `sqlite:var/taskhost.db`, or where a service has its state.
    pub store: Option<StoreUrl>,
    /// The folder of the socket, the lock and the plugin generations. Default: `var`, or where a service has its state.
    pub state: Option<PathBuf>,
    /// Where HTTP listens; loopback. Default: `127.0.0.1:7878`.
    pub listen: SocketAddr,
    /// The folders in which plugins are looked for, not below them. Default: none.
    pub plugins: Vec<PathBuf>,
    /// The zone of cron lines that name none. Default: `UTC`.
    pub timezone: Zone,
    /// What survives a power cut. Default: `full`.
    pub durability: Durability,
    /// How long a stop waits for running attempts. Default: 25 s.
    pub drain_timeout: Duration,
    /// How long an attempt may go on after it was told to cancel. Default: 2 s.
    pub cancel_grace: Duration,
    /// The largest file that may be uploaded. Default: 1 GiB.
    pub upload_limit: SizeText,
    /// How long ended tasks are kept, in queues that say nothing of it.
    pub retention: Retention,
}

/// Where tasks are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file of the embedded store.
    Sqlite(PathBuf),
}

/// What survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Everything that was acknowledged.
    #[default]
    Full,
    /// What the operating system had written by then; a killed daemon still loses nothing.
    Relaxed,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            store: None,
            state: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7878)),
            plugins: Vec::new(),
            timezone: Zone::UTC,
            durability: Durability::Full,
            drain_timeout: Duration::from_secs(25),
            cancel_grace: Duration::from_secs(2),
            upload_limit: SizeText::from_bytes(1 << 30),
            retention: Retention::default(),
        }
    }
}

const KEYS: [&str; 10] = [
    "store",
    "state",
    "listen",
    "plugins",
    "timezone",
    "durability",
    "drain_timeout",
    "cancel_grace",
    "upload_limit",
    "retention",
];
const LATER_KEYS: [&str; 2] = ["token", "tokens"];

pub(super) fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> HostConfig {
    section.check_keys(reader, &KEYS, &LATER_KEYS);
    let default = HostConfig::default();
    let durabilities = [("full", Durability::Full), ("relaxed", Durability::Relaxed)];
    HostConfig {
        store: section.read(reader, "store", store),
        state: section.read(reader, "state", path),
        listen: section.read(reader, "listen", listen).unwrap_or(default.listen),
        plugins: section.read_list(reader, "plugins", path),
        timezone: section.read(reader, "timezone", zone).unwrap_or(default.timezone),
        durability: section.read(reader, "durability", |value| word(value, &durabilities)).unwrap_or_default(),
        drain_timeout: section.read(reader, "drain_timeout", duration).unwrap_or(default.drain_timeout),
        cancel_grace: section.read(reader, "cancel_grace", duration).unwrap_or(default.cancel_grace),
        upload_limit: section.read(reader, "upload_limit", size).unwrap_or(default.upload_limit),
        retention: retention::read(reader, section).over(default.retention),
    }
}

pub(super) fn zone(value: &DeValue<'_>) -> Result<Zone, Problem> {
    string(value)?.parse().map_err(|error: crate::schedule::ZoneError| Problem::with_hint(&error, error.hint()))
}

fn size(value: &DeValue<'_>) -> Result<SizeText, Problem> {
    match value {
        DeValue::String(text) => text.parse().map_err(Problem::new),
        _ => Err(Problem::expected("a size in quotes, like \"512MiB\"", value)),
    }
}

fn path(value: &DeValue<'_>) -> Result<PathBuf, Problem> {
    filled(value).map(PathBuf::from)
}

fn store(value: &DeValue<'_>) -> Result<StoreUrl, Problem> {
    let text = string(value)?;
    let like = "a store is written like `sqlite:var/taskhost.db`";
    if text.starts_with("postgres:") || text.starts_with("postgresql:") {
        return Err(Problem::with_hint(format!("a PostgreSQL store is {NOT_SUPPORTED}"), like));
    }
    match text.strip_prefix("sqlite:") {
        Some(":memory:") => Err(Problem::with_hint("a store in memory would lose its tasks", like)),
        Some(path) if !path.is_empty() && !path.starts_with("//") => Ok(StoreUrl::Sqlite(path.into())),
        Some(_) | None => Err(Problem::with_hint(format!("`{text}` names no store"), like)),
    }
}

fn listen(value: &DeValue<'_>) -> Result<SocketAddr, Problem> {
    let text = string(value)?;
    let like = "write a loopback address and a port, like `127.0.0.1:7878`";
    let address: SocketAddr =
        text.parse().map_err(|_| Problem::with_hint(format!("`{text}` is not an address with a port"), like))?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    let message = format!("`{text}` can be reached from outside, which needs a token; tokens are {NOT_SUPPORTED}");
    Err(Problem::with_hint(message, like))
}

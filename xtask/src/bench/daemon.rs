//! The daemon as a process: how soon it serves, what it is when it idles, how soon an edit is applied.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::rig::Rig;
use super::table::Table;

/// How long a daemon is left alone before it counts as idle, and how long it is watched then.
const SETTLE: Duration = Duration::from_secs(10);
const WATCHED: Duration = Duration::from_secs(10);
/// No start and no edit takes longer.
const LIMIT: Duration = Duration::from_secs(30);
/// How often somebody looks whether it is so far.
const LOOK: Duration = Duration::from_millis(1);

pub(super) fn measure(rig: &Rig) -> Result<Table> {
    let (mut starts, mut edits, mut memory, mut switches) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 0..rig.runs {
        let folder = rig.folder()?;
        let daemon = Daemon::start(rig, folder.path())?;
        starts.push(daemon.started.as_secs_f64() * 1e3);
        std::thread::sleep(SETTLE);
        memory.push(daemon.resident_mb()?);
        let before = daemon.switches()?;
        std::thread::sleep(WATCHED);
        switches.push(since(&before, &daemon.switches()?));
        edits.push(daemon.edit(run)?.as_secs_f64() * 1e3);
    }
    let mut table = Table::default();
    table.add("from the start of the process to /readyz", "ms", starts);
    table.note("budget: under 100");
    table.add("resident memory, idle for 10 s", "MB", memory);
    table.note("budget: under 20");
    table.add("context switches of all threads in 10 s idle", "", switches);
    table.note("budget: no polling");
    table.add("from the save of tasks.toml to its being applied", "ms", edits);
    table.note("budget: under 1,000");
    Ok(table)
}

/// A running daemon on a port and in a folder of its own; killed when it is dropped.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    file: PathBuf,
    text: String,
    pub(super) address: SocketAddr,
    /// How long it took to serve.
    started: Duration,
}

impl Daemon {
    pub(super) fn start(rig: &Rig, folder: &Path) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let plugins = rig.plugins.to_str().context("the path of the target folder is no text")?;
        let text = format!(
            "[host]\nlisten = \"{address}\"\nplugins = [{plugins:?}]\n\n[queues.default]\nconcurrency = 1024\n"
        );
        let file = folder.join("tasks.toml");
        fs::write(&file, &text)?;
        let log = fs::File::create(folder.join("log"))?;
        let mut command = Command::new(&rig.taskhost);
        command.arg("run").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let start = now();
        let child = command.spawn().context("start the daemon")?;
        let mut daemon = Self { child, file, text, address, started: Duration::ZERO };
        daemon
            .wait_until(start, |daemon| Ok(daemon.get("/readyz").is_ok_and(|said| said.starts_with("HTTP/1.1 200"))))?;
        daemon.started = start.elapsed();
        Ok(daemon)
    }

    /// Saves a changed file; answers after how long it was applied.
    fn edit(&self, number: usize) -> Result<Duration> {
        let generation = self.generation()?;
        let text = format!("{}\n[queues.more-{number}]\nconcurrency = 3\n", self.text);
        let start = now();
        fs::write(&self.file, text)?;
        self.wait_until(start, |daemon| Ok(daemon.generation()? > generation))?;
        Ok(start.elapsed())
    }

    fn wait_until(&self, start: Instant, is_so: impl Fn(&Self) -> Result<bool>) -> Result<()> {
        while !is_so(self)? {
            ensure!(start.elapsed() < LIMIT, "the daemon in {} has not come so far", self.file.display());
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn generation(&self) -> Result<u64> {
        let said = self.get("/api/v1/config")?;
        let body = said.split_once("\r\n\r\n").map(|(_, body)| body).context("an answer without a body")?;
        let document: Value = serde_json::from_str(body)?;
        document["generation"].as_u64().with_context(|| format!("no generation in {document}"))
    }

    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        Ok(said)
    }

    fn resident_mb(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        Ok(field(&status, "VmRSS:")? * 1024.0 / 1e6)
    }

    /// Of each thread that lives, voluntary or not.
    fn switches(&self) -> Result<BTreeMap<OsString, f64>> {
        let mut switches = BTreeMap::new();
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let thread = thread?;
            // One that ends in this moment has nothing to tell.
            let Ok(status) = fs::read_to_string(thread.path().join("status")) else { continue };
            let both = field(&status, "voluntary_ctxt_switches:")? + field(&status, "nonvoluntary_ctxt_switches:")?;
            switches.insert(thread.file_name(), both);
        }
        Ok(switches)
    }
}

/// How many there were meanwhile. A thread that has begun counts whole; those of one that has ended nobody knows any more.
fn since(before: &BTreeMap<OsString, f64>, after: &BTreeMap<OsString, f64>) -> f64 {
    after.iter().map(|(thread, switches)| switches - before.get(thread).copied().unwrap_or_default()).sum()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn field(status: &str, name: &str) -> Result<f64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("no {name} in what the system says"))
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch for the developer, not the time of a task")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let status = "VmRSS:\t   20480 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t2\n";
        let found = ["VmRSS:", "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"]
            .map(|name| field(status, name).unwrap());
        assert_eq!(found.map(|number| number.to_string()), ["20480", "7", "2"]);
        assert!(field(status, "VmHWM:").is_err());
    }
    #[test]
    fn a_thread_that_has_ended_takes_nothing_from_the_others() {
        let counted =
            |threads: &[(&str, f64)]| threads.iter().map(|(thread, switches)| ((*thread).into(), *switches)).collect();
        let (before, after) = (counted(&[("1", 5.0), ("2", 90.0)]), counted(&[("1", 7.0), ("3", 4.0)]));
        assert_eq!(since(&before, &after).to_string(), "6");
    }
}

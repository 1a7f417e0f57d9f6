//! The disk of the store: room, what sort of file system it is, and how long a commit takes.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{StatVfs, statfs, statvfs};
use taskhost_core::time::UnixMicros;

use super::places::nearest;
use super::{Examined, Patient};
use crate::clock::monotonic;

/// Below this the daemon will soon end over a full disk, in bytes.
const ROOM_NEEDED: u64 = 64 << 20;
/// Below this somebody should see to it, in bytes.
const ROOM_WANTED: u64 = 512 << 20;
/// Below this the files run out before the bytes.
const FILES_WANTED: u64 = 1_000;

/// As many writes as are tried, of so many bytes: what a commit of a burst writes.
const WRITES: usize = 16;
const WRITE_BYTES: usize = 16 << 10;
/// A disk that takes longer is slow.
const SLOW: Duration = Duration::from_millis(20);

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Examined> {
    let folder = nearest(&patient.store);
    let folder = if folder.is_dir() { folder } else { folder.parent().map(nearest).unwrap_or_default() };
    vec![room(&folder), sort(&folder), commits(&folder)]
}

fn room(folder: &Path) -> Examined {
    let (name, shown) = ("disk", folder.display());
    let found = match statvfs(folder) {
        Ok(found) => found,
        Err(error) => {
            return Examined::bad(
                name,
                format!("the disk of {shown} does not answer: {error}"),
                "look at the system's log",
            );
        }
    };
    let StatVfs { f_bavail, f_frsize, f_files, f_favail, .. } = found;
    let free = f_bavail.saturating_mul(f_frsize);
    let detail = format!("{} MiB are free in {shown}", free >> 20);
    let hint = "free some space, or move [host] store and state to a larger disk: a full one ends the daemon";
    if f_files > 0 && f_favail < FILES_WANTED {
        return Examined::bad(name, format!("only {f_favail} more files fit in {shown}"), hint);
    }
    match free {
        ..ROOM_NEEDED => Examined::bad(name, detail, hint),
        ROOM_NEEDED..ROOM_WANTED => Examined::doubtful(name, detail, hint),
        ROOM_WANTED.. => Examined::good(name, detail),
    }
}

/// The numbers that file systems have in the kernel (`linux/magic.h`).
const TMPFS: u32 = 0x0102_1994;
const OVER_A_NETWORK: &[(u32, &str)] = &[(0x6969, "NFS"), (0x517B, "SMB"), (0xFE53_4D42, "SMB"), (0xFF53_4D42, "CIFS")];

fn sort(folder: &Path) -> Examined {
    let magic = statfs(folder).map_or(0, |found| u32::try_from(found.f_type & 0xFFFF_FFFF).unwrap_or_default());
    of_sort(magic, folder)
}

fn of_sort(magic: u32, folder: &Path) -> Examined {
    let (name, shown) = ("disk", folder.display());
    if let Some((_, network)) = OVER_A_NETWORK.iter().find(|(known, _)| *known == magic) {
        let detail =
            format!("{shown} is on a file system over a network ({network}), where the store's locks do not hold");
        return Examined::bad(name, detail, "put [host] store on a disk of this machine");
    }
    if magic == TMPFS {
        let detail = format!("{shown} is in memory (tmpfs): a restart of the machine loses every task");
        return Examined::doubtful(name, detail, "put [host] store on a disk");
    }
    Examined::good(name, format!("{shown} is on a file system of this machine"))
}

fn commits(folder: &Path) -> Examined {
    let name = "fsync";
    match time_of_commit(folder) {
        Ok(time) if time > SLOW => Examined::doubtful(
            name,
            format!("a commit takes {}: about {} of them a second", millis(time), 1_000 / time.as_millis().max(1)),
            "put [host] store on a faster disk; `durability = \"relaxed\"` waits for none, and a power cut loses the last moments",
        ),
        Ok(time) => Examined::good(name, format!("a commit takes {}", millis(time))),
        Err(error) => Examined::bad(
            name,
            format!("a file in {} cannot be written and synced: {error}", folder.display()),
            "see that this user may write there, and look at the system's log",
        ),
    }
}

/// The median of some writes, into a file that has no name and goes by itself.
fn time_of_commit(folder: &Path) -> io::Result<Duration> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = (0..WRITES).map(|_| write(&mut file)).collect::<io::Result<Vec<_>>>()?;
    times.sort_unstable();
    Ok(times[WRITES / 2])
}

fn write(file: &mut File) -> io::Result<Duration> {
    let begun = monotonic();
    file.rewind()?;
    file.write_all(&[0x5A; WRITE_BYTES])?;
    file.sync_data()?;
    Ok(begun.elapsed())
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

/// When the store was written last; none if there is none.
pub(super) fn last_written(store: &Path) -> Option<UnixMicros> {
    let mut log = store.as_os_str().to_owned();
    log.push("-wal");
    let written = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    let newest = written(store).max(written(log.as_ref()))?;
    let since_1970 = newest.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since_1970.as_micros()).ok().map(UnixMicros::from_micros)
}

/// The version of the system's rules of time zones, such as `2025b`.
pub(super) fn zones_of_system() -> Option<String> {
    let text = fs::read_to_string("/usr/share/zoneinfo/tzdata.zi").ok()?;
    text.lines().next()?.strip_prefix("# version ").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::tools::doctor::Verdict;

    #[test]
    fn a_store_belongs_on_a_disk_of_the_machine() {
        let verdict = |magic| of_sort(magic, Path::new("/srv")).verdict;
        assert_eq!((verdict(0xEF53), verdict(TMPFS)), (Verdict::Good, Verdict::Doubtful));
        assert_eq!(OVER_A_NETWORK.iter().map(|(magic, _)| verdict(*magic)).collect::<Vec<_>>(), [Verdict::Bad; 4]);
    }

    #[test]
    fn a_commit_takes_some_time_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(time_of_commit(folder.path()).unwrap() > Duration::ZERO);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(time_of_commit(&folder.path().join("nowhere")).is_err());
    }
}

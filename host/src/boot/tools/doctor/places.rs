//! Files and folders: there, usable by this user, and by nobody else.

use std::fs::{self, Metadata};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::{Examined, Patient};

pub(super) fn examine(patient: &Patient<'_>) -> Vec<Examined> {
    let of_store = patient.store.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut found = vec![folder("state", "[host] state", &patient.state)];
    if of_store != patient.state {
        found.push(folder("store", "[host] store", of_store));
    }
    found.extend(store_file(&patient.store));
    found.push(open_to_others(patient));
    found
}

/// The nearest that is there: the folder itself, or the one above in which it would be made.
pub(super) fn nearest(folder: &Path) -> PathBuf {
    let above = folder.ancestors().find(|above| above.as_os_str().is_empty() || above.exists());
    above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn folder(name: &'static str, key: &str, path: &Path) -> Examined {
    let (shown, nearest) = (path.display(), nearest(path));
    if !nearest.is_dir() {
        return Examined::bad(
            name,
            format!("{} is no folder", nearest.display()),
            format!("move it away, or set {key} to another"),
        );
    }
    if let Err(error) = access(&nearest, Access::WRITE_OK | Access::EXEC_OK) {
        let user = rustix::process::geteuid().as_raw();
        let hint = match error {
            Errno::ROFS => format!("mount it for writing, or set {key} to another folder"),
            _ => format!("run as the daemon's user, or `chown {user} {}`", nearest.display()),
        };
        return Examined::bad(name, format!("this user may not write to {}: {error}", nearest.display()), hint);
    }
    let how = if path.exists() { "can be written" } else { "will be made" };
    Examined::good(name, format!("{shown} {how}"))
}

fn store_file(store: &Path) -> Option<Examined> {
    let denied = access(store, Access::READ_OK | Access::WRITE_OK).err().filter(|_| store.exists())?;
    let detail = format!("this user may not read and write {}: {denied}", store.display());
    Some(Examined::bad("store", detail, "run as the daemon's user; `ls -l` shows whose it is"))
}

/// Whoever may write to one of these decides what the daemon runs.
fn open_to_others(patient: &Patient<'_>) -> Examined {
    let folders = patient.config.host.plugins.iter().map(PathBuf::as_path);
    let files = [patient.file, &patient.state, &patient.store].into_iter().chain(folders);
    let open: Vec<&Path> = files.filter(|path| fs::metadata(path).is_ok_and(|found| is_open(&found))).collect();
    if open.is_empty() {
        return Examined::good(
            "permissions",
            "only their owners write to tasks.toml, the state and the plugin folders",
        );
    }
    let shown = open.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ");
    let detail = format!("every user may write to {shown}, and so decide what the daemon runs");
    Examined::bad("permissions", detail, format!("chmod o-w {shown}"))
}

fn is_open(found: &Metadata) -> bool {
    found.permissions().mode() & 0o002 != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::tools::doctor::Verdict;

    #[test]
    fn a_folder_that_is_to_be_made_is_as_good_as_the_one_above() {
        let above = tempfile::tempdir().unwrap();
        let folder_at = |path: &str| folder("state", "[host] state", &above.path().join(path)).verdict;
        assert_eq!((folder_at(""), folder_at("a/b/c")), (Verdict::Good, Verdict::Good));
        fs::write(above.path().join("file"), "").unwrap();
        assert_eq!((folder_at("file"), folder_at("file/below")), (Verdict::Bad, Verdict::Bad));
    }
}

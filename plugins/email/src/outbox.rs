//! Where a mail is written: beside its place, synced, and only then under its name.
//!
//! Start at [`put`].

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};

use plugin_api::prelude::*;

use crate::failure::failed;

/// The file beside. It is removed with this value, and by the next attempt of the same task if a crash left it.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // What cannot be removed stays under a hidden name; how the mail ended is more important. After the rename it is not there.
        drop(fs::remove_file(&self.0));
    }
}

/// Puts a mail into the folder as `KEY.eml`, whole or not at all. A mail of an earlier attempt, whose key is the same, is
/// replaced. `last_look` may still say no. Answers its path.
///
/// # Errors
/// The disk does not take it; that of `last_look`.
pub(crate) fn put(
    folder: &Path,
    key: &str,
    mail: &[u8],
    last_look: impl FnOnce() -> TaskResult<()>,
) -> TaskResult<PathBuf> {
    fs::create_dir_all(folder).map_err(|error| failed("create the folder", folder, &error))?;
    let partial = Partial(folder.join(format!(".{key}.partial")));
    let written = write(&partial.0, mail);
    written.map_err(|error| failed("write", &partial.0, &error))?;
    last_look()?;
    let path = folder.join(format!("{key}.eml"));
    fs::rename(&partial.0, &path).map_err(|error| failed("write", &path, &error))?;
    sync_folder(folder).map_err(|error| failed("write", folder, &error))?;
    Ok(path)
}

fn write(path: &Path, mail: &[u8]) -> io::Result<()> {
    // A leftover is removed, not emptied: should its attempt still live, it writes on into a file without a name.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = File::create_new(path)?;
    file.write_all(mail)?;
    file.sync_all()
}

/// Makes the new name durable. Other systems than Unix cannot open a folder, and need not.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        entries.collect()
    }

    #[test]
    fn a_mail_is_there_whole_and_once_for_each_key() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("deep/outbox");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(".k.partial"), "much that was written before a crash").unwrap();
        for mail in ["one", "another"] {
            assert_eq!(put(&folder, "k", mail.as_bytes(), || Ok(())).unwrap(), folder.join("k.eml"));
        }
        assert_eq!(
            (names(&folder), fs::read_to_string(folder.join("k.eml")).unwrap()),
            (vec!["k.eml".to_owned()], "another".to_owned())
        );
    }

    #[test]
    fn a_stop_at_the_last_moment_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(put(folder.path(), "k", b"mail", || Err(TaskError::cancelled())).is_err_and(|error| error.is_stop()));
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn a_folder_that_is_a_file_is_worth_another_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = put(&file, "k", b"mail", || Ok(())).unwrap_err();
        assert!(!error.is_fatal() && error.to_string().starts_with("cannot create the folder `"), "{error}");
    }
}

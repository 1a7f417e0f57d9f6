//! Reads what the references of `tasks.toml` name: variables and files.
//!
//! Not here: how they are written and what counts of a value (`taskhost_core::secret`). Start at [`Reads`].

mod reads;

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use taskhost_core::secret::{Reference, SECRET_MAX};

pub use self::reads::Reads;

/// How long reading secrets may take: an attempt's own limit begins with its code, and an edit of the file is to be answered.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Where secrets come from. The daemon reads them through [`Reads`], which keeps a disk that hangs from it.
pub trait SecretSource: Send + Sync + Debug {
    /// What a reference stands for now. May block on a disk.
    /// # Errors
    /// Why it stands for nothing, for people.
    fn read(&self, reference: Reference<'_>) -> Result<Vec<u8>, String>;
}

/// The process's own variables, and the files of the system; relative paths begin in the folder of `tasks.toml`, where the
/// daemon works.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemSecrets;

/// Reads for the whole process from [`SystemSecrets`], 10 s at most.
pub fn system() -> Arc<Reads> {
    static SYSTEM: LazyLock<Arc<Reads>> = LazyLock::new(|| Arc::new(Reads::new(Arc::new(SystemSecrets), TIME_MAX)));
    Arc::clone(&SYSTEM)
}

/// More than counts, so that one that is too large is told from the largest: a line end is not part of a secret.
const READ_MAX: u64 = SECRET_MAX as u64 + 3;

impl SecretSource for SystemSecrets {
    fn read(&self, reference: Reference<'_>) -> Result<Vec<u8>, String> {
        match reference {
            Reference::Env(name) => {
                let value = std::env::var_os(name).ok_or_else(|| "the variable is not set".to_owned())?;
                Ok(value.into_vec())
            }
            Reference::File(path) => read_file(path.as_ref()).map_err(|error| error.to_string()),
        }
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe or a device might never come to an end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(READ_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use taskhost_core::secret::resolve;

    use super::*;

    fn read(path: &Path) -> Result<String, String> {
        let json = format!("[\"${{file:{}}}\"]", path.display());
        resolve(&json, |reference| SystemSecrets.read(reference)).map_err(|unresolved| unresolved.reason)
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        fs::write(&file, "hunter2\n").unwrap();
        assert_eq!(read(&file).unwrap(), "[\"hunter2\"]");
        fs::write(&file, "x".repeat(SECRET_MAX) + "\r\n").unwrap();
        assert_eq!(read(&file).unwrap().len(), SECRET_MAX + 4);
        fs::write(&file, vec![b'x'; 3 * SECRET_MAX]).unwrap();
        assert_eq!(read(&file).unwrap_err(), "it is larger than 64 KiB");
    }

    #[test]
    fn what_is_no_file_or_not_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap_err(), "it is no file");
        assert_eq!(read(&folder.path().join("none")).unwrap_err(), "No such file or directory (os error 2)");
        let unset = SystemSecrets.read(Reference::Env("TASKHOST_TEST_UNSET")).unwrap_err();
        assert_eq!(unset, "the variable is not set");
    }
}

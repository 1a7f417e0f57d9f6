//! `files.checksum`: the SHA-256 of a file, read once with constant memory.
//!
//! Nothing is saved: an attempt that is interrupted begins again at the first byte. Start at [`checksum`].

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, ErrorKind, Read};

use plugin_api::prelude::*;
use sha2::{Digest as _, Sha256};

/// How much is read between two looks at cancel and drain, in bytes.
const CHUNK: usize = 256 * 1024;

/// Which file.
#[params]
pub(crate) struct Checksum {
    /// The file to read. A relative path begins in the folder of tasks.toml.
    path: PathBuf,
}

/// What was read.
#[output]
#[derive(PartialEq)]
pub(crate) struct Digest {
    /// The SHA-256 of the content, as 64 lowercase hexadecimal digits.
    sha256: String,
    /// How many bytes the content has.
    bytes: u64,
}

/// Reads a file and gives its SHA-256 and its size.
#[task(name = "files.checksum", title = "Checksum of a file", unit = "bytes", blocking)]
pub(crate) fn checksum(Checksum { path }: Checksum, cx: BlockingContext) -> TaskResult<Digest> {
    let (file, size) = open(&path)?;
    let progress = cx.progress().total(size);
    let digest = digest(file, &path, |done| {
        // A file that grows meanwhile raises the total first, so that progress never passes 100 %.
        progress.total(size.max(done)).update(done);
        cx.stop_point()
    })?;
    // All of it, also of a file that shrank. A total of 0 would mean "unknown", so an empty file counts as one byte.
    let all = digest.bytes.max(1);
    progress.total(all).update(all);
    cx.info(format!("{}  {}", digest.sha256, path.display()));
    Ok(digest)
}

/// The file, and its size in bytes.
fn open(path: &Path) -> TaskResult<(File, u64)> {
    // Before the open: that of a pipe would block until somebody writes.
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if metadata.is_dir() {
        let message = format_args!("cannot read `{}`: it is a folder", path.display());
        return Err(TaskError::fatal(message).with_code("not_a_file"));
    }
    if !metadata.is_file() {
        let message = format_args!("cannot read `{}`: it is not a regular file", path.display());
        return Err(TaskError::fatal(message).with_code("not_a_file"));
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    Ok((file, metadata.len()))
}

/// Reads to the end. `after_chunk` is told how many bytes were read so far, and may end it.
fn digest(
    mut reader: impl Read,
    path: &Path,
    mut after_chunk: impl FnMut(u64) -> TaskResult<()>,
) -> TaskResult<Digest> {
    let mut hasher = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; CHUNK];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&chunk[..read]);
                bytes += read as u64;
                after_chunk(bytes)?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
    Ok(Digest { sha256: hexadecimal(&hasher.finalize()), bytes })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

/// Fatal where only a person can help, else worth another attempt.
fn unreadable(path: &Path, error: &io::Error) -> TaskError {
    let message = format!("cannot read `{}`: {error}", path.display());
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            TaskError::fatal(message).with_code("not_found")
        }
        ErrorKind::PermissionDenied => TaskError::fatal(message).with_code("permission_denied"),
        _ => TaskError::retry(message).with_code("io"),
    }
}

#[cfg(test)]
mod tests;

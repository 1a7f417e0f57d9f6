//! Writes one file piece by piece, on a thread of its own: a disk may be slow.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hyper::body::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Folder, SafeName, UploadError};

/// How many pieces may wait for the disk; whoever sends then waits too.
const PIECES_WAITING: usize = 8;

/// The name of a file until it is whole; no [`SafeName`] begins with a dot.
const PART: &str = ".part";

/// A file that is coming in. Dropped before its end, it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    pieces: mpsc::Sender<Piece>,
    writing: JoinHandle<Result<Kept, UploadError>>,
    left: u64,
    limit: u64,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    End,
}

/// A file that is whole and durable. Dropped before [`Kept::keep`], it is removed.
#[derive(Debug)]
pub struct Kept {
    folder: Folder,
}

impl Upload {
    pub(super) fn start(folder: Folder, name: &SafeName) -> Self {
        let limit = folder.uploads.0.limit;
        let (pieces, coming) = mpsc::channel(PIECES_WAITING);
        let name = name.clone();
        let writing = tokio::task::spawn_blocking(move || write(folder, &name, coming));
        Self { pieces, writing, left: limit, limit }
    }

    /// Takes the next piece.
    /// # Errors
    /// [`UploadError`] if the file becomes too large or cannot be written; nothing is left of it then.
    /// # Cancel safety
    /// Dropping the future drops the piece: the upload should be dropped too.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), UploadError> {
        let length = bytes.len() as u64;
        self.left = self.left.checked_sub(length).ok_or(UploadError::TooLarge { limit: self.limit })?;
        if self.pieces.send(Piece::Bytes(bytes)).await.is_ok() {
            return Ok(());
        }
        // The writer ends early only with an error.
        joined((&mut self.writing).await).map(drop)
    }

    /// Removes what has come; the same as dropping it, but done when this ends.
    pub async fn abandon(self) {
        drop(self.pieces);
        if !self.writing.is_finished() {
            // That it broke off is no news.
            drop(self.writing.await);
        }
    }

    /// Makes the file durable.
    /// # Errors
    /// [`UploadError`] if it cannot be written; nothing is left of it then.
    pub async fn finish(self) -> Result<Kept, UploadError> {
        // If the writer is gone, it says why.
        drop(self.pieces.send(Piece::End).await);
        joined(self.writing.await)
    }
}

impl Kept {
    /// Its task exists: the file stays as long as the task does.
    pub fn keep(mut self) {
        self.folder.is_kept = true;
    }
}

fn joined(ended: Result<Result<Kept, UploadError>, tokio::task::JoinError>) -> Result<Kept, UploadError> {
    ended.unwrap_or_else(|error| {
        Err(UploadError::Unwritable { folder: PathBuf::new(), source: io::Error::other(error) })
    })
}

fn write(folder: Folder, name: &SafeName, mut coming: mpsc::Receiver<Piece>) -> Result<Kept, UploadError> {
    let written = write_in(&folder.path, name, &mut coming);
    match written {
        Ok(()) => Ok(Kept { folder }),
        Err(source) => Err(folder.unwritable(source)),
    }
}

fn write_in(folder: &Path, name: &SafeName, coming: &mut mpsc::Receiver<Piece>) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let part = folder.join(PART);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    loop {
        match coming.blocking_recv() {
            Some(Piece::Bytes(bytes)) => file.write_all(&bytes)?,
            Some(Piece::End) => break,
            // Nobody hears of this error.
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
    file.sync_all()?;
    std::fs::rename(&part, folder.join(name.as_str()))?;
    // The file in its folder, that among all uploads, and the folder of these, which may be new too.
    let mut folders = folder.ancestors().filter(|folder| !folder.as_os_str().is_empty()).take(3);
    folders.try_for_each(|folder| File::open(folder)?.sync_all())
}

//! The bytes of an archive: tar (GNU format, for names of any length) in one zstd frame with a checksum.
//!
//! Stored are regular files, folders and symbolic links with their permissions, owners' numbers and times in seconds. A hard
//! link becomes a file of its own. Not here: where the bytes go (`place`). Start at [`Archive::add`].

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::path::Path;

use plugin_api::{TaskError, TaskResult};
use tar::{Builder, Header};
use walkdir::DirEntry;
use zstd::Encoder;

use crate::failure::failed;
use crate::watch::Meter;

/// How much is read between two looks at cancel and drain, in bytes.
const CHUNK: u64 = 256 * 1024;

/// An archive that is being written.
pub(crate) struct Archive<'a, W: Write> {
    tar: Builder<Encoder<'static, W>>,
    /// Where `W` writes, for messages.
    path: &'a Path,
}

/// What became of an entry.
#[derive(Debug, PartialEq)]
pub(crate) enum Added {
    File,
    /// A folder or a link.
    Other,
    LeftOut(&'static str),
}

impl<'a, W: Write> Archive<'a, W> {
    /// # Errors
    /// zstd cannot be set up.
    pub(crate) fn begin(out: W, path: &'a Path) -> TaskResult<Self> {
        let mut encoder = Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
        // A flipped bit is then seen when the archive is unpacked.
        encoder.include_checksum(true)?;
        Ok(Self { tar: Builder::new(encoder), path })
    }

    /// Stores an entry of the source under `name`.
    ///
    /// # Errors
    /// What cannot be read or written, a file that shrinks while it is read (a retry), and those of [`Meter::read`].
    pub(crate) fn add(&mut self, entry: &DirEntry, name: &Path, meter: &mut Meter<'_>) -> TaskResult<Added> {
        let kind = entry.file_type();
        let added = if kind.is_dir() {
            self.add_folder(entry.path(), name)
        } else if kind.is_symlink() {
            self.add_link(entry.path(), name)
        } else if kind.is_file() {
            self.add_file(entry.path(), name, meter)
        } else {
            return Ok(Added::LeftOut("neither a file, a folder nor a link"));
        };
        added.or_else(|failure| match failure {
            Failure::Vanished => Ok(Added::LeftOut("it vanished")),
            Failure::Task(error) => Err(error),
        })
    }

    fn add_folder(&mut self, path: &Path, name: &Path) -> Result<Added, Failure> {
        let metadata = fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))?;
        let mut header = header(&metadata);
        self.tar.append_data(&mut header, name, io::empty()).map_err(|error| self.unwritable(&error))?;
        Ok(Added::Other)
    }

    fn add_link(&mut self, path: &Path, name: &Path) -> Result<Added, Failure> {
        let metadata = fs::symlink_metadata(path).map_err(|error| unreadable(path, &error))?;
        let target = fs::read_link(path).map_err(|error| unreadable(path, &error))?;
        let mut header = header(&metadata);
        // Letter by letter where it fits: `append_link` takes targets of any length, but makes `a//b` an `a/b`.
        let stored = match header.set_link_name_literal(target.as_os_str().as_encoded_bytes()) {
            Ok(()) => self.tar.append_data(&mut header, name, io::empty()),
            Err(_) => self.tar.append_link(&mut header, name, target),
        };
        stored.map_err(|error| self.unwritable(&error))?;
        Ok(Added::Other)
    }

    fn add_file(&mut self, path: &Path, name: &Path, meter: &mut Meter<'_>) -> Result<Added, Failure> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        // Of the open file, so that header and content are those of one file, whatever its name now stands for.
        let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
        let mut header = header(&metadata);
        let size = metadata.len();
        let mut content = Content { file: file.take(size), path, missing: size, meter, failure: None };
        // tar copies in small pieces; what stands before it reads, and looks at cancel, in large ones.
        let capacity = usize::try_from(size.clamp(1, CHUNK)).expect("a chunk fits into memory");
        let buffered = BufReader::with_capacity(capacity, &mut content);
        let written = self.tar.append_data(&mut header, name, buffered);
        match content.failure {
            Some(failure) => Err(failure.into()),
            None => written.map(|()| Added::File).map_err(|error| self.unwritable(&error).into()),
        }
    }

    /// Writes the end of the archive.
    ///
    /// # Errors
    /// What cannot be written.
    pub(crate) fn finish(self) -> TaskResult<W> {
        let Self { tar, path } = self;
        tar.into_inner().and_then(Encoder::finish).map_err(|error| failed("write", path, &error))
    }

    fn unwritable(&self, error: &io::Error) -> TaskError {
        failed("write", self.path, error)
    }
}

fn header(metadata: &fs::Metadata) -> Header {
    let mut header = Header::new_gnu();
    header.set_metadata(metadata);
    header
}

/// Why an entry is not stored.
enum Failure {
    Vanished,
    Task(TaskError),
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        Self::Task(error)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound => Failure::Vanished,
        _ => Failure::Task(failed("read", path, error)),
    }
}

/// The content of one file: exactly as many bytes as its header says, or a failure.
struct Content<'a, 'm> {
    file: io::Take<File>,
    path: &'a Path,
    missing: u64,
    meter: &'a mut Meter<'m>,
    /// What goes wrong here reaches tar as an error without a cause; the cause waits here.
    failure: Option<TaskError>,
}

impl Content<'_, '_> {
    fn piece(&mut self, buffer: &mut [u8]) -> TaskResult<usize> {
        let read = loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read.map_err(|error| failed("read", self.path, &error))?,
            }
        };
        if read == 0 && self.missing > 0 {
            let path = self.path.display();
            return Err(TaskError::retry(format_args!("`{path}` shrank while it was read")).with_code("shrank"));
        }
        self.missing -= read as u64;
        if read > 0 {
            self.meter.read(read as u64)?;
        }
        Ok(read)
    }
}

impl Read for Content<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.piece(buffer).map_err(|failure| {
            self.failure = Some(failure);
            io::Error::other("the content cannot be read")
        })
    }
}

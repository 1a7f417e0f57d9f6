//! The files that come along: read whole, up to a limit, and typed by their names.
//!
//! Start at [`Attachments::find`].

use std::fs::File;
use std::io::Read;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Attachment, Body, SinglePart};
use plugin_api::prelude::*;

use crate::failure::unreadable;

/// What all attachments of a mail may have in all, in bytes. Encoded they are a third larger, and few servers take more.
pub(crate) const LIMIT: u64 = 25 * 1024 * 1024;

/// How much is read between two looks at cancel and drain, in bytes.
const CHUNK: usize = 256 * 1024;

/// The attachments of a mail, found and measured, not yet read.
#[derive(Debug)]
pub(crate) struct Attachments {
    files: Vec<PathBuf>,
    bytes: u64,
}

impl Attachments {
    /// Looks at the files.
    ///
    /// # Errors
    /// One is no regular file, or they are too large.
    pub(crate) fn find(files: Vec<PathBuf>) -> TaskResult<Self> {
        let sizes = files.iter().map(|path| size(path));
        let bytes = sizes.sum::<TaskResult<u64>>()?;
        if bytes > LIMIT { Err(too_large(bytes)) } else { Ok(Self { files, bytes }) }
    }

    /// How many bytes they have in all.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads them. `read` is told which file is read and how many bytes of all of them were read, and may end it.
    ///
    /// # Errors
    /// One cannot be read, or they have become too large; those of `read`.
    pub(crate) fn read(self, mut read: impl FnMut(&Path, u64) -> TaskResult<()>) -> TaskResult<Vec<SinglePart>> {
        let mut done = 0;
        let mut parts = Vec::with_capacity(self.files.len());
        for path in &self.files {
            read(path, done)?;
            let file = File::open(path).map_err(|error| unreadable(path, &error))?;
            let content = content(file, path, &mut done, &mut read)?;
            parts.push(part(path, content));
        }
        Ok(parts)
    }
}

fn size(path: &Path) -> TaskResult<u64> {
    // Before the open: that of a pipe would block until somebody writes.
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        let what = if metadata.is_dir() { "a folder" } else { "not a regular file" };
        let message = format_args!("cannot attach `{}`: it is {what}", path.display());
        return Err(TaskError::fatal(message).with_code("not_a_file"));
    }
    Ok(metadata.len())
}

fn too_large(bytes: u64) -> TaskError {
    let message = format_args!("the attachments have {bytes} bytes, more than the {LIMIT} that a mail may have");
    TaskError::fatal(message).with_code("too_large")
}

fn content(
    mut file: impl Read,
    path: &Path,
    done: &mut u64,
    read: &mut impl FnMut(&Path, u64) -> TaskResult<()>,
) -> TaskResult<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let before = content.len();
        let taken = file.by_ref().take(CHUNK as u64).read_to_end(&mut content);
        taken.map_err(|error| unreadable(path, &error))?;
        let more = content.len() - before;
        if more == 0 {
            return Ok(content);
        }
        *done += more as u64;
        // It may have grown since it was measured.
        if *done > LIMIT {
            return Err(too_large(*done));
        }
        read(path, *done)?;
    }
}

fn part(path: &Path, content: Vec<u8>) -> SinglePart {
    // Text too goes as base64, so that every byte arrives, line ends included.
    let body = Body::new_with_encoding(content, ContentTransferEncoding::Base64);
    let body = body.unwrap_or_else(|content| Body::dangerous_pre_encoded(content, ContentTransferEncoding::Binary));
    Attachment::new(name(path)).body(body, content_type(path))
}

/// What recipients see as the name: the last part of the path, without what would confuse a mail's header.
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.chars().map(|letter| if letter.is_control() { '_' } else { letter }).collect()
}

fn content_type(path: &Path) -> ContentType {
    let guessed = mime_guess::from_path(path).first_or_octet_stream();
    // A mail inside a mail may not be encoded (RFC 2046, 5.2.1), which would change it on the way: it goes as plain bytes.
    let is_mail = guessed.type_() == "message";
    let essence = if is_mail { "application/octet-stream" } else { guessed.essence_str() };
    ContentType::parse(essence).unwrap_or(ContentType::TEXT_PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_of(folder: &Path, name: &str, bytes: u64) -> PathBuf {
        let path = folder.join(name);
        File::create(&path).unwrap().set_len(bytes).unwrap();
        path
    }

    fn refused(files: Vec<PathBuf>) -> TaskError {
        let error = Attachments::find(files).expect_err("this cannot be attached");
        assert!(error.is_fatal(), "{error}");
        error
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused_before_anything_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(refused(vec![path.join("absent")]).code(), "not_found");
        assert!(refused(vec![path.to_owned()]).to_string().ends_with("it is a folder"));
        let (half, rest) = (file_of(path, "half", LIMIT / 2 + 1), file_of(path, "rest", LIMIT / 2 + 1));
        assert_eq!(refused(vec![half.clone(), rest]).code(), "too_large");
        assert_eq!(Attachments::find(vec![half]).unwrap().bytes(), LIMIT / 2 + 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_not_begun() {
        assert!(refused(vec!["/dev/zero".into()]).to_string().ends_with("it is not a regular file"));
    }

    #[test]
    fn a_file_that_grows_beyond_the_limit_is_not_read_to_its_end() {
        let mut done = 0;
        let error = content(std::io::repeat(7), Path::new("a"), &mut done, &mut |_, _| Ok(())).unwrap_err();
        assert_eq!((error.code(), done > LIMIT, done < 2 * LIMIT), ("too_large", true, true));
    }

    #[test]
    fn each_chunk_is_told_and_may_be_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let size = CHUNK as u64 + 1;
        let files = vec![file_of(folder.path(), "a", size), file_of(folder.path(), "b", 2)];
        let mut told = Vec::new();
        let parts = Attachments::find(files.clone()).unwrap().read(|_, done| {
            told.push(done);
            Ok(())
        });
        assert_eq!((parts.unwrap().len(), told), (2, vec![0, CHUNK as u64, size, size, size + 2]));
        let stopped = Attachments::find(files)
            .unwrap()
            .read(|_, done| if done > 0 { Err(TaskError::cancelled()) } else { Ok(()) });
        assert!(stopped.is_err_and(|error| error.is_stop()));
    }

    #[test]
    fn types_are_those_of_the_names() {
        let shown = |name: &str| format!("{:?}", content_type(Path::new(name)));
        for (name, expected) in [("a.pdf", "application/pdf"), ("B.PNG", "image/png"), ("notes.txt", "text/plain")] {
            assert!(shown(name).contains(expected), "{}", shown(name));
        }
        for name in ["README", "a.unheard-of", "old.eml"] {
            assert!(shown(name).contains("application/octet-stream"), "{}", shown(name));
        }
        assert_eq!(name(Path::new("a/b\r\nc.txt")), "b__c.txt");
    }
}

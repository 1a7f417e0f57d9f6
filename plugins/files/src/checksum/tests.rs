//! Reading to the end, stopping in between, and which errors are final.

use std::fs;

use super::*;

const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn read(reader: impl Read) -> TaskResult<Digest> {
    digest(reader, Path::new("made up"), |_| Ok(()))
}

fn refused(path: &Path) -> TaskError {
    open(path).expect_err("this is no file to read")
}

/// Gives one byte at a time, after a signal before each.
struct Halting<'a>(&'a [u8], bool);

impl Read for Halting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 { Err(ErrorKind::Interrupted.into()) } else { self.0.read(&mut buffer[..1]) }
    }
}

#[test]
fn the_digest_is_that_of_the_standard() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(read(&b"abc"[..]).unwrap(), Digest { sha256: abc.to_owned(), bytes: 3 });
    assert_eq!(read(&b""[..]).unwrap(), Digest { sha256: OF_NOTHING.to_owned(), bytes: 0 });
}

#[test]
fn short_and_interrupted_reads_make_the_same_digest() {
    let text = b"the same bytes in other pieces";
    assert_eq!(read(Halting(text, false)).unwrap(), read(&text[..]).unwrap());
}

#[test]
fn each_chunk_is_told_and_the_last_one_tells_all() {
    let size = 2 * CHUNK as u64 + 1;
    let mut told = Vec::new();
    let digest = digest(io::repeat(7).take(size), Path::new("made up"), |done| {
        told.push(done);
        Ok(())
    });
    assert_eq!(told, [CHUNK as u64, 2 * CHUNK as u64, size]);
    assert_eq!(digest.unwrap().bytes, size);
}

#[test]
fn a_stop_ends_an_endless_file_at_the_next_chunk() {
    let stopped = digest(io::repeat(7), Path::new("made up"), |_| Err(TaskError::cancelled()));
    assert!(stopped.is_err_and(|error| error.is_stop()));
}

#[test]
fn a_file_that_is_not_there_is_fatal_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("here");
    fs::write(&file, "").unwrap();
    for path in [folder.path().join("absent"), file.join("below a file"), PathBuf::from("a\0b")] {
        let error = refused(&path);
        assert!(error.is_fatal(), "{error}");
        assert_eq!(error.code(), "not_found");
        assert!(error.to_string().starts_with(&format!("cannot read `{}`: ", path.display())), "{error}");
    }
}

#[test]
fn a_folder_is_fatal_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = refused(folder.path());
    assert!(error.is_fatal());
    assert_eq!(error.to_string(), format!("cannot read `{}`: it is a folder", folder.path().display()));
}

#[cfg(unix)]
#[test]
fn what_has_no_end_is_not_begun() {
    assert!(refused(Path::new("/dev/zero")).to_string().ends_with("it is not a regular file"));
}

#[test]
fn a_missing_permission_is_fatal_and_a_broken_disk_is_not() {
    let path = Path::new("x");
    assert_eq!(unreadable(path, &ErrorKind::PermissionDenied.into()).code(), "permission_denied");
    assert!(unreadable(path, &ErrorKind::PermissionDenied.into()).is_fatal());
    assert!(!unreadable(path, &io::Error::other("bad sector")).is_fatal());
}

#[test]
fn unknown_params_are_refused() {
    use plugin_api::serde_json::from_str;
    assert!(from_str::<Checksum>(r#"{"path":"a"}"#).is_ok());
    assert!(from_str::<Checksum>(r#"{"path":"a","algorithm":"md5"}"#).is_err());
}

//! What the file holds at one moment, whatever that is.
//!
//! Start at [`Found::read`].

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::string::FromUtf8Error;

/// No tasks.toml that a person keeps is larger, in bytes.
const SIZE_MAX: u64 = 16 * 1024 * 1024;

/// What the file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A text.
    Text(String),
    /// Nothing that could be applied, and why.
    Nothing(String),
}

impl Found {
    /// Reads the file, whatever is there. Blocks on the disk.
    pub fn read(file: &Path) -> Self {
        match read(file) {
            Ok(bytes) if bytes.len() as u64 > SIZE_MAX => {
                Self::Nothing(format!("it is larger than {} MiB", SIZE_MAX >> 20))
            }
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => nothing_in(&text).map_or(Self::Text(text), |problem| Self::Nothing(problem.to_owned())),
                Err(error) => Self::Nothing(not_text(&error)),
            },
            Err(error) => Self::Nothing(error.to_string()),
        }
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for somebody who writes.
    if !std::fs::metadata(file)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a text lacks that says nothing: so are the first lines of a file that is being written.
pub fn nothing_in(text: &str) -> Option<&'static str> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    if lines.peek().is_none() {
        return Some("it is empty");
    }
    lines.all(|line| line.starts_with('#')).then_some("there is nothing in it but comments")
}

fn not_text(error: &FromUtf8Error) -> String {
    let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let line = good.split(|byte| *byte == b'\n').count();
    format!("it is not UTF-8 text (line {line})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tasks.toml");
        let found = || match Found::read(&file) {
            Found::Nothing(problem) => problem,
            Found::Text(text) => panic!("{text}"),
        };
        assert!(found().contains("No such file"), "{}", found());
        for empty in ["", " \n\t\n"] {
            std::fs::write(&file, empty).unwrap();
            assert_eq!(found(), "it is empty");
        }
        std::fs::write(&file, "#:schema ./tasks.schema.json\n\n").unwrap();
        assert_eq!(found(), "there is nothing in it but comments");
        std::fs::write(&file, b"# one\n# \xff\n").unwrap();
        assert_eq!(found(), "it is not UTF-8 text (line 2)");
        std::fs::write(&file, vec![b'#'; usize::try_from(SIZE_MAX).unwrap() + 1]).unwrap();
        assert_eq!(found(), "it is larger than 16 MiB");
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert_eq!(found(), "it is not a file");
    }
}

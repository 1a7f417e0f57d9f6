//! Finds plugin libraries and makes a private, checked copy of each, without running any of their code.
//!
//! Not here: loading (`loader`). The daemon loads only its copy, so whatever is done to the original later cannot touch
//! running code. Start at [`candidates`] and [`Generations::stage`].

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Seek as _, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use object::{
    Architecture, BinaryFormat, NameOrOrdinal, Object as _, ObjectSection as _, ObjectSegment as _, ReadCache, ReadRef,
};
use sha2::{Digest as _, Sha256};

use super::error::{LoadError, ScanError};

/// The extensions of shared libraries. Those of other systems count too: they are named as foreign, not overlooked.
const EXTENSIONS: [&str; 3] = ["so", "dylib", "dll"];

/// How much of a file is in memory at a time, in bytes.
const CHUNK: usize = 256 * 1024;

/// The files in `folder`, not below, that may be plugins, sorted by name.
pub(super) fn candidates(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if is_library_name(&path) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file of this name may be a plugin. Hidden ones are not: so is named what tools write before they rename it.
pub(crate) fn is_library_name(path: &Path) -> bool {
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    !is_hidden && path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
}

/// Leaves the first of the paths that lead to one file.
pub(super) fn distinct(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    paths.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    paths
}

/// What changes whenever the bytes of a file do: cheap to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    file: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    /// None if the file is not there.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let data = fs::metadata(path).ok()?;
        Some(Self {
            file: (data.dev(), data.ino()),
            length: data.len(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        })
    }
}

/// A library that exports our entry, as it was read.
#[derive(Debug)]
pub(super) struct Library {
    path: PathBuf,
    /// Hexadecimal.
    pub(super) sha256: String,
}

/// Looks at a file's export table and takes its digest; none if it is a library that is not a plugin of this ABI.
///
/// It never has the whole file in memory: a library may be larger than the daemon.
pub(super) fn read(path: &Path) -> Result<Option<Library>, LoadError> {
    let unreadable = |source| LoadError::Io { what: "read", path: path.to_path_buf(), source };
    let before = Fingerprint::of(path);
    let mut file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let library = if exports_entry(&ReadCache::new(&file), length)? {
        file.rewind().map_err(unreadable)?;
        let sha256 = copy_hashed(&mut file, &mut io::sink()).map_err(unreadable)?;
        Some(Library { path: path.to_path_buf(), sha256 })
    } else {
        None
    };
    if Fingerprint::of(path) != before {
        return Err(LoadError::NotWhole("it changed while it was read".to_owned()));
    }
    Ok(library)
}

/// Copies all and answers the digest of what was copied.
fn copy_hashed(from: &mut impl Read, to: &mut impl Write) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match from.read(&mut chunk)? {
            0 => return Ok(hexadecimal(&digest.finalize())),
            length => {
                digest.update(&chunk[..length]);
                to.write_all(&chunk[..length])?;
            }
        }
    }
}

fn exports_entry<'data>(data: impl ReadRef<'data>, length: u64) -> Result<bool, LoadError> {
    let file = object::File::parse(data).map_err(|error| match object::FileKind::parse(data) {
        Ok(_) => LoadError::NotWhole(error.to_string()),
        Err(_) if length == 0 => LoadError::NotWhole("it is empty".to_owned()),
        Err(unknown) => LoadError::NotALibrary(unknown.to_string()),
    })?;
    check_whole(&file, length)?;
    let exports = file.exports().map_err(|error| LoadError::NotWhole(error.to_string()))?;
    let mut entry = false;
    for export in exports {
        let export = export.map_err(|error| LoadError::NotWhole(error.to_string()))?;
        let NameOrOrdinal::Name(name) = export.name() else {
            continue;
        };
        // Mach-O writes an underscore before the names of C.
        entry |= name.strip_prefix(b"_").unwrap_or(name) == plugin_api::abi::ENTRY_SYMBOL.as_bytes();
    }
    if entry {
        check_native(&file)?;
    }
    Ok(entry)
}

/// A file that is still being written has its headers, and sections that end beyond its length.
fn check_whole<'data>(file: &object::File<'data, impl ReadRef<'data>>, length: u64) -> Result<(), LoadError> {
    let sections = file.sections().filter_map(|section| section.file_range());
    let segments = file.segments().map(|segment| segment.file_range());
    let end = sections.chain(segments).map(|(start, size)| start.saturating_add(size)).max().unwrap_or(0);
    if end <= length {
        return Ok(());
    }
    Err(LoadError::NotWhole(format!("its contents end at byte {end}, the file at byte {length}")))
}

fn check_native<'data>(file: &object::File<'data, impl ReadRef<'data>>) -> Result<(), LoadError> {
    let needed = (native_format(), native_architecture());
    let found = (file.format(), file.architecture());
    if found == needed {
        return Ok(());
    }
    let text = |(format, architecture)| format!("{architecture:?} ({format:?})");
    Err(LoadError::Foreign { found: text(found), needed: text(needed) })
}

fn native_format() -> BinaryFormat {
    if cfg!(target_vendor = "apple") { BinaryFormat::MachO } else { BinaryFormat::Elf }
}

fn native_architecture() -> Architecture {
    match std::env::consts::ARCH {
        "x86_64" => Architecture::X86_64,
        "aarch64" => Architecture::Aarch64,
        "riscv64" => Architecture::Riscv64,
        "powerpc64" => Architecture::PowerPc64,
        "s390x" => Architecture::S390x,
        "loongarch64" => Architecture::LoongArch64,
        _ => Architecture::Unknown,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
        text
    })
}

/// The folder `generations` of the state folder: one file for each loaded copy.
#[derive(Debug)]
pub(super) struct Generations {
    folder: PathBuf,
}

/// How many copies this process has made, of whatever folders: a start may search twice.
static STAGED: AtomicU32 = AtomicU32::new(0);

impl Generations {
    /// Makes the folder, for this user only, and deletes what earlier runs left there.
    pub(super) fn open(state: &Path) -> Result<Self, ScanError> {
        let folder = state.join("generations");
        let unusable = |source| ScanError::Generations { path: folder.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(unusable)?;
        // The mode above holds only for a folder that was made just now.
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).map_err(unusable)?;
        for entry in fs::read_dir(&folder).map_err(unusable)? {
            let entry = entry.map_err(unusable)?;
            if entry.file_type().map_err(unusable)?.is_file() {
                fs::remove_file(entry.path()).map_err(unusable)?;
            }
        }
        Ok(Self { folder })
    }

    /// Copies what was read to a file of its own and answers its path.
    ///
    /// The name is never used twice: the system's loader would hand out the old image for a path that it knows. Nothing here
    /// outlives the process, so nothing waits for the disk.
    pub(super) fn stage(&self, library: &Library) -> Result<PathBuf, LoadError> {
        let number = STAGED.fetch_add(1, Ordering::Relaxed);
        let extension = library.path.extension().unwrap_or_default().to_string_lossy();
        let path = self.folder.join(format!("{}-{number}.{extension}", library.sha256));
        let temporary = self.folder.join(format!("{number}.tmp"));
        let failed = |source| LoadError::Io { what: "copied", path: library.path.clone(), source };
        let copied = copy(&library.path, &temporary).map_err(failed)?;
        if copied != library.sha256 {
            return Err(LoadError::NotWhole("it changed while it was copied".to_owned()));
        }
        fs::rename(&temporary, &path).map_err(failed)?;
        Ok(path)
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<String> {
    copy_hashed(&mut File::open(from)?, &mut File::create(to)?)
}

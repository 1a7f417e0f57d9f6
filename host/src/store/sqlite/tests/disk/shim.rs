//! The way from SQLite's files to a [`Disk`]: SQLite's own file system, with a few calls in between.
//!
//! It becomes the default one of this process, so that the store is opened as ever. A file that belongs to no disk is opened
//! and served by SQLite itself; of one that does, writes, truncations and syncs pass here, and everything else (locks, shared
//! memory, reads) does not. No crate does that: those that exist replace the whole file system.
#![expect(unsafe_code, reason = "SQLite's file system is a table of C functions")]

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};

use rusqlite::ffi::{
    SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE, SQLITE_OK, sqlite3_file, sqlite3_io_methods, sqlite3_vfs,
    sqlite3_vfs_find, sqlite3_vfs_register,
};

use super::{Disk, Refusal};

/// An open file of a disk.
#[derive(Debug, Clone)]
struct Open {
    disk: Arc<Disk>,
    name: String,
    /// What SQLite would call.
    real: &'static sqlite3_io_methods,
}

#[derive(Debug, Default)]
struct Disks {
    /// By the path of the database; its log and journal have longer ones.
    by_path: HashMap<PathBuf, Arc<Disk>>,
    /// By the address that SQLite gave the file.
    open: HashMap<usize, Open>,
}

impl Disks {
    /// The disk that a file belongs to, and what it is called there.
    fn of(&self, path: &Path) -> Option<(Arc<Disk>, String)> {
        let shown = path.to_str()?;
        self.by_path.iter().find_map(|(database, disk)| {
            let name = shown.strip_prefix(database.to_str()?)?;
            ["", "-wal", "-journal"].contains(&name).then(|| (Arc::clone(disk), name.to_owned()))
        })
    }
}

static DISKS: LazyLock<Mutex<Disks>> = LazyLock::new(Mutex::default);

fn with_disks<T>(work: impl FnOnce(&mut Disks) -> T) -> T {
    work(&mut DISKS.lock().unwrap_or_else(PoisonError::into_inner))
}

fn open_file(file: *mut sqlite3_file) -> Option<Open> {
    with_disks(|disks| disks.open.get(&file.addr()).cloned())
}

/// From now on the files of this database are on the disk.
pub(super) fn insert(path: &Path, disk: &Arc<Disk>) {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    with_disks(|disks| disks.by_path.insert(path.to_owned(), Arc::clone(disk)));
}

fn real() -> *mut sqlite3_vfs {
    // SAFETY: a text that ends with a zero; SQLite keeps what it answers for ever.
    let found = unsafe { sqlite3_vfs_find(c"unix".as_ptr()) };
    assert!(!found.is_null(), "SQLite was built for Unix");
    found
}

fn register() {
    let real = real();
    // SAFETY: not null, and SQLite keeps it for ever.
    let real = unsafe { &*real };
    let (name, next) = (c"disk-of-a-test".as_ptr(), std::ptr::null_mut());
    let shim = sqlite3_vfs { zName: name, xOpen: Some(open), xDelete: Some(delete), pNext: next, ..*real };
    // SAFETY: the table is leaked, so it lives as long as SQLite; what differs from the real one's holds the same contract.
    let registered = unsafe { sqlite3_vfs_register(Box::leak(Box::new(shim)), 1) };
    assert_eq!(registered, SQLITE_OK);
}

unsafe extern "C" fn open(
    _shim: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let real = real();
    // SAFETY: not null, and SQLite keeps it for ever.
    let open = unsafe { (*real).xOpen }.expect("every file system opens files");
    // SAFETY: the arguments are those that SQLite gave; the file has the size that the real one asks for.
    let opened = unsafe { open(real, name, file, flags, out) };
    if opened != SQLITE_OK || name.is_null() {
        return opened;
    }
    // SAFETY: a name is a text that ends with a zero.
    let name = unsafe { CStr::from_ptr(name) };
    // SAFETY: it was opened, so it is filled in.
    let methods = unsafe { (*file).pMethods };
    // SAFETY: what was opened has methods, which are never changed.
    let real: &'static sqlite3_io_methods = unsafe { &*methods };
    if let Some(methods) = between(Path::new(OsStr::from_bytes(name.to_bytes())), file, real) {
        // SAFETY: the file is ours until this function returns.
        unsafe { (*file).pMethods = methods };
    }
    opened
}

unsafe extern "C" fn delete(_shim: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    let real = real();
    // SAFETY: a name is a text that ends with a zero.
    let path = unsafe { CStr::from_ptr(name) };
    if let Some((disk, name)) = with_disks(|disks| disks.of(Path::new(OsStr::from_bytes(path.to_bytes())))) {
        disk.deleted(&name);
    }
    // SAFETY: not null, and SQLite keeps it for ever.
    let delete = unsafe { (*real).xDelete }.expect("every file system deletes files");
    // SAFETY: the arguments are those that SQLite gave.
    unsafe { delete(real, name, sync) }
}

/// Notes a file that belongs to a disk, and answers its methods.
fn between(
    path: &Path,
    file: *mut sqlite3_file,
    real: &'static sqlite3_io_methods,
) -> Option<&'static sqlite3_io_methods> {
    let (disk, name) = with_disks(|disks| {
        disks.of(path).inspect(|(disk, name)| {
            let open = Open { disk: Arc::clone(disk), name: name.clone(), real };
            disks.open.insert(file.addr(), open);
        })
    })?;
    disk.opened(&name, path);
    let methods = sqlite3_io_methods {
        xClose: Some(close),
        xWrite: Some(write),
        xTruncate: Some(truncate),
        xSync: Some(sync),
        ..*real
    };
    Some(Box::leak(Box::new(methods)))
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let open = with_disks(|disks| disks.open.remove(&file.addr())).expect("it was opened here");
    let close = open.real.xClose.expect("every file can be closed");
    // SAFETY: the file is one that the real file system has opened.
    unsafe { close(file) }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, data: *const c_void, length: c_int, at: i64) -> c_int {
    let open = open_file(file).expect("it was opened here");
    let (Ok(bytes), Ok(offset)) = (usize::try_from(length), u64::try_from(at)) else { return SQLITE_IOERR_WRITE };
    // SAFETY: SQLite gives so many bytes, and leaves them alone until this function returns.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), bytes) };
    if let Err(Refusal) = open.disk.write(&open.name, offset, bytes) {
        return SQLITE_FULL;
    }
    let write = open.real.xWrite.expect("every file can be written");
    // SAFETY: the arguments are those that SQLite gave, for a file that the real file system has opened.
    unsafe { write(file, data, length, at) }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    let open = open_file(file).expect("it was opened here");
    open.disk.truncate(&open.name, u64::try_from(size).unwrap_or(0));
    let truncate = open.real.xTruncate.expect("every file can be truncated");
    // SAFETY: as in `write`.
    unsafe { truncate(file, size) }
}

/// The real disk is not asked: what is on it matters to nobody here, and that takes time.
unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    let open = open_file(file).expect("it was opened here");
    match open.disk.sync(&open.name) {
        Ok(()) => SQLITE_OK,
        Err(Refusal) => SQLITE_IOERR_FSYNC,
    }
}

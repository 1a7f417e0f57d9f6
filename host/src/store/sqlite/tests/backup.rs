//! Copies of a store that is worked on, and files that are no place for one.

use std::cell::Cell;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use taskhost_core::ids::TaskId;
use taskhost_core::submit::NewTask;
use taskhost_core::task::Status;

use super::super::backup::{BackupError, back_up};
use super::super::schema;
use super::{Files, start};
use crate::store::StoreError;
use crate::store::suite::Harness;

fn go_on() -> bool {
    true
}

/// A store of several steps of the copy, and the tasks that are in it.
fn large() -> (Harness, PathBuf, Vec<TaskId>) {
    let files = Files::default();
    let path = files.path();
    let mut h = files.harness();
    let params = format!("{{\"text\":\"{}\"}}", "x".repeat(100_000)).into_bytes();
    let tasks: Vec<_> = (0..120).map(|_| NewTask { params: params.clone(), ..h.task() }).collect();
    let ids = tasks.iter().map(|task| task.id).collect();
    h.submit_all(tasks);
    (h, path, ids)
}

/// The store of a file that a backup made.
fn restored(backup: &Path) -> Harness {
    let files = Files::default();
    std::fs::create_dir(files.path().parent().unwrap()).unwrap();
    std::fs::copy(backup, files.path()).unwrap();
    files.harness()
}

fn folder_of(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn what_was_acknowledged_before_is_in_it_and_the_writer_is_not_held_up() {
    let (mut h, path, ids) = large();
    let to = tempfile::tempdir().unwrap();
    let to = to.path().join("copy.db");
    let steps = Cell::new(0);
    let meanwhile = std::cell::RefCell::new((&mut h, Vec::new()));
    let bytes = back_up(&path, &to, false, &|| {
        steps.set(steps.get() + 1);
        let (h, later) = &mut *meanwhile.borrow_mut();
        let task = h.task();
        // Answered, so committed, between two steps of the copy.
        later.push(h.submit(task));
        true
    })
    .unwrap();
    let (_, later) = meanwhile.into_inner();
    assert!(steps.get() >= 3, "{} steps", steps.get());
    assert_eq!((bytes, folder_of(&to)), (std::fs::metadata(&to).unwrap().len(), vec!["copy.db".to_owned()]));
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    let copy = restored(&to);
    assert!(ids.iter().all(|id| copy.status(*id) == Status::Queued));
    assert_eq!(later[1..].iter().filter(|id| copy.find(**id).is_some()).count(), 0, "it is of one moment");
    assert_eq!(copy.store.queues()[0].counts.total(), 120 + u64::from(copy.find(later[0]).is_some()));
}

#[test]
fn a_store_that_nobody_works_on_is_copied_with_what_is_in_its_log() {
    let (h, path, ids) = large();
    let crashed = Files::as_after_a_crash(&path);
    drop(h);
    let to = tempfile::tempdir().unwrap();
    let to = to.path().join("copy.db");
    back_up(&crashed.path(), &to, false, &go_on).unwrap();
    let file = Connection::open(&to).unwrap();
    let mode: String = file.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!((&*mode, &*sound), ("delete", "ok"));
    drop(file);
    let copy = restored(&to);
    assert!(ids.iter().all(|id| copy.status(*id) == Status::Queued));
}

#[test]
fn a_backup_that_is_stopped_leaves_nothing_and_what_was_there_as_it_was() {
    let (_h, path, _) = large();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy.db");
    std::fs::write(&to, "an older one").unwrap();
    let steps = Cell::new(0);
    let stopped = back_up(&path, &to, true, &|| {
        steps.set(steps.get() + 1);
        steps.get() < 3
    });
    assert!(matches!(stopped, Err(BackupError::Stopped)), "{stopped:?}");
    assert_eq!((folder_of(&to), std::fs::read(&to).unwrap()), (vec!["copy.db".to_owned()], b"an older one".to_vec()));
}

#[test]
fn a_file_is_replaced_only_where_that_is_asked_for() {
    let (_h, path, _) = large();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy.db");
    std::fs::write(&to, "an older one").unwrap();
    let refused = back_up(&path, &to, false, &go_on);
    assert!(matches!(refused, Err(BackupError::Exists(_))), "{refused:?}");
    assert_eq!(std::fs::read(&to).unwrap(), b"an older one");
    back_up(&path, &to, true, &go_on).unwrap();
    assert_eq!(folder_of(&to), ["copy.db"]);
    restored(&to);
    let meanwhile = folder.path().join("other.db");
    let refused = back_up(&path, &meanwhile, false, &|| {
        std::fs::write(&meanwhile, "somebody was faster").unwrap();
        true
    });
    assert!(matches!(refused, Err(BackupError::Exists(_))), "{refused:?}");
    assert_eq!(std::fs::read(&meanwhile).unwrap(), b"somebody was faster");
}

#[test]
fn what_is_no_place_for_a_backup_stays_as_it_is() {
    let (h, path, _) = large();
    let before = std::fs::metadata(&path).unwrap().ino();
    let link = path.with_file_name("link.db");
    std::fs::hard_link(&path, &link).unwrap();
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    for to in [path.clone(), link, beside("-wal"), beside("-shm"), beside(".lock"), path.parent().unwrap().to_owned()] {
        let refused = back_up(&path, &to, true, &go_on);
        assert!(matches!(refused, Err(BackupError::Unfit { .. })), "{}: {refused:?}", to.display());
    }
    for to in ["/nowhere/copy.db", "/proc/copy.db"] {
        let refused = back_up(&path, to.as_ref(), true, &go_on);
        assert!(matches!(refused, Err(BackupError::Target { .. })), "{to}: {refused:?}");
    }
    let none = back_up(&path.with_file_name("none.db"), &path.with_file_name("copy.db"), true, &go_on);
    assert!(matches!(none, Err(BackupError::NoStore(_))), "{none:?}");
    assert_eq!(std::fs::metadata(&path).unwrap().ino(), before);
    drop(h);
}

#[test]
fn a_store_of_a_later_version_another_program_or_with_damage_gives_no_backup() {
    let refused = |change: &dyn Fn(&Path)| {
        let (h, path, _) = large();
        h.answer(h.store.close());
        change(&path);
        let to = path.with_file_name("copy.db");
        let refused = back_up(&path, &to, false, &go_on).unwrap_err();
        let names = folder_of(&to);
        assert!(!names.iter().any(|name| name.contains("copy") || name.contains("backup")), "{names:?}");
        refused
    };
    let pragma = |name: &'static str, value: i64| {
        move |path: &Path| Connection::open(path).unwrap().pragma_update(None, name, value).unwrap()
    };
    let later = i64::try_from(schema::MIGRATIONS.len()).unwrap() + 1;
    let of_later = refused(&pragma("user_version", later));
    assert!(matches!(of_later, BackupError::Store(StoreError::Foreign { .. })), "{of_later:?}");
    let of_other = refused(&pragma("application_id", 77));
    assert!(matches!(of_other, BackupError::Store(StoreError::Foreign { .. })), "{of_other:?}");
    let damaged = refused(&|path| {
        let mut bytes = std::fs::read(path).unwrap();
        let length = bytes.len();
        bytes[4_096 * 3..length - 4_096].fill(0xA5);
        std::fs::write(path, bytes).unwrap();
    });
    let is_told = matches!(damaged, BackupError::Damaged { .. } | BackupError::Store(StoreError::Damaged { .. }));
    assert!(is_told, "{damaged:?}");
}

#[test]
fn a_store_of_an_older_version_is_copied_as_it_is() {
    let files = super::golden::files_of(1);
    let to = files.path().with_file_name("copy.db");
    back_up(&files.path(), &to, false, &go_on).unwrap();
    assert_eq!(schema::identify(&Connection::open(&to).unwrap()).unwrap(), 1);
    assert_eq!(restored(&to).now, start());
}

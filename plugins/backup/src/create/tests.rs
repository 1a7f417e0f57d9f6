//! Whole backups, read back entry by entry.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::watch::made_up::Notes;

const TASK: &str = "0197";

/// A folder `docs` to back up, and beside it the target `out`.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new(files: &[(&str, &str)]) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(scene.path("docs")).unwrap();
        for (name, content) in files {
            let path = scene.path("docs").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn back_up_into(&self, target: &str, watch: &Notes) -> TaskResult<Created> {
        let params = Create { source: self.path("docs"), target: self.path(target) };
        params.create(TASK, SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_135_201), watch)
    }

    fn back_up(&self, watch: &Notes) -> TaskResult<Created> {
        self.back_up_into("out", watch)
    }

    fn refused(&self, target: &str) -> TaskError {
        let error = self.back_up_into(target, &Notes::default()).expect_err("there is nothing to back up");
        assert!(error.is_fatal(), "{error}");
        error
    }

    /// What lies in the target.
    fn target(&self) -> Vec<String> {
        let names = fs::read_dir(self.path("out")).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }
}

/// Each name of an archive with its kind, and its content or target.
fn entries(archive: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(zstd::Decoder::new(fs::File::open(archive).unwrap()).unwrap());
    let read = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut shown = match entry.header().entry_type() {
            tar::EntryType::Directory => "folder".to_owned(),
            tar::EntryType::Symlink => format!("link to {}", entry.link_name().unwrap().unwrap().display()),
            tar::EntryType::Regular => String::new(),
            other => panic!("{other:?} is not stored"),
        };
        entry.read_to_string(&mut shown).unwrap();
        (entry.path().unwrap().display().to_string(), shown)
    });
    read.collect()
}

fn shown(created: &Created) -> Vec<(String, String)> {
    entries(&created.archive).into_iter().collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|&(name, shown)| (name.to_owned(), shown.to_owned())).collect()
}

#[test]
fn a_folder_becomes_one_archive_of_all_that_is_in_it() {
    let long = "n".repeat(150);
    let scene = Scene::new(&[("a.md", "one"), ("sub/b.md", "three"), ("empty", ""), (&long, "long")]);
    fs::create_dir(scene.path("docs/hollow")).unwrap();
    let notes = Notes::default();
    let created = scene.back_up(&notes).unwrap();

    assert_eq!(created.archive, scene.path("out/docs-20261224T180001Z.tar.zst"));
    assert_eq!(created.bytes, fs::metadata(&created.archive).unwrap().len());
    assert_eq!((created.files, created.skipped), (4, 0));
    let long = format!("docs/{long}");
    let expected = [
        ("docs/", "folder"),
        ("docs/a.md", "one"),
        ("docs/empty", ""),
        ("docs/hollow", "folder"),
        (&*long, "long"),
        ("docs/sub", "folder"),
        ("docs/sub/b.md", "three"),
    ];
    assert_eq!(shown(&created), pairs(&expected));
    assert_eq!(scene.target(), ["docs-20261224T180001Z.tar.zst"]);
    assert_eq!(*notes.progress.borrow(), [(0, 12), (3, 12), (7, 12), (12, 12), (12, 12)]);
    assert_eq!(notes.files.borrow()[0], Path::new("a.md"));
}

#[cfg(unix)]
#[test]
fn links_stay_links_and_permissions_and_times_are_kept() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let scene = Scene::new(&[("run.sh", "#!/bin/sh")]);
    fs::set_permissions(scene.path("docs/run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().append(true).open(scene.path("docs/run.sh")).unwrap().set_modified(time).unwrap();
    symlink("run.sh", scene.path("docs/link")).unwrap();
    symlink("..//./docs", scene.path("docs/up")).unwrap();
    let far = format!("/{}", "far/".repeat(40));
    symlink(&far, scene.path("docs/far")).unwrap();
    let created = scene.back_up(&Notes::default()).unwrap();

    let entries = entries(&created.archive);
    assert_eq!(entries["docs/link"], "link to run.sh");
    assert_eq!(entries["docs/up"], "link to ..//./docs");
    assert_eq!(entries["docs/far"], format!("link to {far}"));
    tar::Archive::new(zstd::Decoder::new(fs::File::open(&created.archive).unwrap()).unwrap())
        .unpack(scene.path("back"))
        .unwrap();
    let back = fs::metadata(scene.path("back/docs/run.sh")).unwrap();
    assert_eq!((back.permissions().mode() & 0o777, back.modified().unwrap()), (0o750, time));
}

#[test]
fn a_target_in_the_source_is_left_out() {
    let scene = Scene::new(&[("a", "1"), ("var/backups/older.tar.zst", "much"), ("var/kept", "2")]);
    let created = scene.back_up_into("docs/var/backups", &Notes::default()).unwrap();
    let expected = [("docs/", "folder"), ("docs/a", "1"), ("docs/var", "folder"), ("docs/var/kept", "2")];
    assert_eq!(shown(&created), pairs(&expected));
    assert_eq!(created.skipped, 0);
}

#[cfg(unix)]
#[test]
fn sockets_are_left_out_and_counted() {
    let scene = Scene::new(&[("a", "1")]);
    let _socket = std::os::unix::net::UnixListener::bind(scene.path("docs/socket")).unwrap();
    let notes = Notes::default();
    let created = scene.back_up(&notes).unwrap();
    assert_eq!((created.files, created.skipped), (1, 1));
    let why = "neither a file, a folder nor a link".to_owned();
    assert_eq!(*notes.skipped.borrow(), [(PathBuf::from("socket"), why)]);
}

#[test]
fn a_file_that_vanishes_is_left_out_and_counted() {
    let scene = Scene::new(&[("a", "1"), ("b", "2")]);
    let gone = scene.path("docs/b");
    let notes = Notes::at_file(move |file| {
        if file == Path::new("b") {
            fs::remove_file(&gone).unwrap();
        }
    });
    let created = scene.back_up(&notes).unwrap();
    assert_eq!((created.files, created.skipped), (1, 1));
    assert_eq!(*notes.skipped.borrow(), [(PathBuf::from("b"), "it vanished".to_owned())]);
    assert_eq!(notes.progress.borrow().last(), Some(&(1, 1)));
}

/// A backup in the middle of whose only file something happens to that file.
fn touched_while_read(size: u64, touch: fn(&fs::File)) -> (Scene, TaskResult<Created>, Notes) {
    let scene = Scene::new(&[("a", "")]);
    let file = fs::File::options().write(true).open(scene.path("docs/a")).unwrap();
    file.set_len(size).unwrap();
    let notes = Notes::default();
    *notes.at_progress.borrow_mut() = Some(Box::new(move |done| {
        if done > 0 {
            touch(&file);
        }
    }));
    let created = scene.back_up(&notes);
    (scene, created, notes)
}

#[test]
fn a_file_that_grows_while_it_is_read_is_stored_as_long_as_it_was() {
    let (_scene, created, notes) = touched_while_read(1_000_000, |file| file.set_len(2_000_000).unwrap());
    assert_eq!(entries(&created.unwrap().archive)["docs/a"].len(), 1_000_000);
    assert_eq!(notes.progress.borrow().last(), Some(&(1_000_000, 1_000_000)));
}

#[test]
fn a_file_that_shrinks_while_it_is_read_is_tried_again_later() {
    let (scene, created, _) = touched_while_read(1_000_000, |file| file.set_len(10).unwrap());
    let error = created.expect_err("the archive would not be of one moment");
    assert!(!error.is_fatal() && error.to_string().ends_with("docs/a` shrank while it was read"), "{error}");
    assert_eq!(scene.target(), [""; 0]);
}

#[test]
fn a_cancel_within_a_file_leaves_nothing() {
    let scene = Scene::new(&[("a", &"x".repeat(1_000_000))]);
    let notes = Notes::default();
    notes.stop_at.set(Some(1));
    let error = scene.back_up(&notes).expect_err("it was cancelled");
    assert!(error.is_stop(), "{error}");
    assert!(notes.progress.borrow().last().unwrap().0 < 1_000_000);
    assert_eq!(scene.target(), [""; 0]);
}

#[test]
fn a_second_backup_in_the_same_second_has_a_name_of_its_own() {
    let scene = Scene::new(&[("a", "1")]);
    let first = scene.back_up(&Notes::default()).unwrap();
    let second = scene.back_up(&Notes::default()).unwrap();
    assert_eq!(second.archive, scene.path("out/docs-20261224T180001Z-2.tar.zst"));
    assert_eq!(shown(&first), shown(&second));
}

#[test]
fn an_empty_folder_is_backed_up_in_whole() {
    let scene = Scene::new(&[]);
    let notes = Notes::default();
    let created = scene.back_up(&notes).unwrap();
    assert_eq!((shown(&created), created.files), (pairs(&[("docs/", "folder")]), 0));
    assert_eq!(notes.progress.borrow().last(), Some(&(1, 1)));
}

#[test]
fn a_source_that_is_no_folder_is_fatal_and_named() {
    let scene = Scene::new(&[]);
    let docs = scene.path("docs");
    fs::remove_dir(&docs).unwrap();
    let missing = format!("cannot back up `{}`: ", docs.display());
    assert!(scene.refused("out").to_string().starts_with(&missing));
    fs::write(&docs, "a file").unwrap();
    assert_eq!(scene.refused("out").to_string(), format!("{missing}it is not a folder"));
    assert!(!scene.path("out").exists());
}

#[test]
fn a_target_that_will_not_do_is_fatal_and_named() {
    let scene = Scene::new(&[("a", "1")]);
    let into = scene.refused("docs/a");
    assert!(into.to_string().starts_with("cannot create the folder `"), "{into}");
    let itself = scene.refused("docs");
    assert!(itself.to_string().ends_with("into itself"), "{itself}");
}

#[test]
fn a_source_given_by_dots_is_called_what_it_is() {
    assert_eq!(name_of(Path::new("docs/."), Path::new("/home/docs")), "docs");
    assert_eq!(name_of(Path::new("."), Path::new("/home/docs")), "docs");
    assert_eq!(name_of(Path::new("current"), Path::new("/releases/42")), "current");
    assert_eq!(name_of(Path::new("/"), Path::new("/")), "root");
}

#[test]
fn unknown_params_are_refused() {
    use plugin_api::serde_json::from_str;
    assert!(from_str::<Create>(r#"{"source":"a","target":"b"}"#).is_ok());
    assert!(from_str::<Create>(r#"{"source":"a","target":"b","keep":{"daily":7}}"#).is_err());
}

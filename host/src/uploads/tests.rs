use std::convert::Infallible;
use std::fs;
use std::path::Path;

use taskhost_core::ids::TaskId;
use taskhost_core::time::UnixMicros;

use super::*;

fn id(number: u8) -> TaskId {
    TaskId::new(UnixMicros::default(), [number; 10])
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let mut names: Vec<_> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

struct Scene {
    folder: tempfile::TempDir,
    uploads: Uploads,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let uploads = Uploads::new(folder.path().join("uploads"), 10);
        Self { folder, uploads }
    }

    async fn upload(&self, number: u8, text: &'static str) -> Kept {
        let mut upload = self.uploads.begin(id(number), &SafeName::of("a.txt")).unwrap();
        upload.write(text.into()).await.unwrap();
        upload.finish().await.unwrap()
    }

    fn sweep(&self, kept: &[TaskId]) -> bool {
        let Ok(left) = self.uploads.sweep(|task| Ok::<_, Infallible>(kept.contains(&task)));
        left
    }

    fn folders(&self) -> Vec<String> {
        names(&self.folder.path().join("uploads"))
    }
}

#[tokio::test]
async fn a_whole_file_stays_for_its_task_and_goes_with_it() {
    let scene = Scene::new();
    scene.upload(1, "0123456789").await.keep();
    let path = scene.uploads.path(id(1), &SafeName::of("a.txt"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "0123456789");
    assert_eq!(names(path.parent().unwrap()), ["a.txt"]);
    scene.uploads.added().await;
    assert!(scene.sweep(&[id(1)]) && path.exists());
    assert!(!scene.sweep(&[]) && !path.exists());
}

#[tokio::test]
async fn a_file_whose_task_was_refused_leaves_nothing() {
    let scene = Scene::new();
    drop(scene.upload(1, "abc").await);
    assert_eq!(scene.folders(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_breaks_off_leaves_nothing() {
    let scene = Scene::new();
    let mut upload = scene.uploads.begin(id(1), &SafeName::of("a")).unwrap();
    upload.write("abc".into()).await.unwrap();
    upload.abandon().await;
    assert_eq!(scene.folders(), [""; 0]);
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_and_leaves_nothing() {
    let scene = Scene::new();
    let mut upload = scene.uploads.begin(id(1), &SafeName::of("a")).unwrap();
    upload.write("0123456789".into()).await.unwrap();
    let refused = upload.write("x".into()).await.unwrap_err();
    assert_eq!(refused.to_string(), "the file is larger than 10 bytes");
    upload.abandon().await;
    assert_eq!(scene.folders(), [""; 0]);
}

#[tokio::test]
async fn a_sweep_removes_what_a_kill_left_but_nothing_that_is_under_way() {
    let scene = Scene::new();
    let coming = scene.upload(1, "abc").await;
    let left = scene.folder.path().join("uploads").join(id(2).to_string());
    fs::create_dir(&left).unwrap();
    fs::write(left.join(".part"), "half").unwrap();
    fs::write(scene.folder.path().join("uploads/stranger"), "").unwrap();
    assert!(scene.sweep(&[]), "one is under way");
    assert_eq!(scene.folders(), [id(1).to_string(), "stranger".to_owned()]);
    drop(coming);
    assert!(!scene.sweep(&[]));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("uploads"), "a file").unwrap();
    let uploads = Uploads::new(folder.path().join("uploads"), 10);
    let upload = uploads.begin(id(1), &SafeName::of("a")).unwrap();
    let refused = upload.finish().await.unwrap_err().to_string();
    assert!(refused.starts_with("cannot keep the file in ") && refused.contains("uploads: "), "{refused}");
}

#[tokio::test]
async fn there_is_a_limit_to_what_comes_in_at_once() {
    let scene = Scene::new();
    let many: Vec<_> = (0..16).map(|number| scene.uploads.begin(id(number), &SafeName::of("a")).unwrap()).collect();
    assert_eq!(
        scene.uploads.begin(id(99), &SafeName::of("a")).unwrap_err().to_string(),
        "16 files are coming in already"
    );
    for upload in many {
        drop(upload.finish().await.unwrap());
    }
    assert!(scene.uploads.begin(id(99), &SafeName::of("a")).is_ok());
}

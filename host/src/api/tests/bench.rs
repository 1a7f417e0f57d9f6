//! A host whose clock stands still and whose attempts are played by the test.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use taskhost_core::ids::{KindName, LeaseId, QueueName, TaskId};
use taskhost_core::log::LogChunk;
use taskhost_core::retention::Retentions;
use taskhost_core::task::{End, Status};
use taskhost_core::time::UnixMicros;
use taskhost_core::view::Progress;
use tokio::sync::{mpsc, watch};
use tower_service::Service as _;

use crate::api::{Source, routers};
use crate::applied::Applied;
use crate::chance::Chance;
use crate::clock::Clock;
use crate::events::Events;
use crate::host::{Host, Kind, Parts, Phase, PluginView};
use crate::live::Live;
use crate::metrics::Metrics;
use crate::plugins::{Attempt, Executor, Follower, Followers, Kinds, LiveLog};
use crate::store::sqlite::tests::disk::Disk;
use crate::store::sqlite::{SqliteOptions, SqliteStore};
use crate::store::{Assignment, AttemptReport, Change, Claimed, Ending, Offer, Store};
use crate::tally::Tally;
use crate::uploads::Uploads;

/// When everything in these tests happens.
pub(super) const NOW: &str = "2026-12-24T18:00:00.000000Z";

const TASKS_TOML: &str = "[queues.mail]\n[jobs.nightly]\nkind = \"files.checksum\"\nparams = { path = \"a\" }\ntags = [\"night\"]\n[jobs.shell]\nkind = \"command.run\"\n";

pub(super) struct Bench {
    pub(super) router: Router,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) executor: Arc<FakeExecutor>,
    pub(super) events: Events,
    pub(super) applied: Arc<Applied>,
    pub(super) kinds: Arc<FakeKinds>,
    store: Arc<SqliteStore>,
    assignments: mpsc::UnboundedReceiver<Vec<Assignment>>,
    folder: tempfile::TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
    /// The body as it was written.
    pub(super) written: String,
}

impl Answer {
    /// `/problems/<this>`, after a look at what every problem has.
    #[track_caller]
    pub(super) fn problem(&self) -> &str {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{self:?}");
        assert_eq!(self.body["status"], self.status.as_u16(), "{self:?}");
        assert!(self.body["title"].is_string() && self.body["detail"].is_string(), "{self:?}");
        self.body["type"].as_str().unwrap().strip_prefix("/problems/").unwrap()
    }

    pub(super) fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer}: {self:?}"))
    }
}

impl Bench {
    pub(super) fn new(source: Source) -> Self {
        Self::in_folder(source, tempfile::tempdir().unwrap())
    }

    /// One whose store is on a disk that may be full.
    pub(super) fn on_disk(source: Source) -> (Self, Arc<Disk>) {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::under(&folder.path().join("taskhost.db"));
        (Self::in_folder(source, folder), disk)
    }

    fn in_folder(source: Source, folder: tempfile::TempDir) -> Self {
        let (assigned, assignments) = mpsc::unbounded_channel();
        let events = Events::default();
        let options = SqliteOptions {
            path: folder.path().join("taskhost.db"),
            durable: false,
            host: "host-a".to_owned(),
            retentions: Retentions::default(),
        };
        let tally = Tally::default();
        let store = SqliteStore::open(&options, assigned, events.clone(), tally.clone(), NOW.parse().unwrap());
        let store = Arc::new(store.unwrap());
        let executor = Arc::new(FakeExecutor::default());
        let (phase, phase_seen) = watch::channel(Phase::Ready);
        let applied = Arc::new(Applied::of(TASKS_TOML, folder.path()));
        let kinds = Arc::new(FakeKinds::new());
        let host = Host::new(Parts {
            live: Arc::new(Live::of(TASKS_TOML)),
            applied: Arc::clone(&applied),
            store: Arc::<SqliteStore>::clone(&store),
            kinds: Arc::<FakeKinds>::clone(&kinds),
            executor: Arc::<FakeExecutor>::clone(&executor),
            events: events.clone(),
            metrics: Arc::new(Metrics::new(tally)),
            clock: Arc::new(StandingClock),
            chance: Arc::new(Chance::default()),
            phase: phase_seen,
        });
        let uploads = Uploads::new(folder.path().join("uploads"), 1_000_000);
        let [router] = routers(&host, &uploads, [source]);
        Self { router, phase, executor, events, applied, kinds, store, assignments, folder }
    }

    /// As every client does, it names the host, unless the test has.
    pub(super) async fn call(&self, mut request: Request<Body>) -> Answer {
        request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("localhost"));
        self.call_as_it_is(request).await
    }

    pub(super) async fn call_as_it_is(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().call(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        let written = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: head.status, headers: head.headers, body, written }
    }

    /// The file of the store.
    pub(super) fn store_file(&self) -> PathBuf {
        self.folder.path().join("taskhost.db")
    }

    /// The folder of all uploads.
    pub(super) fn uploads(&self) -> PathBuf {
        self.folder.path().join("uploads")
    }

    pub(super) fn upload_folders(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.uploads()).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.call(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, json: impl Into<Body>) -> Answer {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json; charset=utf-8");
        self.call(request.body(json.into()).unwrap()).await
    }

    /// Submits a task; answers its id.
    pub(super) async fn submit(&self, json: &str) -> String {
        let answer = self.post("/api/v1/tasks", json.to_owned()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.text("/task_id").to_owned()
    }

    /// Claims the one task that waits.
    pub(super) async fn claim(&mut self) -> Claimed {
        let slots = vec![(QueueName::default(), 1), (QueueName::new("mail").unwrap(), 1)];
        let offer = Offer { slots, kinds: vec![KindName::new("files.checksum").unwrap()] };
        self.store.offer(offer, NOW.parse().unwrap()).await.unwrap();
        let [Assignment::Start(claimed)] = &self.assignments.recv().await.unwrap()[..] else {
            panic!("one task waits");
        };
        (**claimed).clone()
    }

    /// Ends the attempt, and tells it as the store does.
    pub(super) async fn end(&self, claimed: &Claimed, ending: Ending) -> Status {
        self.report(claimed, Change::Ended(Box::new(ending)), Vec::new()).await
    }

    /// Ends the attempt well.
    pub(super) async fn complete(&self, claimed: &Claimed) {
        let result = Some(b"{}".to_vec());
        let (state, failure, progress, follow_ups) = (None, None, None, Vec::new());
        self.end(claimed, Ending { end: End::Done, result, state, failure, progress, follow_ups }).await;
    }

    /// Reports for the attempt.
    pub(super) async fn report(&self, claimed: &Claimed, change: Change, log: Vec<LogChunk>) -> Status {
        let report = AttemptReport { task: claimed.id, lease: claimed.lease, change, log };
        self.store.report(vec![report], NOW.parse().unwrap()).await.unwrap()[0].unwrap()
    }

    /// Pauses a queue, whether it is declared or not.
    pub(super) async fn pause_queue(&self, name: &str) {
        self.store.pause_queue(QueueName::new(name).unwrap(), true, NOW.parse().unwrap()).await.unwrap();
    }

    /// Makes the store fail its callers.
    pub(super) async fn close_store(&self) {
        self.store.close().await.unwrap();
    }
}

#[derive(Debug)]
struct StandingClock;

impl Clock for StandingClock {
    fn now(&self) -> UnixMicros {
        NOW.parse().unwrap()
    }

    fn wait_until(&self, _time: UnixMicros) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

#[derive(Debug)]
pub(super) struct FakeKinds(Mutex<Vec<Arc<Kind>>>);

impl FakeKinds {
    fn new() -> Self {
        let mut checksum = Kind::fake("files.checksum");
        "bytes".clone_into(&mut checksum.unit);
        "Hash a file.".clone_into(&mut checksum.title);
        let mut crash = Kind::fake("probe.crash");
        crash.held = Some("runs only isolated".to_owned());
        let mut command = Kind::fake("command.run");
        command.privileged = true;
        let secret =
            serde_json::json!({ "properties": { "user": {}, "password": { "type": "string", "writeOnly": true } } });
        let login = Kind::fake_with_schema("site.login", &secret);
        Self(Mutex::new(vec![Arc::new(command), Arc::new(checksum), Arc::new(crash), Arc::new(login)]))
    }

    /// The plugin of the kind leaves.
    pub(super) fn take_away(&self, name: &str) {
        self.0.lock().unwrap().retain(|kind| kind.name.as_str() != name);
    }

    /// A plugin comes whose kind runs programs.
    pub(super) fn add_privileged(&self, name: &str) {
        let mut kind = Kind::fake(name);
        kind.privileged = true;
        self.0.lock().unwrap().push(Arc::new(kind));
    }
}

impl Kinds for FakeKinds {
    fn find(&self, name: &KindName) -> Option<Arc<Kind>> {
        self.0.lock().unwrap().iter().find(|kind| kind.name == *name).cloned()
    }

    fn all(&self) -> Vec<Arc<Kind>> {
        self.0.lock().unwrap().clone()
    }

    fn plugins(&self) -> Vec<PluginView> {
        let broken = PluginView {
            name: "libbroken.so".to_owned(),
            version: String::new(),
            generation: 0,
            retired: 0,
            path: PathBuf::from("plugins/libbroken.so"),
            sha256: "00".to_owned(),
            kinds: Vec::new(),
            error: Some("it is cut off".to_owned()),
        };
        let files = PluginView {
            name: "files".to_owned(),
            version: "1.2.3".to_owned(),
            generation: 1,
            retired: 0,
            path: PathBuf::from("plugins/libfiles.so"),
            sha256: "ab".to_owned(),
            kinds: vec![KindName::new("files.checksum").unwrap(), KindName::new("probe.crash").unwrap()],
            error: None,
        };
        vec![files, broken]
    }
}

/// Runs nothing; tells the progress that it was given.
#[derive(Default)]
pub(super) struct FakeExecutor {
    /// What happens the next time somebody asks how far a task is.
    pub(super) meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    pub(super) progress: Mutex<Option<Progress>>,
    pub(super) log: Mutex<Option<LiveLog>>,
    pub(super) followers: Followers,
}

impl fmt::Debug for FakeExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeExecutor")
    }
}

impl Executor for FakeExecutor {
    fn start(&self, _attempts: Vec<Attempt>) {}
    fn cancel(&self, _task: TaskId, _lease: LeaseId) {}
    fn saved(&self, _task: TaskId, _lease: LeaseId, _ticket: u64) {}
    fn logged(&self, _task: TaskId, _lease: LeaseId, _end: u64) {}
    fn lease_lost(&self, _task: TaskId, _lease: LeaseId) {}
    fn progress(&self, _task: TaskId) -> Option<Progress> {
        if let Some(happens) = self.meanwhile.lock().unwrap().take() {
            happens();
        }
        self.progress.lock().unwrap().clone()
    }
    fn log(&self, _task: TaskId) -> Option<LiveLog> {
        self.log.lock().unwrap().clone()
    }
    fn follow_log(&self, task: TaskId) -> Follower {
        self.followers.follow(task)
    }
    fn is_stuck(&self, _task: TaskId) -> bool {
        false
    }
    fn set_cancel_grace(&self, _grace: Duration) {}
    fn drain(&self) {}
    fn give_back(&self) {}
    fn running(&self) -> usize {
        0
    }

    fn shut_down(&self, _: &[Arc<Kind>], _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

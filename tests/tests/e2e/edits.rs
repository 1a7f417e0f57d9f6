//! A thousand edits of `tasks.toml`, good, broken, cut off, emptied, in bursts, against real daemons: none is ever without a
//! config, each good edit is applied, no other is, and no job is lost or disturbed that both edits contain.
//!
//! `TASKHOST_EDITS_SEED=7 cargo test -p taskhost-tests --test e2e edits` begins with another seed; `TASKHOST_EDITS` says how many.
//! A failure names the seed of its daemon. Start at [`Editor::edit`].

mod model;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::thread;

use fastrand::Rng;
use serde_json::{Value, json};
use taskhost_tests::{Daemon, Scene};

use self::model::{Expected, Text, digest, is_good};

/// Daemons that are edited at the same time: what an edit takes is mostly waiting for quiet.
const DAEMONS: u64 = 20;

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().map_or(usual, |number| number.parse().expect("a number"))
}

#[test]
fn a_thousand_edits_never_leave_a_daemon_without_a_config_nor_lose_a_job() {
    let (first, edits) = (number("TASKHOST_EDITS_SEED", 1), number("TASKHOST_EDITS", 1_000));
    thread::scope(|scope| {
        let editors = (first..first + DAEMONS).map(|seed| (seed, scope.spawn(move || run(seed, edits / DAEMONS))));
        let failed: Vec<u64> = editors
            .collect::<Vec<_>>()
            .into_iter()
            .filter_map(|(seed, editor)| editor.join().err().map(|_| seed))
            .collect();
        assert!(failed.is_empty(), "see above; again with TASKHOST_EDITS_SEED={}", failed[0]);
    });
}

fn run(seed: u64, edits: u64) {
    let mut editor = Editor::new(seed);
    for edit in 0..edits {
        editor.at = format!("seed {seed}, edit {edit}");
        editor.edit();
    }
    let (status, said) = editor.daemon.stop();
    assert!(status.success(), "seed {seed}: {said}");
}

/// One who edits, the daemon, and what that is to run.
struct Editor {
    rng: Rng,
    scene: Scene,
    daemon: Daemon,
    /// What the next edit begins with.
    text: Text,
    applied: String,
    generation: u64,
    /// The schedule and next time of each job when it was seen last.
    times: BTreeMap<String, (Value, Value)>,
    at: String,
}

impl Editor {
    fn new(seed: u64) -> Self {
        let scene = Scene::new(model::ANCHOR);
        let head = fs::read_to_string(scene.file("tasks.toml")).expect("the file of the scene");
        let (daemon, rng) = (scene.start(), Rng::with_seed(seed));
        let (applied, text) = (head.clone(), Text::new(head));
        Self { rng, scene, daemon, text, applied, generation: 1, times: BTreeMap::new(), at: String::new() }
    }

    /// Saves something in some way, waits until it was looked at, and compares.
    fn edit(&mut self) {
        self.text.change(&mut self.rng);
        let good = self.text.to_string();
        let cut = self.text.cut(&mut self.rng);
        match self.rng.u8(0..100) {
            0..40 => self.save(good.as_bytes()),
            // A half of it is there for a moment.
            40..50 => {
                self.save_in_place(&good.as_bytes()[..cut]);
                self.save_in_place(good.as_bytes());
            }
            50..65 => self.burst(&good),
            65..80 => self.save(&good.as_bytes()[..cut]),
            80..90 => {
                let broken = self.text.broken(&mut self.rng);
                self.save(&broken);
            }
            90..94 => {
                let nothing = self.rng.choice(["", "\n", "#:schema ./tasks.schema.json\n"]).expect("one");
                self.save(nothing.as_bytes());
            }
            94..97 => fs::remove_file(self.scene.file("tasks.toml")).unwrap_or_default(),
            _ => {
                self.save(good.as_bytes());
                self.daemon.signal(libc::SIGHUP);
            }
        }
        self.settle();
    }

    /// Saves others, and then this one, without a pause.
    fn burst(&mut self, good: &str) {
        for _ in 0..self.rng.u8(2..6) {
            let mut other = self.text.clone();
            other.change(&mut self.rng);
            self.save(other.to_string().as_bytes());
        }
        self.save(good.as_bytes());
        // One of those may have been applied, with other schedules.
        self.times.retain(|name, _| name == "anchor");
    }

    fn save(&mut self, bytes: &[u8]) {
        match self.rng.u8(0..3) {
            0 => self.save_in_place(bytes),
            1 => {
                let aside = self.scene.write("aside", bytes);
                fs::rename(aside, self.scene.file("tasks.toml")).expect("rename over it");
            }
            _ => {
                let release = format!("..{}", self.rng.u32(..));
                self.scene.write(&format!("{release}/tasks.toml"), bytes);
                symlink(format!("{release}/tasks.toml"), self.scene.file("..next")).expect("a link");
                fs::rename(self.scene.file("..next"), self.scene.file("tasks.toml")).expect("turn the link");
            }
        }
        self.anchor();
    }

    fn save_in_place(&mut self, bytes: &[u8]) {
        fs::write(self.scene.file("tasks.toml"), bytes).expect("write the file");
        self.anchor();
    }

    /// The job that is in every good text is there whatever happens, and fires when it was to.
    fn anchor(&mut self) {
        let anchor = self.daemon.client().get("/api/v1/jobs/anchor");
        assert_eq!(anchor.status, 200, "{}: {}", self.at, anchor.body);
        self.same_time(&anchor.body);
    }

    fn same_time(&mut self, job: &Value) {
        let name = job["job_id"].as_str().expect("a name").to_owned();
        let now = (job["schedule"].clone(), job["next_at"].clone());
        let before = self.times.get(&name).filter(|before| before.0 == now.0);
        match before {
            // One that was declared just now is planned a moment later.
            _ if now.1.is_null() => self.times.retain(|known, before| *known != name || before.0 == now.0),
            Some(before) => assert_eq!(*before, now, "{}: {name}", self.at),
            None => drop(self.times.insert(name, now)),
        }
    }

    /// Waits until the file as it is now was looked at.
    fn settle(&mut self) {
        let found = fs::read(self.scene.file("tasks.toml")).unwrap_or_default();
        let seen = digest(&found);
        let standing = loop {
            let standing = self.daemon.client().get("/api/v1/config").body;
            if standing["file_sha256"] == json!(seen) {
                break standing;
            }
            // One of: is applied, is refused, is again as it was applied.
            self.daemon.wait_for_log("tasks.toml is ");
        };
        let expected = Expected::of(&found, &self.applied);
        self.compare(&standing, &expected);
    }

    fn compare(&mut self, standing: &Value, expected: &Expected) {
        let at = &self.at;
        assert_eq!(standing["refused"].is_null(), expected.is_good, "{at}: {standing}");
        assert_eq!(standing["sha256"], json!(digest(expected.text.as_bytes())), "{at}: {standing}");
        let generation = standing["generation"].as_u64().expect("a number");
        assert!(generation >= self.generation, "{at}: {standing}");
        self.generation = generation;
        self.applied.clone_from(&expected.text);
        assert!(is_good(self.applied.as_bytes()), "{at}: what is applied is good");
        let kept = fs::read_to_string(self.scene.file("var/last-good/tasks.toml")).expect("the last good text");
        assert_eq!(kept, self.applied, "{at}");
        assert_eq!(self.daemon.client().get("/readyz").status, 200, "{at}");
        let jobs = self.daemon.client().get("/api/v1/jobs?limit=200").body;
        let jobs = jobs["jobs"].as_array().expect("jobs").clone();
        let names: Vec<_> = jobs.iter().map(|job| job["job_id"].as_str().expect("a name").to_owned()).collect();
        assert_eq!(names, model::jobs(&self.applied), "{at}");
        self.times.retain(|name, _| names.contains(name));
        for job in &jobs {
            self.same_time(job);
        }
    }
}

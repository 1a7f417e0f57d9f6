//! Reads files of secrets on a few threads of its own, each file once at a time and with a limit: a file system that does not
//! answer costs one thread a file, and none of those that the rest of the daemon works on.
//!
//! Start at [`Reads`].

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use taskhost_core::secret::{Reference, Unresolved, resolve};
use tokio::sync::Notify;

use super::SecretSource;
use crate::clock::{monotonic, sleep};

/// Files that are read at the same time. More wait in a line, so that many which never answer do not keep one that does.
const THREADS_MAX: usize = 64;

type Answer = Result<Vec<u8>, String>;

/// Reads what references name.
#[derive(Debug)]
pub struct Reads {
    source: Arc<dyn SecretSource>,
    limit: Duration,
    desk: Arc<Mutex<Desk>>,
}

#[derive(Debug, Default)]
struct Desk {
    /// What has not answered yet, by path.
    pending: HashMap<String, Arc<Pending>>,
    line: VecDeque<String>,
    threads: usize,
}

/// A read that whoever wants the same file waits for.
#[derive(Debug)]
struct Pending {
    since: Instant,
    answer: Mutex<Option<Answer>>,
    answered: Condvar,
    told: Notify,
}

impl Reads {
    /// `limit`: how long a file may take. Once it is over, who would block for that file gets an error at once until it answers.
    pub fn new(source: Arc<dyn SecretSource>, limit: Duration) -> Self {
        Self { source, limit, desk: Arc::default() }
    }

    /// What a reference stands for now. Blocks up to the limit.
    /// # Errors
    /// Why it stands for nothing, for people.
    pub fn read(&self, reference: Reference<'_>) -> Result<Vec<u8>, String> {
        match reference {
            Reference::Env(_) => self.source.read(reference),
            Reference::File(path) => self.wait(&self.ask(path)),
        }
    }

    /// Begins to read what the references of a document name, so that reading one after the other waits for all at once.
    pub fn begin(&self, document: &Json) {
        drop(self.ask_all(&document.to_string()));
    }

    /// Puts the values in the place of the references in a JSON text. All its files together may take the limit, also if
    /// somebody waits for one of them already: an attempt that failed at once would soon be the last one.
    /// # Errors
    /// As [`resolve`].
    /// # Cancel safety
    /// Dropping the future leaves the reads to others that want the same.
    pub async fn resolve(&self, json: &str) -> Result<String, Unresolved> {
        let asked = self.ask_all(json);
        let all_ended = async {
            for pending in asked.values() {
                pending.ended().await;
            }
        };
        tokio::select! {
            () = all_ended => {}
            () = sleep(self.limit) => {}
        }
        self.filled(json, &asked, |pending| pending.answer().clone().unwrap_or_else(|| self.late()), |_| ())
    }

    /// As [`Self::resolve`], but blocks, and tells each value.
    /// # Errors
    /// As [`resolve`].
    pub fn resolve_blocking(&self, json: &str, mut told: impl FnMut(&[u8])) -> Result<String, Unresolved> {
        let asked = self.ask_all(json);
        self.filled(json, &asked, |pending| self.wait(pending), &mut told)
    }

    fn filled(
        &self,
        json: &str,
        asked: &HashMap<String, Arc<Pending>>,
        read: impl Fn(&Pending) -> Answer,
        mut told: impl FnMut(&[u8]),
    ) -> Result<String, Unresolved> {
        let read = |reference: Reference<'_>| match reference {
            Reference::Env(_) => self.source.read(reference),
            Reference::File(path) => asked.get(path).map_or_else(|| self.late(), |pending| read(pending)),
        };
        resolve(json, |reference| read(reference).inspect(|value| told(value)))
    }

    fn ask_all(&self, json: &str) -> HashMap<String, Arc<Pending>> {
        let mut asked = HashMap::new();
        let note = |reference: Reference<'_>| {
            if let Reference::File(path) = reference {
                asked.entry(path.to_owned()).or_insert_with(|| self.ask(path));
            }
            Ok(Vec::new())
        };
        resolve(json, note).expect("nothing is everywhere a good value");
        asked
    }

    /// Has a file read, or joins who has.
    fn ask(&self, path: &str) -> Arc<Pending> {
        let mut desk = held(&self.desk);
        if let Some(pending) = desk.pending.get(path) {
            return Arc::clone(pending);
        }
        let pending = Arc::new(Pending::begun());
        desk.pending.insert(path.to_owned(), Arc::clone(&pending));
        desk.line.push_back(path.to_owned());
        if desk.threads < THREADS_MAX {
            match self.start_thread() {
                Ok(()) => desk.threads += 1,
                // Those that there are will come to it.
                Err(_) if desk.threads > 0 => {}
                Err(error) => {
                    desk.line.clear();
                    desk.pending.clear();
                    pending.settle(Err(format!("no thread to read it on could be started: {error}")));
                }
            }
        }
        pending
    }

    fn start_thread(&self) -> io::Result<()> {
        let (source, desk) = (Arc::clone(&self.source), Arc::clone(&self.desk));
        thread::Builder::new().name("secrets".to_owned()).spawn(move || work(&*source, &desk)).map(drop)
    }

    fn wait(&self, pending: &Pending) -> Answer {
        let limit = self.left(pending);
        let ended = pending.answered.wait_timeout_while(pending.answer(), limit, |answer| answer.is_none());
        let (answer, _) = ended.unwrap_or_else(PoisonError::into_inner);
        answer.clone().unwrap_or_else(|| self.late())
    }

    fn left(&self, pending: &Pending) -> Duration {
        self.limit.saturating_sub(monotonic().saturating_duration_since(pending.since))
    }

    fn late(&self) -> Answer {
        Err(format!("it was not read within {:?}", self.limit))
    }
}

impl Pending {
    fn begun() -> Self {
        Self { since: monotonic(), answer: Mutex::default(), answered: Condvar::new(), told: Notify::new() }
    }

    fn answer(&self) -> MutexGuard<'_, Option<Answer>> {
        held(&self.answer)
    }

    fn settle(&self, answer: Answer) {
        *self.answer() = Some(answer);
        self.answered.notify_all();
        self.told.notify_waiters();
    }

    /// Waits until there is an answer.
    async fn ended(&self) {
        // Made before the look: it hears of an answer that comes behind it.
        let told = self.told.notified();
        if self.answer().is_none() {
            told.await;
        }
    }
}

/// Reads until nobody waits.
fn work(source: &dyn SecretSource, desk: &Mutex<Desk>) {
    loop {
        let path = {
            let mut desk = held(desk);
            let Some(path) = desk.line.pop_front() else {
                desk.threads -= 1;
                return;
            };
            path
        };
        let answer = source.read(Reference::File(&path));
        // First of all nobody joins any more: who comes now gets what is there now.
        let pending = held(desk).pending.remove(&path);
        if let Some(pending) = pending {
            pending.settle(answer);
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Tells each read that begins; a path with `slow` in it gets its answer from the test.
    #[derive(Debug)]
    struct Slow {
        begun: mpsc::Sender<String>,
        answers: Mutex<mpsc::Receiver<&'static str>>,
    }

    impl SecretSource for Slow {
        fn read(&self, reference: Reference<'_>) -> Answer {
            let Reference::File(path) = reference else { return Ok(b"variable".to_vec()) };
            self.begun.send(path.to_owned()).unwrap();
            if !path.contains("slow") {
                return Ok(b"at once".to_vec());
            }
            held(&self.answers).recv().map(|answer| answer.as_bytes().to_vec()).map_err(|error| error.to_string())
        }
    }

    fn slow(limit: Duration) -> (Reads, mpsc::Receiver<String>, mpsc::Sender<&'static str>) {
        let (begun, seen) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        (Reads::new(Arc::new(Slow { begun, answers: Mutex::new(answers) }), limit), seen, answer)
    }

    #[tokio::test]
    async fn a_file_that_does_not_answer_is_read_once_however_many_want_it() {
        let (reads, seen, answer) = slow(Duration::from_millis(1));
        for _ in 0..100 {
            let error = reads.resolve(r#"["${file:slow}"]"#).await.unwrap_err();
            assert_eq!(error.reason, "it was not read within 1ms");
        }
        assert_eq!(reads.read(Reference::File("slow")).unwrap_err(), "it was not read within 1ms");
        assert_eq!(held(&reads.desk).threads, 1);
        assert_eq!(reads.resolve(r#"["${env:A}"]"#).await.unwrap(), r#"["variable"]"#);
        assert_eq!(seen.recv().unwrap(), "slow");
        assert!(seen.try_recv().is_err(), "once");
        drop(answer);
    }

    #[tokio::test]
    async fn who_wants_the_same_file_meanwhile_gets_the_same_answer() {
        let (reads, seen, answer) = slow(Duration::from_mins(10));
        let json = r#"["${file:slow}", "${file:other}", "${file:slow}"]"#;
        let (mut first, mut second) = (Box::pin(reads.resolve(json)), Box::pin(reads.resolve(json)));
        tokio::select! {
            biased;
            _ = &mut first => panic!("nobody has answered"),
            _ = &mut second => panic!("nobody has answered"),
            () = std::future::ready(()) => {}
        }
        answer.send("hunter2").unwrap();
        let expected = r#"["hunter2", "at once", "hunter2"]"#;
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (expected.to_owned(), expected.to_owned()));
        assert!(seen.try_iter().filter(|path| path == "slow").count() == 1);
        answer.send("other").unwrap();
        assert_eq!(reads.resolve_blocking(r#"["${file:slow}"]"#, |_| ()).unwrap(), r#"["other"]"#, "read anew");
    }

    #[test]
    fn no_more_threads_read_than_the_limit() {
        let (reads, _seen, answer) = slow(Duration::ZERO);
        for at in 0..2 * THREADS_MAX {
            assert!(reads.read(Reference::File(&format!("slow{at}"))).is_err());
        }
        assert_eq!(held(&reads.desk).threads, THREADS_MAX);
        drop(answer);
    }
}

//! What a backup tells and asks while it works.

use std::path::Path;

use plugin_api::prelude::*;

/// The attempt, or a test in its place.
pub(crate) trait Watch {
    /// Ends the backup by an error if it was cancelled or should make way.
    fn stop_point(&self) -> TaskResult<()>;
    /// How many bytes of how many were read; a total of 0 is unknown.
    fn progress(&self, done: u64, total: u64);
    /// Which file comes now, relative to the source.
    fn file(&self, path: &Path);
    /// What is left out, and why.
    fn skipped(&self, path: &Path, why: &str);
}

impl Watch for BlockingContext {
    fn stop_point(&self) -> TaskResult<()> {
        (**self).stop_point()
    }

    fn progress(&self, done: u64, total: u64) {
        // The total first: for a moment, no more may be done than there is.
        (**self).progress().total(total).update(done);
    }

    fn file(&self, path: &Path) {
        (**self).progress().message(path.to_string_lossy());
    }

    fn skipped(&self, path: &Path, why: &str) {
        self.warn(format!("left out `{}`: {why}", path.display()));
    }
}

/// Counts what was read, in bytes.
pub(crate) struct Meter<'a> {
    watch: &'a dyn Watch,
    done: u64,
    total: u64,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(watch: &'a dyn Watch, total: u64) -> Self {
        watch.progress(0, total);
        Self { watch, done: 0, total }
    }

    pub(crate) fn watch(&self) -> &'a dyn Watch {
        self.watch
    }

    /// So many bytes more were read. What has grown since the total was counted raises the total.
    ///
    /// # Errors
    /// Those of [`Watch::stop_point`].
    pub(crate) fn read(&mut self, bytes: u64) -> TaskResult<()> {
        self.done += bytes;
        self.total = self.total.max(self.done);
        self.watch.progress(self.done, self.total);
        self.watch.stop_point()
    }

    /// All was read, also where files have vanished or shrunk since the total was counted.
    pub(crate) fn finish(self) {
        // A total of 0 would mean "unknown", so no bytes at all count as one.
        let all = self.done.max(1);
        self.watch.progress(all, all);
    }
}

#[cfg(test)]
pub(crate) mod made_up {
    //! A watch that notes what it is told, and stops when the test says so.

    use std::cell::{Cell, RefCell};
    use std::path::PathBuf;

    use super::*;

    type AtFile = Box<dyn FnMut(&Path)>;
    type AtProgress = Box<dyn FnMut(u64)>;

    #[derive(Default)]
    pub(crate) struct Notes {
        pub(crate) progress: RefCell<Vec<(u64, u64)>>,
        pub(crate) files: RefCell<Vec<PathBuf>>,
        pub(crate) skipped: RefCell<Vec<(PathBuf, String)>>,
        /// At how many bytes the backup is cancelled.
        pub(crate) stop_at: Cell<Option<u64>>,
        /// What happens when a file is begun.
        pub(crate) at_file: RefCell<Option<AtFile>>,
        /// What happens when so many bytes were read.
        pub(crate) at_progress: RefCell<Option<AtProgress>>,
    }

    impl Notes {
        pub(crate) fn at_file(then: impl FnMut(&Path) + 'static) -> Self {
            Self { at_file: RefCell::new(Some(Box::new(then))), ..Self::default() }
        }
    }

    impl Watch for Notes {
        fn stop_point(&self) -> TaskResult<()> {
            let done = self.progress.borrow().last().map_or(0, |(done, _)| *done);
            if self.stop_at.get().is_some_and(|stop_at| done >= stop_at) { Err(TaskError::cancelled()) } else { Ok(()) }
        }

        fn progress(&self, done: u64, total: u64) {
            self.progress.borrow_mut().push((done, total));
            if let Some(then) = &mut *self.at_progress.borrow_mut() {
                then(done);
            }
        }

        fn file(&self, path: &Path) {
            self.files.borrow_mut().push(path.to_owned());
            if let Some(then) = &mut *self.at_file.borrow_mut() {
                then(path);
            }
        }

        fn skipped(&self, path: &Path, why: &str) {
            self.skipped.borrow_mut().push((path.to_owned(), why.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::made_up::Notes;
    use super::*;

    #[test]
    fn progress_never_passes_its_total_and_ends_at_it() {
        let notes = Notes::default();
        let mut meter = Meter::new(&notes, 5);
        meter.read(4).unwrap();
        meter.read(4).unwrap();
        meter.finish();
        assert_eq!(*notes.progress.borrow(), [(0, 5), (4, 5), (8, 8), (8, 8)]);
    }

    #[test]
    fn nothing_to_read_is_done_in_whole() {
        let notes = Notes::default();
        Meter::new(&notes, 0).finish();
        assert_eq!(*notes.progress.borrow(), [(0, 0), (1, 1)]);
    }
}

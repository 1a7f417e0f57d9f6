//! A bar for each running task.
//!
//! Not here: what happens to tasks (`watch`). Start at [`Bars`].

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::termios::tcgetwinsize;
use taskhost_core::time::UnixMicros;

use super::events::line;
use super::feed::TaskEvent;
use super::render::{span, tame};
use super::task_list::Running;
use super::tasks::Progress;
use super::watch::{is_end, is_news};
use crate::clock::{Clock as _, SystemClock};

/// The rows and columns of a terminal that does not say.
const SIZE: (usize, usize) = (24, 80);

/// A terminal of fewer columns shows words only.
const COLUMNS_FOR_BARS: usize = 90;

/// The bars, and below them how many tasks run. They go away with it.
pub(super) struct Bars {
    all: MultiProgress,
    /// Where they are drawn, for what the library does not do.
    screen: Box<dyn Write>,
    /// What runs, by id, and so in the order of creation.
    running: BTreeMap<String, Watched>,
    foot: ProgressBar,
    ended: u64,
    failed: u64,
    /// How many bars there is room for.
    room: usize,
    columns: usize,
    /// Whether something has changed since the last tick: the library leaves out drawings that come too fast.
    is_stale: bool,
}

impl fmt::Debug for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bars").field("running", &self.running).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Watched {
    kind: String,
    started_at: Option<UnixMicros>,
    progress: Option<Progress>,
    is_cancelling: bool,
    /// None while there is no room.
    bar: Option<ProgressBar>,
}

impl Drop for Bars {
    fn drop(&mut self) {
        // A terminal that has gone away needs no cleaning.
        drop(self.all.clear());
    }
}

impl Bars {
    /// Bars on stdout.
    pub(super) fn new() -> Self {
        Self::on(ProgressDrawTarget::stdout(), Box::new(io::stdout()), size())
    }

    fn on(target: ProgressDrawTarget, screen: Box<dyn Write>, (rows, columns): (usize, usize)) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let foot = all.add(ProgressBar::no_length().with_style(style("{wide_msg}")));
        let room = room(rows);
        let running = BTreeMap::new();
        let mut bars = Self { all, screen, running, foot, ended: 0, failed: 0, room, columns, is_stale: false };
        bars.settle();
        bars
    }

    /// The terminal has another size: draws everything anew.
    pub(super) fn resize(&mut self) {
        self.resize_to(size());
    }

    fn resize_to(&mut self, (rows, columns): (usize, usize)) {
        let extra = self.extra_rows(columns);
        if extra > 0 {
            // The library would begin to erase that many rows too low. Only a terminal that has gone away does not take it.
            drop(write!(self.screen, "\x1b[{extra}A"));
        }
        drop(self.screen.flush());
        drop(self.all.clear());
        drop(write!(self.screen, "\x1b[J"));
        drop(self.screen.flush());
        (self.room, self.columns) = (room(rows), columns);
        for watched in self.running.values_mut() {
            if let Some(bar) = watched.bar.take() {
                self.all.remove(&bar);
            }
        }
        self.settle();
        self.tick();
    }

    /// How many rows more than lines there are after a terminal has broken what it shows into so many columns.
    fn extra_rows(&self, columns: usize) -> usize {
        // The bars and the foot; the library fills each line with blanks up to the margin.
        let lines = self.running.values().filter(|watched| watched.bar.is_some()).count() + 1;
        lines * self.columns.div_ceil(columns.max(1)).saturating_sub(1)
    }

    /// These run, and no others.
    pub(super) fn begin(&mut self, running: Vec<Running>) {
        for gone in std::mem::take(&mut self.running).into_values() {
            self.remove(gone);
        }
        for Running { task_id, kind, started_at, progress } in running {
            let started_at = started_at.and_then(|at| at.parse().ok());
            let watched = Watched { kind, started_at, progress, is_cancelling: false, bar: None };
            self.running.insert(task_id, watched);
        }
        self.settle();
    }

    /// An event of this name came.
    pub(super) fn take(&mut self, name: &str, event: TaskEvent) {
        if name != "task.started" && is_news(name) {
            // Only a terminal that has gone away does not take it.
            drop(self.all.println(line(name, &event).trim_end()));
            self.ended += u64::from(is_end(name));
            self.failed += u64::from(name == "task.died");
        }
        if event.status.as_deref() != Some("running") {
            if let Some(gone) = self.running.remove(&event.task_id) {
                self.remove(gone);
            }
        } else if name == "task.started" {
            let watched = Watched {
                kind: event.kind,
                started_at: event.at.parse().ok(),
                progress: None,
                is_cancelling: false,
                bar: None,
            };
            if let Some(before) = self.running.insert(event.task_id, watched) {
                self.remove(before);
            }
        } else if let Some(watched) = self.running.get_mut(&event.task_id) {
            watched.is_cancelling |= name == "task.cancel_asked";
            watched.progress = event.progress.or(watched.progress.take());
            watched.draw(&event.task_id, self.columns);
        }
        self.settle();
    }

    /// Whether there is something to draw although nothing happens.
    pub(super) fn moves(&self) -> bool {
        self.is_stale || !self.running.is_empty()
    }

    /// Draws what moves by itself, and what came too fast to be drawn.
    pub(super) fn tick(&mut self) {
        for (id, watched) in &self.running {
            watched.draw(id, self.columns);
        }
        self.foot.tick();
        self.is_stale = false;
    }

    fn remove(&self, gone: Watched) {
        if let Some(bar) = gone.bar {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    /// Gives bars to tasks that have none, as far as there is room, and counts the rest.
    fn settle(&mut self) {
        let mut room = self.room.saturating_sub(self.running.values().filter(|watched| watched.bar.is_some()).count());
        for (id, watched) in &mut self.running {
            if room > 0 && watched.bar.is_none() {
                watched.bar = Some(self.all.insert_before(&self.foot, ProgressBar::no_length()));
                watched.draw(id, self.columns);
                room -= 1;
            }
        }
        let hidden = self.running.values().filter(|watched| watched.bar.is_none()).count();
        let hidden = if hidden == 0 { String::new() } else { format!(" ({hidden} more than fit here)") };
        let (running, ended, failed) = (self.running.len(), self.ended, self.failed);
        let failed = if failed == 0 { String::new() } else { format!(", {failed} of them dead") };
        self.foot.set_message(format!("{running} running{hidden}; {ended} ended since you watch{failed}"));
        self.is_stale = true;
    }
}

/// The rows and columns of the terminal.
fn size() -> (usize, usize) {
    let size = tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
    size.map_or(SIZE, |size| (size.ws_row.into(), size.ws_col.into()))
}

/// How many bars fit above the foot and the line where the cursor stands.
fn room(rows: usize) -> usize {
    rows.saturating_sub(2).max(1)
}

impl Watched {
    /// Draws its bar, if it has one.
    fn draw(&self, id: &str, columns: usize) {
        let said = tame(&self.said()).replace('\n', " ");
        let Some(bar) = &self.bar else { return };
        if columns < COLUMNS_FOR_BARS {
            bar.set_style(style("{wide_msg}"));
            bar.set_message(format!("{} {said}", tame(&format!("{id} {}", self.kind))));
            bar.tick();
            return;
        }
        match &self.progress {
            Some(progress) if progress.total().is_some() => {
                bar.set_style(style("{prefix} {bar:20} {percent:>3} % {wide_msg}"));
                bar.set_length(progress.total().unwrap_or_default());
                bar.set_position(progress.current());
            }
            _ => bar.set_style(style("{prefix} {spinner} {wide_msg}")),
        }
        // So wide that most bars stand below each other.
        bar.set_prefix(tame(&format!("{id} {:14}", self.kind)));
        bar.set_message(said);
        bar.tick();
    }

    /// What stands behind the bar.
    fn said(&self) -> String {
        let cancelling = self.is_cancelling.then(|| "cancelling".to_owned());
        let since = || {
            let running = SystemClock.now().saturating_since(self.started_at?);
            Some(span(running.as_secs_f64()))
        };
        let progress = self.progress.as_ref().map_or_else(since, |progress| Some(progress.beside_bar()));
        [cancelling, progress].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates of this file are good")
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, TermLike as _};

    use super::*;

    fn bars(rows: u16, columns: u16) -> (Bars, InMemoryTerm) {
        let terminal = InMemoryTerm::new(rows, columns);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let bars = Bars::on(target, Box::new(Screen(terminal.clone())), (rows.into(), columns.into()));
        (bars, terminal)
    }

    struct Screen(InMemoryTerm);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write_str(std::str::from_utf8(bytes).expect("we write texts"))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn event(id: &str, status: &str, rest: &str) -> TaskEvent {
        let json = format!(r#"{{"task_id":"{id}","kind":"a.b","status":"{status}","attempt":1,"at":"T1"{rest}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_running_task_has_a_bar_that_leaves_a_line_when_it_ends() {
        let (mut bars, terminal) = bars(10, 100);
        assert_eq!(terminal.contents(), "0 running; 0 ended since you watch");
        bars.take("task.started", event("7", "running", ""));
        let further = r#","progress":{"current":5,"total":20,"message":"five","unit":"steps","eta_seconds":75.0}"#;
        bars.take("task.progressed", event("7", "running", further));
        bars.tick();
        let shown = terminal.contents();
        assert!(
            shown.starts_with("7 a.b            █████░░░░░░░░░░░░░░░  25 % 5/20 steps, 1m 15s left, five\n"),
            "{shown}"
        );
        assert!(shown.ends_with("\n1 running; 0 ended since you watch"), "{shown}");
        bars.take("task.died", event("7", "dead", r#","reason":"fatal""#));
        let expected = "T1 died         7 a.b fatal\n0 running; 1 ended since you watch, 1 of them dead";
        assert_eq!(terminal.contents(), expected);
        drop(bars);
        assert_eq!(terminal.contents(), "T1 died         7 a.b fatal");
    }

    #[test]
    fn on_a_narrow_terminal_words_stay_on_their_line() {
        let (mut bars, terminal) = bars(10, 20);
        bars.take("task.started", event("7", "running", ""));
        bars.take("task.progressed", event("7", "running", r#","progress":{"current":5,"total":20,"message":"five"}"#));
        bars.tick();
        assert_eq!(terminal.contents(), "7 a.b 5/20, five\n1 running; 0 ended s");
    }

    #[test]
    fn more_tasks_than_rows_are_counted_and_move_up() {
        let (mut bars, terminal) = bars(4, 100);
        for id in ["1", "2", "3"] {
            bars.take("task.started", event(id, "running", ""));
        }
        let shown = terminal.contents();
        assert_eq!(shown.lines().count(), 3, "{shown}");
        assert!(shown.ends_with("3 running (1 more than fit here); 0 ended since you watch"), "{shown}");
        bars.take("task.queued", event("1", "queued", ""));
        let shown = terminal.contents();
        assert!(shown.contains("3 a.b") && !shown.contains("1 a.b"), "{shown}");
    }
    #[test]
    fn what_came_too_fast_to_be_drawn_is_drawn_by_the_next_tick() {
        let (mut bars, _terminal) = bars(10, 100);
        bars.take("task.started", event("7", "running", ""));
        bars.take("task.completed", event("7", "completed", ""));
        assert!(bars.moves(), "nothing runs, and the foot may say otherwise");
        bars.tick();
        assert!(!bars.moves());
    }

    #[test]
    fn a_narrower_terminal_leaves_no_rests_of_the_lines_that_it_has_broken() {
        let (mut bars, terminal) = bars(10, 100);
        bars.take("task.started", event("7", "running", ""));
        bars.take("task.progressed", event("7", "running", r#","progress":{"current":5,"total":20,"message":"five"}"#));
        assert_eq!(bars.extra_rows(100), 0);
        assert_eq!((bars.extra_rows(60), bars.extra_rows(40)), (2, 4), "the bar and the foot, each filled up");
        // What the terminal does with a line that does not fit any more.
        terminal.write_str("\x1b[1;1Hthe bar\r\nbroken\r\nthe foot\r\nbroken").unwrap();
        bars.columns = 60;
        bars.resize_to((10, 40));
        assert_eq!(terminal.contents(), "7 a.b 5/20, five\n1 running; 0 ended since you watch");
    }
}

//! A disk that loses power, fills up, or fails a sync, under a store that knows nothing of it.
//!
//! What is written is kept apart until it is synced. A cut of the power ([`Cut`]) leaves what was synced, and of the rest
//! whatever the dice say: sector by sector, in any order. Not modelled: entries of the folder, which are there at once; and a
//! sync that somebody makes past SQLite, which counts for nothing. Start at [`Disk`].

mod shim;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// It did not do that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusal;

/// The disk of one database.
#[derive(Debug, Default)]
pub(crate) struct Disk(Mutex<State>);

/// Is told which file is about to be written, or was synced: an empty text is the database, `-wal` its log.
type Witness = Box<dyn FnMut(&str, &HashMap<String, File>) + Send>;

#[derive(Default)]
struct State {
    files: HashMap<String, File>,
    /// How many bytes the files may still grow; none: it is never full.
    room: Option<u64>,
    /// Which sync from now on fails, from 1.
    failing_sync: Option<u32>,
    syncs: u64,
    /// Is told before each write and after each sync.
    witness: Option<Witness>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("room", &self.room).finish_non_exhaustive()
    }
}

/// A file as it is on the disk, and what was written since the last sync, the oldest first.
#[derive(Debug, Default, Clone)]
pub(super) struct File {
    synced: Vec<u8>,
    since: Vec<Change>,
    length: u64,
}

#[derive(Debug, Clone)]
enum Change {
    Written(usize, Vec<u8>),
    Truncated(usize),
}

impl Change {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Written(at, bytes) => {
                if file.len() < at + bytes.len() {
                    file.resize(at + bytes.len(), 0);
                }
                file[*at..*at + bytes.len()].copy_from_slice(bytes);
            }
            Self::Truncated(length) => file.truncate(*length),
        }
    }
}

impl Disk {
    /// The disk of the database that will be opened at this path.
    pub(crate) fn under(path: &Path) -> Arc<Self> {
        let disk = Arc::default();
        shim::insert(path, &disk);
        disk
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on its files may grow by so many bytes; none: as they like. With 0 nothing can be written at all, not even over
    /// what is there, as on a disk that copies on write.
    pub(crate) fn leave_room(&self, room: Option<u64>) {
        self.with(|state| state.room = room);
    }

    /// The sync of this number from now on fails, and no other.
    pub(super) fn fail_sync(&self, number: u32) {
        self.with(|state| state.failing_sync = Some(number));
    }

    /// How many syncs there were.
    pub(super) fn syncs(&self) -> u64 {
        self.with(|state| state.syncs)
    }

    /// Sees the files before each write and after each sync, while nobody writes.
    pub(super) fn witness(&self, witness: impl FnMut(&str, &HashMap<String, File>) + Send + 'static) {
        self.with(|state| state.witness = Some(Box::new(witness)));
    }

    fn opened(&self, name: &str, path: &Path) {
        let there = std::fs::read(path).unwrap();
        self.with(|state| {
            state.files.entry(name.to_owned()).or_insert_with(|| File {
                length: there.len() as u64,
                synced: there,
                since: Vec::new(),
            });
        });
    }

    fn deleted(&self, name: &str) {
        self.with(|state| state.files.remove(name));
    }

    fn write(&self, name: &str, at: u64, bytes: &[u8]) -> Result<(), Refusal> {
        self.with(|state| {
            state.look(name);
            let file = state.files.get_mut(name).expect("it was opened");
            let end = at + bytes.len() as u64;
            let growth = end.saturating_sub(file.length);
            if let Some(room) = &mut state.room {
                *room = room.checked_sub(growth).filter(|_| *room > 0).ok_or(Refusal)?;
            }
            file.length = file.length.max(end);
            let at = usize::try_from(at).expect("files are small here");
            // So that each sector is lost or kept by itself.
            let mut from = 0;
            while from < bytes.len() {
                let to = bytes.len().min((at + from) / SECTOR * SECTOR + SECTOR - at);
                file.since.push(Change::Written(at + from, bytes[from..to].to_vec()));
                from = to;
            }
            Ok(())
        })
    }

    fn truncate(&self, name: &str, length: u64) {
        self.with(|state| {
            state.look(name);
            let file = state.files.get_mut(name).expect("it was opened");
            file.length = length;
            file.since.push(Change::Truncated(usize::try_from(length).expect("files are small here")));
        });
    }

    fn sync(&self, name: &str) -> Result<(), Refusal> {
        self.with(|state| {
            state.syncs += 1;
            if let Some(left) = &mut state.failing_sync {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    state.failing_sync = None;
                    return Err(Refusal);
                }
            }
            let file = state.files.get_mut(name).expect("it was opened");
            for change in file.since.drain(..) {
                change.apply(&mut file.synced);
            }
            state.look(name);
            Ok(())
        })
    }
}

impl State {
    fn look(&mut self, name: &str) {
        if let Some(witness) = &mut self.witness {
            witness(name, &self.files);
        }
    }
}

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsynced {
    Lost,
    Kept,
    /// Each sector by itself.
    Torn,
}

/// The files at a moment at which the power may go.
#[derive(Debug, Clone)]
pub(super) struct Cut(pub(super) HashMap<String, File>);

impl Cut {
    /// Puts down what is left, as the files of a database at this path.
    pub(super) fn leave(&self, path: &Path, unsynced: Unsynced, dice: &mut Dice) {
        for (name, file) in &self.0 {
            let mut bytes = file.synced.clone();
            for change in &file.since {
                let is_kept = match unsynced {
                    Unsynced::Lost => false,
                    Unsynced::Kept => true,
                    Unsynced::Torn => dice.up_to(2) == 0,
                };
                if is_kept {
                    change.apply(&mut bytes);
                }
            }
            std::fs::write(format!("{}{name}", path.display()), bytes).unwrap();
        }
    }
}

/// Numbers that look random, the same for the same seed.
#[derive(Debug, Clone)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// A number below `end`.
    pub(super) fn up_to(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

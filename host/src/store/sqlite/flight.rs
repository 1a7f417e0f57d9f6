//! What runs: in memory for the writer, and one row a turn for recovery.

use std::collections::HashMap;

use taskhost_core::ids::TaskId;

use super::rows::Row;

/// A running task. The writer is the only one who changes rows, so this copy is the truth.
#[derive(Debug, Clone, Copy)]
pub(super) struct InFlight {
    pub(super) row: Row,
    pub(super) has_state: bool,
    turn: i64,
}

/// All running tasks, and the turns that claimed them.
#[derive(Debug, Default)]
pub(super) struct Flights {
    tasks: HashMap<TaskId, InFlight>,
    left: HashMap<i64, usize>,
    last_turn: i64,
    /// What this turn changed, as it was before: the first is the oldest.
    before: Vec<InFlight>,
    has_departed: bool,
}

impl Flights {
    /// Begins with the turns of a file, whose tasks were all put back.
    pub(super) fn after(last_turn: i64) -> Self {
        Self { last_turn, ..Self::default() }
    }

    /// How many tasks run.
    pub(super) fn count(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn get(&self, task: TaskId) -> Option<&InFlight> {
        self.tasks.get(&task)
    }

    /// A task that runs has another row now, and perhaps a checkpoint.
    pub(super) fn refresh(&mut self, row: &Row, has_state: bool) {
        if let Some(flying) = self.tasks.get_mut(&row.id) {
            self.before.push(*flying);
            flying.row = *row;
            flying.has_state |= has_state;
        }
    }

    /// Takes the claims of a turn off the ground and answers the turn's number, under which its row is kept.
    pub(super) fn depart(&mut self, claims: Vec<(Row, bool)>) -> i64 {
        self.last_turn += 1;
        self.has_departed = true;
        self.left.insert(self.last_turn, claims.len());
        for (row, has_state) in claims {
            self.tasks.insert(row.id, InFlight { row, has_state, turn: self.last_turn });
        }
        self.last_turn
    }

    /// A task no longer runs. Answers the turn whose last task it was, whose row is of no more use.
    pub(super) fn land(&mut self, task: TaskId) -> Option<i64> {
        let landed = self.tasks.remove(&task)?;
        self.before.push(landed);
        let left = self.left.get_mut(&landed.turn)?;
        *left -= 1;
        if *left > 0 {
            return None;
        }
        self.left.remove(&landed.turn);
        Some(landed.turn)
    }

    /// The turn is committed: nothing of it will be undone.
    pub(super) fn keep(&mut self) {
        self.before.clear();
        self.has_departed = false;
    }

    /// Makes everything as it was before the turn.
    pub(super) fn undo(&mut self) {
        if std::mem::take(&mut self.has_departed) {
            let turn = self.last_turn;
            self.tasks.retain(|_, flying| flying.turn != turn);
            self.left.remove(&turn);
            self.last_turn -= 1;
        }
        for flying in std::mem::take(&mut self.before).into_iter().rev() {
            if self.tasks.insert(flying.row.id, flying).is_none() {
                *self.left.entry(flying.turn).or_default() += 1;
            }
        }
    }
}

/// Packs row numbers: sorted, each as the difference to the one before, seven bits a byte.
pub(super) fn pack(mut seqs: Vec<i64>) -> Vec<u8> {
    seqs.sort_unstable();
    let mut bytes = Vec::with_capacity(seqs.len() + 8);
    let mut last = 0;
    for seq in seqs {
        let mut difference = (seq - last).cast_unsigned();
        last = seq;
        while difference >= 0x80 {
            bytes.push(u8::try_from(difference & 0x7F).expect("seven bits") | 0x80);
            difference >>= 7;
        }
        bytes.push(u8::try_from(difference).expect("less than 0x80"));
    }
    bytes
}

/// Unpacks what [`pack`] packed; what is cut short ends there.
pub(super) fn unpack(bytes: &[u8]) -> Vec<i64> {
    let mut seqs = Vec::new();
    let (mut last, mut value, mut shift) = (0_i64, 0_u64, 0_u32);
    for byte in bytes {
        value |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
        shift += 7;
        if byte & 0x80 == 0 {
            last = last.wrapping_add(value.cast_signed());
            seqs.push(last);
            (value, shift) = (0, 0);
        }
    }
    seqs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_rows_come_back_sorted() {
        let seqs = vec![300, 1, 2, 1_000_000_000_000, 301];
        assert_eq!(unpack(&pack(seqs)), [1, 2, 300, 301, 1_000_000_000_000]);
        assert_eq!(pack((1000..1500).collect()).len(), 501, "neighbours cost a byte each");
    }

    #[test]
    fn broken_bytes_do_not_panic() {
        assert_eq!(unpack(&[0xFF; 30]), [0_i64; 0]);
    }
}

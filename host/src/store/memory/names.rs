//! The numbers that queues and kinds go by in events and in the tally.

use std::collections::BTreeMap;

use taskhost_core::ids::{KindName, QueueName};

use crate::events::{Label, Labels};
use crate::tally::Counted;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Queue(QueueName),
    Kind(KindName),
}

/// Every name that was ever seen.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: BTreeMap<Name, i64>,
    labels: Labels,
    /// Those of which nobody was told.
    untold: Vec<Counted>,
}

impl Names {
    /// Others listen from now on: they know no name.
    pub(super) fn begin(&mut self, labels: Labels) {
        self.labels = labels;
        self.untold.clear();
        for (name, number) in &self.numbers {
            self.untold.push(told(&self.labels, name, *number));
        }
    }

    pub(super) fn queue(&mut self, name: &QueueName) -> i64 {
        self.number(Name::Queue(name.clone()))
    }

    pub(super) fn kind(&mut self, name: &KindName) -> i64 {
        self.number(Name::Kind(name.clone()))
    }

    fn number(&mut self, name: Name) -> i64 {
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        let number = i64::try_from(self.numbers.len()).unwrap_or(i64::MAX).saturating_add(1);
        self.untold.push(told(&self.labels, &name, number));
        self.numbers.insert(name, number);
        number
    }

    /// What is to be told before anything that says these numbers.
    pub(super) fn take_untold(&mut self) -> Vec<Counted> {
        std::mem::take(&mut self.untold)
    }
}

fn told(labels: &Labels, name: &Name, number: i64) -> Counted {
    match name {
        Name::Queue(name) => {
            labels.set(Label::new(number), name.as_str());
            Counted::Queue(number, name.clone())
        }
        Name::Kind(name) => {
            labels.set(Label::new(number), name.as_str());
            Counted::Kind(number, name.clone())
        }
    }
}

//! Names of queues and kinds as the numbers that the store keeps them under.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The number of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label(i64);

impl Label {
    /// The label of this number.
    pub fn new(number: i64) -> Self {
        Self(number)
    }
}

/// What the labels say. Written when a name is seen for the first time, read by who listens. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Labels(Arc<RwLock<HashMap<Label, Arc<str>>>>);

impl Labels {
    /// A label stands for this name.
    pub fn set(&self, label: Label, name: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(label, name.into());
    }

    /// The name; empty if nobody has set it.
    pub fn name(&self, label: Label) -> Arc<str> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&label).cloned().unwrap_or_default()
    }
}

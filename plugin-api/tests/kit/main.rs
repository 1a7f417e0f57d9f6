//! What a task is given and can do, and the test kit that shows it: each by the other.

mod context;
mod crashes;
mod logging;
mod stops;
mod tokio;

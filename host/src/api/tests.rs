//! The API without sockets, over a real store.

mod bench;
mod documents;
mod refusals;
mod served;

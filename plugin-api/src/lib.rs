//! All that the author of a taskhost plugin sees: the C ABI and the safe layer on it.
pub mod abi;

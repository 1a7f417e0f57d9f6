//! Tests with real libraries, built by the C compiler.

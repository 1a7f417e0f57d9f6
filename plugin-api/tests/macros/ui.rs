//! What the compiler says of each mistake. `TRYBUILD=overwrite cargo test -p plugin-api --test macros` writes the expectations
//! anew; the diff is the review.

#[test]
fn every_mistake_is_answered_by_its_cure() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

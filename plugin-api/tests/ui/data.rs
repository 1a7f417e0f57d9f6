//! Items that are no data.

use plugin_api::prelude::*;

#[params]
fn not_a_type() {}

#[params]
struct Nothing;

#[params(strict)]
struct WithArguments {}

#[params]
#[derive(Clone, Debug)]
struct DerivedTwice {}

#[output]
struct Borrowed {
    status: &'static str,
}

#[output]
struct SecretResult {
    #[secret]
    token: String,
}

#[config]
struct SecretWithValue {
    #[secret(true)]
    token: String,
}

fn main() {}

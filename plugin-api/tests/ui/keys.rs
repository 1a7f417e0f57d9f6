//! What stands in the parentheses of `#[task]`.

use plugin_api::prelude::*;

#[task]
async fn no_name() -> TaskResult<()> {
    Ok(())
}

#[task(name = "resize")]
async fn name_of_one_part() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.re size")]
async fn name_with_a_space() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.a", timout = "2m")]
async fn unknown_key() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.b", timeout = "2 minutes", initial = "1.5s")]
async fn bad_durations() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.c", initial = "10m", max = "1m")]
async fn longest_wait_below_the_first() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.d", attempts = 0, jitter = 2, backoff = "exponental", default_error = "die")]
async fn out_of_range() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.e", timeout = 120, attempts = "5")]
async fn of_another_type() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.f", privileged = true, timeout, unit("tiles"))]
async fn flags_and_values() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.g", unit = "tiles", unit = "bytes")]
async fn one_key_twice() -> TaskResult<()> {
    Ok(())
}

// Adds nothing to what is said of its kinds.
plugin_api::plugin!(
    no_name,
    name_of_one_part,
    name_with_a_space,
    unknown_key,
    bad_durations,
    longest_wait_below_the_first,
    out_of_range,
    of_another_type,
    flags_and_values,
    one_key_twice,
);

fn main() {}

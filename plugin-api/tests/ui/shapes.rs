//! Functions that are no tasks.

use plugin_api::prelude::*;

#[params]
struct Resize {}

#[task(name = "image.a", blocking)]
async fn blocking_but_async() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.b")]
fn plain_but_not_blocking() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.c")]
async fn too_many_params(_params: Resize, _width: u32, _cx: Context) -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.d")]
async fn context_first(_cx: Context, _params: Resize) -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.e")]
async fn context_of_a_blocking_task(_cx: BlockingContext) -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.f", blocking)]
fn context_of_an_async_task(_cx: Context) -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.g")]
async fn borrowed(_params: &Resize) -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.h")]
async fn generic<T>(_params: T) -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.i")]
async fn without_result() {}

#[task(name = "image.l", blocking)]
fn result_of_another_kind() -> std::io::Result<()> {
    Ok(())
}

#[task(name = "image.j")]
async unsafe fn not_safe() -> TaskResult<()> {
    Ok(())
}

#[task(name = "image.k")]
struct NotAFunction;

// Adds nothing to what is said of its kinds.
plugin_api::plugin!(
    blocking_but_async,
    plain_but_not_blocking,
    too_many_params,
    context_first,
    context_of_a_blocking_task,
    context_of_an_async_task,
    borrowed,
    generic,
    without_result,
    result_of_another_kind,
    not_safe,
);

fn main() {}

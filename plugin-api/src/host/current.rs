//! Which attempt a thread works for: how `log` finds the task that a line belongs to.
//!
//! Not here: what a line looks like (`log`). Start at [`Ctx::enter`].
#![expect(unsafe_code, reason = "calling function pointers of the C ABI")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

use super::{Ctx, table};
use crate::abi::{ThBytes, ThCtx};

thread_local! {
    // A pointer and no handle: an attempt that logs nothing pays two writes a call, and counts nothing.
    static CURRENT: Cell<*const ThCtx> = const { Cell::new(ptr::null()) };
}

/// While it lives, this thread works for one attempt; then again for the one before.
#[derive(Debug)]
pub(crate) struct Entered<'a> {
    before: *const ThCtx,
    ctx: PhantomData<&'a Ctx>,
}

impl Ctx {
    /// Makes this attempt the one that the thread works for. The guard must not be forgotten.
    pub(crate) fn enter(&self) -> Entered<'_> {
        Entered { before: CURRENT.replace(self.as_ptr()), ctx: PhantomData }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// Whether the thread works for an attempt.
pub(crate) fn is_entered() -> bool {
    !CURRENT.get().is_null()
}

/// A line for the log of the attempt that the thread works for; nothing without one. `fields`: a JSON object, or empty.
pub(crate) fn log(level: u32, message: &str, fields: &[u8]) {
    let ctx = CURRENT.get();
    if ctx.is_null() {
        return;
    }
    // SAFETY: header, th_host.log: the guard that set the pointer borrows the `Ctx` that retains it; the text outlives the call.
    unsafe { (table().log)(ctx, level, ThBytes::new(message.as_bytes()), ThBytes::new(fields)) }
}

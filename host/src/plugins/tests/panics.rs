//! A plugin in Rust without the safe layer, whose `init` panics. Built by `rustc` alone: it has no dependency.

use std::ffi::c_void;

#[repr(C)]
pub struct Entry {
    magic: u32,
    struct_size: u32,
    abi_minor: u32,
    min_host_minor: u32,
    flags: u32,
    reserved: u32,
    build_info: usize,
    init: extern "C" fn(*const c_void) -> *const c_void,
}

#[no_mangle]
pub static taskhost_plugin_v1: Entry = Entry {
    magic: 0x5448_504C,
    struct_size: std::mem::size_of::<Entry>() as u32,
    abi_minor: 0,
    min_host_minor: 0,
    flags: 0,
    reserved: 0,
    build_info: 0,
    init,
};

extern "C" fn init(_: *const c_void) -> *const c_void {
    panic!("the catalogue is missing")
}

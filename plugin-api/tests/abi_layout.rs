//! The lock on the C ABI: header, Rust mirror and `abi/v1.golden` say the same, field by field.
//!
//! `UPDATE_GOLDEN=1 cargo test -p plugin-api --test abi_layout` rewrites the golden file. Lines may be appended to it; a line
//! that changes or vanishes breaks every plugin that was built before.
#![cfg(target_pointer_width = "64")]

use std::ffi::{c_char, c_void};
use std::fmt::Write as _;
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::Command;

use plugin_api::abi::*;

/// How C spells a type of the ABI, with `const` to the right of what it qualifies.
trait CType {
    fn c() -> String;
}

macro_rules! c_names {
    ($($rust:ty => $c:literal),+ $(,)?) => {
        $(impl CType for $rust { fn c() -> String { $c.into() } })+
    };
}
c_names! {
    u8 => "uint8_t", u32 => "uint32_t", u64 => "uint64_t", i32 => "int32_t", usize => "size_t", c_char => "char",
    c_void => "void", () => "void", [u8; 16] => "uint8_t [16]", ThBytes => "th_bytes", ThCtx => "th_ctx",
    ThResult => "th_result", ThArgs => "th_args", ThEnqueue => "th_enqueue", ThHost => "th_host", ThKind => "th_kind",
    ThPlugin => "th_plugin", ThEntry => "th_entry",
}

impl<T: CType> CType for *const T {
    fn c() -> String {
        format!("{} const *", T::c())
    }
}

impl<T: CType> CType for *mut T {
    fn c() -> String {
        format!("{} *", T::c())
    }
}

macro_rules! c_functions {
    ($(($($arg:ident),*))+) => {$(
        impl<$($arg: CType,)* R: CType> CType for Option<unsafe extern "C" fn($($arg),*) -> R> {
            fn c() -> String {
                let args: Vec<String> = vec![$($arg::c()),*];
                let args = if args.is_empty() { "void".into() } else { args.join(", ") };
                format!("{} (*)({args})", R::c())
            }
        }
    )+};
}
c_functions! { () (A) (A, B) (A, B, C) (A, B, C, D) }

fn field<S, T: CType>(_: fn(&S) -> &T) -> (usize, String) {
    (size_of::<T>(), T::c())
}

/// Writes `struct NAME SIZE` and a line a field. The pattern makes a forgotten field a compile error.
macro_rules! structs {
    ($out:ident, $($rust:ident => $c:literal { $($field:ident),+ $(,)? })+) => {$(
        let _complete = |all: $rust| { let $rust { $($field: _),+ } = all; };
        writeln!($out, "\nstruct {} {}", $c, size_of::<$rust>()).expect("a String takes all");
        $({
            let (size, c_type) = field(|all: &$rust| &all.$field);
            writeln!($out, "field {} {} {} {size} {c_type}", $c, stringify!($field), offset_of!($rust, $field))
                .expect("a String takes all");
        })+
    )+};
}

macro_rules! constants {
    ($out:ident, $($c:literal = $value:expr),+ $(,)?) => {
        $(writeln!($out, "const {} {}", $c, $value).expect("a String takes all");)+
    };
}

fn layout_of_the_rust_mirror() -> String {
    let mut out = String::from("# taskhost C ABI, major 1, 64-bit pointers\n");
    out.push_str("# struct NAME SIZE | field STRUCT NAME OFFSET SIZE TYPE | const NAME VALUE\n");
    structs! { out,
        ThBytes => "th_bytes" { ptr, len }
        ThResult => "th_result" { struct_size, outcome, not_before_ms, body, code }
        ThArgs => "th_args" { struct_size, attempt, task_id, deadline_ms, params, state, context }
        ThEnqueue => "th_enqueue" { struct_size, flags, kind, params, options }
        ThHost => "th_host" {
            struct_size, abi_minor, retain, release, wake, wake_at, now_ms, flags, log, progress, save_state, saved,
            enqueue, finish, get_ext,
        }
        ThKind => "th_kind" { struct_size, flags, name, meta, create, poll, drop }
        ThPlugin => "th_plugin" { struct_size, reserved, meta, n_kinds, kinds, configure, shutdown, get_ext }
        ThEntry => "th_entry" {
            magic, struct_size, abi_minor, min_host_minor, flags, reserved, build_info, init,
        }
    }
    out.push('\n');
    constants! { out,
        "TH_MAGIC" = MAGIC, "TH_ABI_MINOR" = ABI_MINOR, "TH_READY" = READY, "TH_PENDING" = PENDING, "TH_OK" = OK,
        "TH_RETRY" = RETRY, "TH_FATAL" = FATAL, "TH_CANCELLED" = CANCELLED, "TH_DELAY" = DELAY, "TH_SUSPEND" = SUSPEND,
        "TH_PANIC" = PANIC, "TH_TRACE" = TRACE, "TH_DEBUG" = DEBUG, "TH_INFO" = INFO, "TH_WARN" = WARN,
        "TH_ERROR" = ERROR, "TH_F_CANCEL" = F_CANCEL, "TH_F_DRAIN" = F_DRAIN, "TH_F_DEADLINE_NEAR" = F_DEADLINE_NEAR,
        "TH_F_LEASE_LOST" = F_LEASE_LOST, "TH_K_BLOCKING" = K_BLOCKING, "TH_K_ISOLATE" = K_ISOLATE,
        "TH_E_PANIC_ABORT" = E_PANIC_ABORT, "TH_E_NO_UNLOAD" = E_NO_UNLOAD, "TH_E_OWN_THREADS" = E_OWN_THREADS,
        "TH_SAVED" = SAVED, "TH_SAVING" = SAVING, "TH_LOST" = LOST,
    }
    out
}

fn in_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(in_crate(path)).expect("a file of this crate")
}

#[test]
fn the_rust_mirror_is_laid_out_as_the_golden_file_says() {
    let fresh = layout_of_the_rust_mirror();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(in_crate("abi/v1.golden"), &fresh).expect("the golden file is writable");
    }
    let golden = read("abi/v1.golden");
    let gone: Vec<&str> = golden.lines().filter(|line| !fresh.lines().any(|new| new == *line)).collect();
    let new: Vec<&str> = fresh.lines().filter(|line| !golden.lines().any(|old| old == *line)).collect();
    assert!(
        fresh == golden,
        "the ABI differs from abi/v1.golden\nchanged or missing (breaks plugins): {gone:#?}\nnew: {new:#?}\n\
         hint: UPDATE_GOLDEN=1 cargo test -p plugin-api --test abi_layout"
    );
}

/// One C assertion for a line of the golden file.
fn assertion(line: &str) -> String {
    let mut words = line.splitn(6, ' ');
    let mut word = || words.next().expect("the golden file has complete lines");
    match word() {
        "struct" => {
            let (name, size) = (word(), word());
            format!("_Static_assert(sizeof({name}) == {size}, \"size of {name}\");\n")
        }
        "field" => {
            let (of, name, offset, size, c_type) = (word(), word(), word(), word(), word());
            format!(
                "_Static_assert(offsetof({of}, {name}) == {offset}, \"offset of {of}.{name}\");\n\
                 _Static_assert(sizeof((({of} *)0)->{name}) == {size}, \"size of {of}.{name}\");\n\
                 _Static_assert(_Generic(&(({of} *)0)->{name}, __typeof__({c_type}) *: 1, default: 0), \
                 \"type of {of}.{name}\");\n"
            )
        }
        "const" => {
            let (name, value) = (word(), word());
            format!("_Static_assert({name} == {value}, \"{name}\");\n")
        }
        other => panic!("abi/v1.golden: unknown line `{other} …`"),
    }
}

fn compile(compiler: &str, arguments: &[&str], source: &str, file: &str) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(&path, source).expect("the test's own folder is writable");
    let output = Command::new(compiler)
        .args(arguments)
        .args(["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"])
        .arg(in_crate("include"))
        .arg(&path)
        .output()
        .unwrap_or_else(|error| {
            panic!("cannot run `{compiler}`: {error}\nhint: install a C compiler (Debian: gcc g++)")
        });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_header_is_laid_out_as_the_golden_file_says() {
    let golden = read("abi/v1.golden");
    let mut source = String::from("#include \"taskhost_plugin.h\"\n");
    for line in golden.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        source.push_str(&assertion(line));
    }
    compile("cc", &["-std=c11"], &source, "abi_v1.c");
}

#[test]
fn the_header_compiles_in_strict_c_and_in_cpp() {
    let source = "#include \"taskhost_plugin.h\"\nint taskhost_header_compiles;\n";
    compile("cc", &["-std=c11", "-pedantic"], source, "header.c");
    // A C compiler is all that the project asks for, so C++ is checked only where a machine has one.
    if Command::new("c++").arg("--version").output().is_ok() {
        compile("c++", &["-std=c++11", "-pedantic"], source, "header.cpp");
    }
}

#[test]
fn every_constant_of_the_header_is_in_the_golden_file() {
    let golden = read("abi/v1.golden");
    let header = read("include/taskhost_plugin.h");
    let names = header.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).filter(|word| word.starts_with("TH_"));
    // `TH_F_` is what the comments' `TH_F_*` leaves; TH_EXPORT is an attribute.
    for name in names.filter(|name| !name.ends_with('_') && *name != "TH_EXPORT") {
        let line = format!("const {name} ");
        assert!(golden.lines().any(|known| known.starts_with(&line)), "{name} is not in abi/v1.golden");
    }
}

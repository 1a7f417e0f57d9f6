//! Loads a library, reads the tables that it exports, and checks every part of them before anything is used.
//!
//! Not here: choosing files (`stage`), which of two plugins wins a name (`registry`), calling kinds (`ffi`).
//! A library that was mapped once stays mapped for ever, also a refused one. Start at [`load`].
#![expect(unsafe_code, reason = "mapping a library and reading the tables in it")]

use std::error::Error as _;
use std::mem;
use std::path::Path;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use plugin_api::abi::{self, ThBytes, ThEntry, ThHost, ThKind, ThPlugin, struct_size};
use serde::de::DeserializeOwned;
use serde_json::Value;
use taskhost_core::ids::KindName;
use taskhost_core::retry::PartialRetry;

use super::describe::{KindManifest, Manifest};
use super::error::LoadError;
use super::ffi::{HOST, KindCode, PluginCode};
use super::kind::{KindMeta, PluginMeta, Schema};

/// More kinds than any plugin has: a larger count is garbage.
const KINDS_MAX: usize = 10_000;
/// A longer text than any table has, in bytes: a larger length is garbage.
const TEXT_MAX: usize = 16 << 20;

/// A plugin that passed every check; not yet configured.
#[derive(Debug)]
pub(super) struct Loaded {
    entry: &'static ThEntry,
    table: &'static ThPlugin,
    pub(super) code: &'static PluginCode,
    pub(super) meta: PluginMeta,
    pub(super) kinds: Vec<LoadedKind>,
}

/// A kind of a loaded plugin.
#[derive(Debug)]
pub(super) struct LoadedKind {
    pub(super) name: KindName,
    pub(super) meta: KindMeta,
    pub(super) retry: PartialRetry,
    pub(super) schema: Schema,
    pub(super) code: KindCode,
    flags: u32,
    /// The whole meta, also what this host does not know of it.
    document: Value,
}

/// Maps the library at `path` and enters it for the first time, by `init`.
pub(super) fn load(path: &Path) -> Result<Loaded, LoadError> {
    load_for(path, &HOST)
}

/// As [`load`], into a host with this table. If that has not all functions, no task may be run.
pub(super) fn load_for(path: &Path, host: &'static ThHost) -> Result<Loaded, LoadError> {
    let entry = entry(path)?;
    if entry.min_host_minor > abi::ABI_MINOR {
        return Err(LoadError::HostTooOld { needed: entry.min_host_minor });
    }
    if entry.flags & abi::E_PANIC_ABORT != 0 {
        return Err(LoadError::PanicAbort);
    }
    let init = entry.init.ok_or(LoadError::NoInit)?;
    // SAFETY: header, `init`: called once for this copy, with a table that lives as long as the process.
    let plugin = unsafe { init(host) };
    if plugin.is_null() {
        return Err(LoadError::InitFailed);
    }
    read_plugin(entry, table(plugin, "plugin table")?)
}

fn entry(path: &Path) -> Result<&'static ThEntry, LoadError> {
    // What the system said is behind what was tried.
    let failed = |error: libloading::Error| {
        LoadError::Dlopen(error.source().map_or_else(|| error.to_string(), ToString::to_string))
    };
    // NOW makes a missing symbol an error here instead of an end of the process later; LOCAL keeps the symbols of two
    // generations apart.
    // SAFETY: runs the library's constructors: plugins are trusted code of the operator.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(failed)?;
    // SAFETY: the address of a symbol, whatever it is; it is looked at below.
    let symbol = unsafe { library.get::<*const ThEntry>(abi::ENTRY_SYMBOL) }.map(|symbol| *symbol);
    // Unloading is never sound here: destructors of thread-local values, threads that the plugin started and contexts
    // that it retained may run its code at any later time. So the handle is forgotten, whatever comes.
    mem::forget(library);
    let entry = symbol.map_err(failed)?;
    if entry.is_null() || !entry.is_aligned() {
        return Err(LoadError::Unaligned("entry `taskhost_plugin_v1`".to_owned()));
    }
    // SAFETY: header, `th_entry`: begins with two u32, magic and size; an exported symbol lies in the mapped library.
    let [magic, found] = unsafe { *entry.cast::<[u32; 2]>() };
    if magic != abi::MAGIC {
        return Err(LoadError::Magic { found: magic });
    }
    check_size("entry", found, struct_size::<ThEntry>())?;
    // SAFETY: header, `th_entry`: magic and size say that the fields of 1.0 are there; constant, and never unmapped.
    Ok(unsafe { &*entry })
}

fn check_size(what: &str, found: u32, needed: u32) -> Result<(), LoadError> {
    if found >= needed {
        return Ok(());
    }
    Err(LoadError::StructSize { what: what.to_owned(), found, needed })
}

/// Checks that what the plugin's pointer leads to has the fields of 1.0.
fn table<T>(pointer: *const T, what: &str) -> Result<&'static T, LoadError> {
    if !pointer.is_aligned() {
        return Err(LoadError::Unaligned(what.to_owned()));
    }
    // SAFETY: header, "Layout": every struct begins with its u32 struct_size; the pointer is the plugin's and not null.
    let found = unsafe { *pointer.cast::<u32>() };
    check_size(what, found, struct_size::<T>())?;
    // SAFETY: header, "Memory": what `init` returns lives as long as the process, and the size says that all is there.
    Ok(unsafe { &*pointer })
}

/// Text of a table that `init` returned.
fn text(bytes: ThBytes, what: impl Fn() -> String) -> Result<&'static str, LoadError> {
    if bytes.len > TEXT_MAX {
        return Err(LoadError::TooLong { what: what(), found: bytes.len, most: TEXT_MAX });
    }
    // SAFETY: header, "Memory": what `init` returns lives as long as the process, and nobody writes to it.
    let bytes = unsafe { bytes.as_slice() };
    str::from_utf8(bytes).map_err(|_| LoadError::NotUtf8(what()))
}

fn read_plugin(entry: &'static ThEntry, table: &'static ThPlugin) -> Result<Loaded, LoadError> {
    let meta: PluginMeta = meta("the plugin", table.meta)?;
    if let Some(schema) = &meta.config_schema {
        let invalid = |reason| LoadError::Schema { which: "config_schema", whose: "the plugin".to_owned(), reason };
        Schema::compile(schema).map_err(invalid)?;
    }
    if table.n_kinds == 0 || table.kinds.is_null() {
        return Err(LoadError::NoKinds);
    }
    if table.n_kinds > KINDS_MAX || !table.kinds.is_aligned() {
        return Err(LoadError::Unaligned("array of kinds".to_owned()));
    }
    // SAFETY: `table` is what `init` answered, and the library is never unloaded (see `entry`).
    let code = unsafe { PluginCode::new(table) };
    let mut kinds: Vec<LoadedKind> = Vec::with_capacity(table.n_kinds);
    for index in 0..table.n_kinds {
        let kind = read_kind(table, code, index)?;
        if kinds.iter().any(|other| other.name == kind.name) {
            return Err(LoadError::KindTwice(kind.name.to_string()));
        }
        kinds.push(kind);
    }
    Ok(Loaded { entry, table, code, meta, kinds })
}

fn read_kind(plugin: &'static ThPlugin, code: &'static PluginCode, index: usize) -> Result<LoadedKind, LoadError> {
    // SAFETY: header, `kinds`: an array of `n_kinds` pointers, and `index` is below that.
    let pointer = unsafe { plugin.kinds.add(index) };
    // SAFETY: as above; the array lives as long as the process.
    let kind = unsafe { *pointer };
    if kind.is_null() {
        return Err(LoadError::NullKind(index));
    }
    let kind: &'static ThKind = table(kind, &format!("kind number {index}"))?;
    let what = || format!("name of kind number {index}");
    let name = KindName::new(text(kind.name, what)?)
        .map_err(|error| LoadError::Name { what: what(), reason: error.to_string() })?;
    // SAFETY: `kind` is a kind of this plugin, whose library is never unloaded (see `entry`).
    let code = unsafe { KindCode::new(kind, code) };
    let code = code.map_err(|function| LoadError::MissingFunction { kind: name.to_string(), function })?;
    let whose = format!("kind `{name}`");
    let document: Value = self::meta(&whose, kind.meta)?;
    let meta: KindMeta = self::meta(&whose, kind.meta)?;
    let retry = PartialRetry::try_from(meta.retry)
        .map_err(|error| LoadError::Meta { whose: whose.clone(), reason: format!("retry: {error}") })?;
    let schema = Schema::compile(&meta.params_schema);
    let schema = schema.map_err(|reason| LoadError::Schema { which: "params_schema", whose, reason })?;
    Ok(LoadedKind { name, meta, retry, schema, code, flags: kind.flags, document })
}

fn meta<T: DeserializeOwned>(whose: &str, json: ThBytes) -> Result<T, LoadError> {
    let text = text(json, || format!("meta of {whose}"))?;
    // No meta at all is the empty object: every key may be absent.
    serde_json::from_str(if text.is_empty() { "{}" } else { text })
        .map_err(|error| LoadError::Meta { whose: whose.to_owned(), reason: error.to_string() })
}

impl Loaded {
    /// What the library says of itself. `bytes`: the length of its file.
    pub(super) fn manifest(self, bytes: u64) -> Manifest {
        let of_kind = |kind: LoadedKind| KindManifest { name: kind.name, flags: kind.flags, meta: kind.document };
        Manifest {
            name: self.meta.name,
            version: self.meta.version,
            config_schema: self.meta.config_schema,
            takes_config: self.table.configure.is_some(),
            abi_minor: self.entry.abi_minor,
            min_host_minor: self.entry.min_host_minor,
            flags: self.entry.flags,
            bytes,
            kinds: self.kinds.into_iter().map(of_kind).collect(),
        }
    }

    /// Gives the plugin its config, JSON, if it takes one. To be called once, before any attempt. The error is the plugin's.
    pub(super) fn configure(&self, json: &[u8]) -> Result<(), String> {
        let Some(configure) = self.table.configure else {
            return Ok(());
        };
        let mut error = ThBytes::EMPTY;
        // SAFETY: header, `configure`: after `init`, before any `create`; both arguments live through the call.
        let answer = unsafe { configure(ThBytes::new(json), &raw mut error) };
        if answer >= 0 {
            return Ok(());
        }
        // SAFETY: header, `configure`: the text is valid until `shutdown`, which was not called.
        let text = unsafe { error.as_slice() };
        Err(if text.is_empty() { format!("it answered {answer}") } else { String::from_utf8_lossy(text).into_owned() })
    }
}

//! What `plugin!` expands to: the entry, `init`, and the tables that it hands out.
//!
//! Not here: the functions behind a kind (`shim`), reading what stands in `plugin!` (`plugin-api-macros`). Start at `__plugin`.
#![expect(unsafe_code, reason = "functions that the host calls through the C ABI")]

use std::any::Any;
use std::sync::OnceLock;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;

use crate::abi::{
    ABI_MINOR, E_OWN_THREADS, E_PANIC_ABORT, K_BLOCKING, K_ISOLATE, MAGIC, ThBytes, ThEntry, ThHost, ThKind, ThPlugin,
    struct_size,
};
use crate::meta::{self, Words};
use crate::task::{BlockingTask, Defaults, Task};
use crate::{guard, host, shim};

type Configure = unsafe extern "C" fn(ThBytes, *mut ThBytes) -> i32;

/// What a plugin offers, put together by `plugin!`.
#[doc(hidden)]
#[derive(Debug)]
pub struct Offer {
    name: &'static str,
    version: &'static str,
    description: &'static str,
    kinds: Vec<ThKind>,
    config: Option<(Schema, Configure)>,
}

impl Offer {
    pub fn new(name: &'static str, version: &'static str, description: &'static str) -> Self {
        Self { name, version, description, kinds: Vec::new(), config: None }
    }

    #[must_use]
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    #[must_use]
    pub fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    #[must_use]
    pub fn kind<T: Kind<M>, M>(mut self) -> Self {
        self.kinds.push(T::table());
        self
    }

    #[must_use]
    pub fn config<C: PluginConfig>(mut self) -> Self {
        self.config = Some((meta::schema_of_input::<C>(), configure::<C>));
        self
    }

    /// The table; it and all that it points at stay for ever.
    fn table(self) -> ThPlugin {
        let (schema, configure) = self.config.unzip();
        let kinds: Vec<*const ThKind> = self.kinds.into_iter().map(|kind| leak(kind).cast_const()).collect();
        let kinds = kinds.leak();
        ThPlugin {
            struct_size: struct_size::<ThPlugin>(),
            reserved: 0,
            meta: forever(meta::plugin(self.name, self.version, self.description, schema.as_ref())),
            n_kinds: kinds.len(),
            kinds: kinds.as_ptr(),
            configure,
            shutdown: shim::SHUTDOWN,
            get_ext: None,
        }
    }
}

/// What `plugin!` takes. `M` keeps the two ways to be a kind apart; the compiler finds it out.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of task",
    label = "not a kind",
    note = "put `#[task(name = \"…\")]` above a function, or implement `Task` or `BlockingTask` for the type"
)]
pub trait Kind<M> {
    const NAME: &'static str;
    fn table() -> ThKind;
}

#[doc(hidden)]
#[derive(Debug)]
pub enum Async {}

#[doc(hidden)]
#[derive(Debug)]
pub enum Blocking {}

#[diagnostic::do_not_recommend]
impl<T: Task> Kind<Async> for T {
    const NAME: &'static str = T::NAME;

    fn table() -> ThKind {
        let words = Words { title: T::TITLE, description: T::DESCRIPTION };
        let meta = meta::kind::<T::Params, T::Output>(words, &T::DEFAULTS);
        ThKind { create: Some(shim::create_async::<T>), ..kind(T::NAME, meta, &T::DEFAULTS, 0) }
    }
}

#[diagnostic::do_not_recommend]
impl<T: BlockingTask> Kind<Blocking> for T {
    const NAME: &'static str = T::NAME;

    fn table() -> ThKind {
        let words = Words { title: T::TITLE, description: T::DESCRIPTION };
        let meta = meta::kind::<T::Params, T::Output>(words, &T::DEFAULTS);
        ThKind { create: Some(shim::create_blocking::<T>), ..kind(T::NAME, meta, &T::DEFAULTS, K_BLOCKING) }
    }
}

/// The type behind `plugin!(…; config = …)`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the config of a plugin",
    label = "no config",
    note = "put `#[config]` above `{Self}`, so that it is read from JSON and described by a schema"
)]
pub trait PluginConfig: DeserializeOwned + JsonSchema + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + JsonSchema + Send + Sync + 'static> PluginConfig for T {}

/// The name of a kind, whichever way it is one.
#[doc(hidden)]
pub const fn name_of<T: Kind<M>, M>() -> &'static str {
    T::NAME
}

/// Whether a kind's name is none of those before it.
#[doc(hidden)]
pub const fn is_new(name: &str, before: &[&str]) -> bool {
    let mut index = 0;
    while index < before.len() {
        if is_same(name.as_bytes(), before[index].as_bytes()) {
            return false;
        }
        index += 1;
    }
    true
}

/// `==`, which is not there yet while constants are computed.
const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    index == a.len() && index == b.len()
}

/// What a plugin is called that does not say.
#[doc(hidden)]
#[must_use]
pub fn plugin_name(package: &'static str) -> &'static str {
    package.strip_prefix("taskhost-plugin-").unwrap_or(package)
}

/// All of a kind but its `create`.
fn kind(name: &'static str, meta: Vec<u8>, defaults: &Defaults, flags: u32) -> ThKind {
    ThKind {
        struct_size: struct_size::<ThKind>(),
        flags: flags | if defaults.isolate { K_ISOLATE } else { 0 },
        name: ThBytes::new(name.as_bytes()),
        meta: forever(meta),
        create: None,
        poll: Some(shim::poll),
        drop: Some(shim::drop_task),
    }
}

fn leak<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

fn forever(bytes: Vec<u8>) -> ThBytes {
    ThBytes::new(bytes.leak())
}

/// Implemented by what `plugin!` expands to.
#[doc(hidden)]
pub trait Plugin {
    fn offer() -> Offer;
}

/// The value of `taskhost_plugin_v1`.
#[doc(hidden)]
pub const fn entry<P: Plugin>(panic_aborts: bool) -> ThEntry {
    ThEntry {
        magic: MAGIC,
        struct_size: struct_size::<ThEntry>(),
        abi_minor: ABI_MINOR,
        min_host_minor: 0,
        flags: if panic_aborts { E_PANIC_ABORT } else { 0 } | if cfg!(feature = "tokio") { E_OWN_THREADS } else { 0 },
        reserved: 0,
        build_info: std::ptr::null(),
        init: Some(init::<P>),
    }
}

/// `th_entry.init`: null if the host's table lacks something, or if a schema panics.
///
/// # Safety
/// As the header says of `init`.
unsafe extern "C" fn init<P: Plugin>(host: *const ThHost) -> *const ThPlugin {
    static TABLE: OnceLock<ThPlugin> = OnceLock::new();
    // SAFETY: header, th_entry.init: the host passes its table.
    if unsafe { host::install(host) }.is_none() {
        return std::ptr::null();
    }
    guard::install_hook();
    guard::call(|| std::ptr::from_ref(TABLE.get_or_init(|| P::offer().table()))).unwrap_or(std::ptr::null())
}

static CONFIG: OnceLock<Box<dyn Any + Send + Sync>> = OnceLock::new();

/// The config, if it was given.
pub(crate) fn config() -> Option<&'static (dyn Any + Send + Sync)> {
    #[cfg(feature = "testing")]
    if let Some(config) = crate::testing::given_config() {
        return Some(config);
    }
    CONFIG.get().map(|config| &**config)
}

/// `th_plugin.configure`. Empty bytes are an empty object.
///
/// # Safety
/// As the header says of `configure`.
unsafe extern "C" fn configure<C: DeserializeOwned + Send + Sync + 'static>(json: ThBytes, error: *mut ThBytes) -> i32 {
    // SAFETY: header, "Memory": valid for this call.
    let json = match unsafe { json.as_slice() } {
        [] => b"{}",
        json => json,
    };
    let read = guard::call(|| serde_json::from_slice::<C>(json).map_err(|error| error.to_string()));
    let reason = match read.map_err(|panic| panic.to_string()).and_then(std::convert::identity) {
        Ok(config) => match CONFIG.set(Box::new(config)) {
            Ok(()) => return 0,
            Err(_) => "the plugin has its config already".to_owned(),
        },
        Err(reason) => reason,
    };
    if !error.is_null() {
        // SAFETY: header, th_plugin.configure: `error_out` points at one th_bytes of the host; null ended above.
        unsafe { error.write(forever(reason.into_bytes())) };
    }
    -1
}

/// `[kinds] [name] [version] [config]`, as `plugin!` has read them.
#[doc(hidden)]
#[macro_export]
macro_rules! __plugin {
    ([$($kind:ty),*] [$($name:literal)?] [$($version:literal)?] [$($config:ty)?]) => {
        const _: () = {
            struct Plugin;
            impl $crate::export::Plugin for Plugin {
                fn offer() -> $crate::export::Offer {
                    $crate::export::Offer::new(
                        $crate::export::plugin_name(::core::env!("CARGO_PKG_NAME")),
                        ::core::env!("CARGO_PKG_VERSION"),
                        ::core::env!("CARGO_PKG_DESCRIPTION"),
                    )
                    $(.name($name))?
                    $(.version($version))?
                    $(.kind::<$kind, _>())*
                    $(.config::<$config>())?
                }
            }

            // Lints of the author's crate do not look into macros of another one, so `forbid(unsafe_code)` stands there.
            #[unsafe(no_mangle)]
            pub static taskhost_plugin_v1: $crate::abi::ThEntry =
                $crate::export::entry::<Plugin>(::core::cfg!(panic = "abort"));
        };
    };
}

//! What `plugin!` expands to: the entry, `init`, and the tables that it hands out.
//!
//! Not here: the functions behind a kind (`shim`). Authors start at [`plugin!`](crate::plugin); the code at `init`.
#![expect(unsafe_code, reason = "functions that the host calls through the C ABI")]

use std::any::Any;
use std::sync::OnceLock;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;

use crate::abi::{
    ABI_MINOR, E_PANIC_ABORT, K_BLOCKING, K_ISOLATE, MAGIC, ThBytes, ThEntry, ThHost, ThKind, ThPlugin, struct_size,
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
    pub fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    #[must_use]
    pub fn task<T: Task>(mut self) -> Self {
        let words = Words { title: T::TITLE, description: T::DESCRIPTION };
        let meta = meta::kind::<T::Params, T::Output>(words, &T::DEFAULTS);
        self.kinds.push(ThKind { create: Some(shim::create_async::<T>), ..kind(T::NAME, meta, &T::DEFAULTS, 0) });
        self
    }

    #[must_use]
    pub fn blocking<T: BlockingTask>(mut self) -> Self {
        let words = Words { title: T::TITLE, description: T::DESCRIPTION };
        let meta = meta::kind::<T::Params, T::Output>(words, &T::DEFAULTS);
        let kind = kind(T::NAME, meta, &T::DEFAULTS, K_BLOCKING);
        self.kinds.push(ThKind { create: Some(shim::create_blocking::<T>), ..kind });
        self
    }

    #[must_use]
    pub fn config<C: DeserializeOwned + JsonSchema + Send + Sync + 'static>(mut self) -> Self {
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
            shutdown: None,
            get_ext: None,
        }
    }
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
        flags: if panic_aborts { E_PANIC_ABORT } else { 0 },
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

/// The config, if it was given and is a `C`.
pub(crate) fn config<C: 'static>() -> Option<&'static C> {
    CONFIG.get()?.downcast_ref()
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
    let reason = match read.and_then(std::convert::identity) {
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

/// Makes the library a plugin. Once a crate; the crate is a `cdylib`.
///
/// ```text
/// plugin_api::plugin! {
///     name: "files",
///     version: "1.2.0",             // optional: else the crate's
///     tasks: [Checksum],            // types that implement `Task`
///     blocking: [Compress],         // types that implement `BlockingTask`
///     config: Config,               // optional: what `cx.config::<Config>()` gives
/// }
/// ```
///
/// Each part but the name may be left out; the order stays.
#[macro_export]
macro_rules! plugin {
    (
        name: $name:expr
        $(, version: $version:expr)?
        $(, tasks: [$($task:ty),* $(,)?])?
        $(, blocking: [$($blocking:ty),* $(,)?])?
        $(, config: $config:ty)?
        $(,)?
    ) => {
        const _: () = {
            struct Plugin;
            impl $crate::export::Plugin for Plugin {
                fn offer() -> $crate::export::Offer {
                    $crate::export::Offer::new(
                        $name,
                        ::core::env!("CARGO_PKG_VERSION"),
                        ::core::env!("CARGO_PKG_DESCRIPTION"),
                    )
                    $(.version($version))?
                    $($(.task::<$task>())*)?
                    $($(.blocking::<$blocking>())*)?
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

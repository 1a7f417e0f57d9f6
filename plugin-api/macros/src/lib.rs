//! The macros of `plugin-api`, which shows and documents them; no other crate should depend on this one.
//!
//! All that they write is what an author could write: implementations of `Task` and derives. What they write names the crate
//! `::plugin_api`, so a dependency on it must not be renamed.
//!
//! The rooms: `task` (the function) with `settings` (its keys), `data` (`#[params]` and its like) with `secret` (the `Debug`
//! that hides), `plugin`, and small ones for texts: `duration`, `name`, `suggest`. Start at [`macro@task`].

mod data;
mod duration;
mod name;
mod plugin;
mod secret;
mod settings;
mod suggest;
mod task;

use proc_macro::TokenStream;

/// Makes a function a kind: `#[task(name = "image.resize", attempts = 5, timeout = "2m")]`.
///
/// The function is `async` and is given a `Context`, or it is `blocking` and is given a `BlockingContext`. It takes its params,
/// its context, both in this order, or nothing, and returns `TaskResult<…>`. It can be called as before, so its unit tests
/// need no host. [`plugin!`] exports it by its name.
///
/// | key | value | says |
/// |---|---|---|
/// | `name` | `"plugin.verb"` | the kind's name; needed |
/// | `blocking` | – | the function may block; it gets a thread of its own |
/// | `title` | text | a short name for people; else the first paragraph of the doc comment |
/// | `attempts` | 1 to 1000 | how many attempts a task has in all |
/// | `backoff` | `"fixed"`, `"linear"`, `"exponential"` | how the wait between attempts grows |
/// | `initial`, `max` | duration | the first and the longest wait between attempts |
/// | `jitter` | 0.0 to 1.0 | by what part a wait is spread at random |
/// | `timeout` | duration | how long one attempt may take |
/// | `queue` | name | where tasks of this kind wait |
/// | `unit` | text | what the progress counts, in the plural |
/// | `state_version` | number | the version of the state that is saved |
/// | `default_error` | `"retry"`, `"fatal"` | what an error by `?` means; `retry` if not said |
/// | `privileged` | – | the kind runs programs, or can do more than its submitter may |
/// | `isolate` | – | the kind may take its process down: it runs only in a process of its own |
///
/// Durations are texts such as `"300ms"`, `"2m"` or `"1h30m"`. What is not said is the host's default. The doc comment of the
/// function describes the kind.
#[proc_macro_attribute]
pub fn task(arguments: TokenStream, item: TokenStream) -> TokenStream {
    task::expand(arguments.into(), &item.into()).into()
}

/// Makes a struct or an enum the params of a kind. Goes above all derives.
///
/// It gets `Serialize`, `Deserialize`, `JsonSchema` and `Debug`, so that its values are read, checked, described, written and
/// printed. Attributes of `serde` and `schemars` work as always; doc comments become the descriptions of the schema.
///
/// Fields that the type does not have are refused (`deny_unknown_fields`), unless one is `#[serde(flatten)]`, which takes them.
///
/// A field marked `#[secret]` is `writeOnly` in the schema, so no face shows it, and `Debug` prints `[hidden]` in its place.
#[proc_macro_attribute]
pub fn params(arguments: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(data::Role::Params, &arguments.into(), &item.into()).into()
}

/// Makes a struct or an enum the result of a kind, or a state that it saves. Goes above all derives.
///
/// As [`params`](macro@params), but fields that the type does not have are ignored, so that an older version of the plugin can
/// read the state that a newer one has saved; and there are no secrets: who may see a task sees its result.
#[proc_macro_attribute]
pub fn output(arguments: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(data::Role::Output, &arguments.into(), &item.into()).into()
}

/// Makes a struct the plugin's config in `tasks.toml`, as `plugin!(…; config = Settings)` says. Goes above all derives.
///
/// As [`params`](macro@params). A plugin without an entry in `tasks.toml` gets an empty object, so give defaults to what has any.
#[proc_macro_attribute]
pub fn config(arguments: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(data::Role::Config, &arguments.into(), &item.into()).into()
}

/// Makes the library a plugin. Once a crate; the crate is a `cdylib`.
///
/// ```text
/// plugin_api::plugin!(resize, crush);
/// plugin_api::plugin!(resize, crush; name = "image", version = "1.2.0", config = Settings);
/// ```
///
/// The kinds are functions with [`macro@task`], or types that implement `Task` or `BlockingTask`. Not said, the plugin is called
/// as its package is (without the prefix `taskhost-plugin-`) and has its version; its description is the package's.
#[proc_macro]
pub fn plugin(input: TokenStream) -> TokenStream {
    plugin::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

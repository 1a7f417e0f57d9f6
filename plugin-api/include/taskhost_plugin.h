/* taskhost_plugin.h: the contract between a taskhost daemon and a plugin, ABI major 1.

   A plugin is one shared library that exports one constant, `taskhost_plugin_v1`. The host reads it, calls `init` once, and
   gets a table of kinds; each kind is a named task implementation. For every attempt of a task the host calls
   `create` -> `poll` (as often as the task is woken) -> `drop`. Everything that the plugin asks of the host goes through the
   table that `init` was given.

   RULES THAT HOLD EVERYWHERE
   Layout     Only u8, i32, u32, u64, size_t and pointers cross: no bool, enum, bit field, long or struct by value but th_bytes.
              Structs only grow at their end. Whoever fills a struct puts its own sizeof in `struct_size`; whoever reads a field
              that a later minor added first checks `struct_size >= offsetof(field) + sizeof(field)`, then that a pointer is
              not null. A field never changes its meaning.
   Memory     Borrowed in, copied out. A th_bytes that is passed in either direction is valid for that one call; who needs it
              longer copies it. Nobody frees what the other side allocated. What `init` returns (plugin, kinds, names, meta) lives
              as long as the process; libraries are never unloaded.
   Text       th_bytes holds UTF-8 or, where said, one JSON document. There is no terminating zero. Empty is len 0, ptr ignored.
   Threads    Each function may be called from any thread, several at a time, unless its comment says otherwise.
   Unwinding  No C++ exception, Rust panic or longjmp may leave a function of this file. The process would end.
   Clocks     now_ms, wake_at and deadline_ms count milliseconds of CLOCK_MONOTONIC. not_before_ms is Unix time in
              milliseconds; 0 means now.
   Answers    Functions that return int32_t answer 0 (or a constant named at the function) for success and a negative number
              for a refusal; the reason stands in the task's log. */
#ifndef TASKHOST_PLUGIN_H
#define TASKHOST_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The entry must be visible also where a plugin is built with -fvisibility=hidden (which is advised). */
#if defined(_WIN32)
#define TH_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define TH_EXPORT __attribute__((visibility("default")))
#else
#define TH_EXPORT
#endif

/* th_entry.magic: "THPL" */
#define TH_MAGIC 0x5448504Cu
/* The minor that this header describes, for th_entry.abi_minor. */
#define TH_ABI_MINOR 0u

typedef struct th_bytes {
  const uint8_t *ptr;
  size_t len;
} th_bytes;

/* One attempt of one task, owned and counted by the host, and at the same time its waker. A task may use its ctx from `create`
   until `drop` returns. To keep it longer, or to hand it to a thread of the plugin's own, call `retain` first and `release`
   exactly once at the end. After `drop` (or after a `create` that failed) only `retain`, `release` and `wake` have a use, and
   `wake` does nothing; the others are ignored or refused. */
typedef struct th_ctx th_ctx;

/* What `poll` answers. */
enum {
  TH_READY = 0,  /* over: `finish` was called, `poll` is not called again */
  TH_PENDING = 1 /* waits: poll again after a wake. The plugin has arranged for one (`wake`, `wake_at`, a running save). */
};

/* How an attempt ended (th_result.outcome). A host reads a value that it does not know as TH_FATAL. */
enum {
  TH_OK = 0,        /* done */
  TH_RETRY = 1,     /* failed, worth another attempt: at not_before_ms, or if that is 0 after the backoff of the task */
  TH_FATAL = 2,     /* failed, another attempt cannot help */
  TH_CANCELLED = 3, /* ended because it was told to. After a cancel or a timeout: that event. While TH_F_DRAIN is set:
                       interrupted, that is to be run again from the last saved state with the attempt unspent. Otherwise
                       a fatal failure, "cancelled by the plugin". */
  TH_DELAY = 4,     /* rate limited: run again at not_before_ms, this attempt is not counted */
  TH_SUSPEND = 5,   /* a durable wait: run again at not_before_ms from the state in body, this attempt is not counted.
                       While TH_F_DRAIN is set: interrupted, as TH_CANCELLED; an empty body keeps the last saved state. */
  TH_PANIC = 6      /* the code failed in a way that it did not foresee; a failure that is worth another attempt */
};

/* Levels of `log`. */
enum { TH_TRACE = 0, TH_DEBUG = 1, TH_INFO = 2, TH_WARN = 3, TH_ERROR = 4 };

/* Bits of `flags`. Bits that are not named here may be set; ignore them. */
enum {
  TH_F_CANCEL = 1,        /* end soon with TH_CANCELLED; after a grace the task is dropped */
  TH_F_DRAIN = 2,         /* the host stops or the plugin is replaced: save, then end with TH_SUSPEND or TH_CANCELLED */
  TH_F_DEADLINE_NEAR = 4, /* the attempt's deadline comes up */
  TH_F_LEASE_LOST = 8     /* the task is somebody else's now; nothing that this attempt writes counts */
};

/* Bits of th_kind.flags. */
enum {
  TH_K_BLOCKING = 1, /* `poll` may block: it is called once, on a thread for that, and must answer TH_READY */
  TH_K_ISOLATE = 2   /* run me only in a process of my own */
};

/* Bits of th_entry.flags. */
enum {
  TH_E_PANIC_ABORT = 1, /* a failed assertion of the language ends the process (Rust: panic = "abort") */
  TH_E_NO_UNLOAD = 2,   /* must not be unmapped, not even in a process that ends anyway */
  TH_E_OWN_THREADS = 4  /* starts threads of its own; `shutdown` ends them */
};

/* What `saved` answers. */
enum {
  TH_SAVED = 0,  /* durable: a crash from here on resumes at this state or a later one */
  TH_SAVING = 1, /* on its way; the host wakes the task when that changes */
  TH_LOST = 2    /* will never be durable, because the lease is lost or the store failed: end the attempt */
};

/* The end of an attempt. */
typedef struct th_result {
  uint32_t struct_size;
  uint32_t outcome;       /* TH_OK.. */
  uint64_t not_before_ms; /* Unix ms, 0 = now; for TH_RETRY, TH_DELAY, TH_SUSPEND */
  th_bytes body;          /* TH_OK: the result as JSON. TH_SUSPEND: the state as JSON. Otherwise a message for people. */
  th_bytes code;          /* a short, stable name of the error for grouping, such as "io"; may be empty */
} th_result;

/* What an attempt is given. */
typedef struct th_args {
  uint32_t struct_size;
  uint32_t attempt; /* counts from 1 */
  uint8_t task_id[16];
  uint64_t deadline_ms; /* monotonic ms; 0 = none */
  th_bytes params;      /* JSON; fits the kind's params_schema */
  th_bytes state;       /* JSON: the last saved state; empty if there is none */
  th_bytes context;     /* JSON object: max_attempts, job, nominal_at, queue, traceparent, state_version (of `state`), results
                           of the parents. Any of them may be absent. */
} th_args;

/* A follow-up task. */
typedef struct th_enqueue {
  uint32_t struct_size;
  uint32_t flags;   /* none is defined: 0 */
  th_bytes kind;    /* the kind's name */
  th_bytes params;  /* JSON */
  th_bytes options; /* JSON object: the optional fields of POST /tasks; may be empty */
} th_enqueue;

/* What the host does for a plugin. The table lives as long as the process. A `const th_ctx *` is always the ctx of a `create`. */
typedef struct th_host {
  uint32_t struct_size;
  uint32_t abi_minor;
  void (*retain)(const th_ctx *);
  void (*release)(const th_ctx *);
  /* Poll the task (again). Wakes that come during a poll lead to one more poll; several wakes may lead to one poll. */
  void (*wake)(const th_ctx *);
  /* Wake at mono_ms, or at once if that has passed. One slot a task: between two polls the earliest time wins, and each poll
     begins with an empty slot. */
  void (*wake_at)(const th_ctx *, uint64_t mono_ms);
  uint64_t (*now_ms)(void);
  /* TH_F_* as of now. The host also wakes the task when a bit is set. Bits are never cleared. */
  uint32_t (*flags)(const th_ctx *);
  /* A line for the log of the task. fields_json: a JSON object, or empty. */
  void (*log)(const th_ctx *, uint32_t level, th_bytes msg, th_bytes fields_json);
  /* How far the task is. total 0 = unknown. Cheap: the host joins updates and keeps the latest. */
  void (*progress)(const th_ctx *, uint64_t done, uint64_t total, th_bytes note);
  /* Begins to save a state to resume from, and returns at once with a ticket for `saved`. Saves of one task become durable in
     order. When a save has ended the host wakes the task. Negative: refused (too large, lease lost, already finished). */
  int32_t (*save_state)(const th_ctx *, th_bytes json, uint64_t *ticket_out);
  /* TH_SAVED, TH_SAVING or TH_LOST. wait_ms > 0 waits up to so long for an end; only blocking kinds may. */
  int32_t (*saved)(const th_ctx *, uint64_t ticket, uint32_t wait_ms);
  /* Makes a follow-up task, checked at once. It is committed with the next save, or with TH_OK or TH_SUSPEND, and forgotten on
     any other outcome. Its id derives from this task and from how many it made before: an attempt that repeats what a failed
     one did makes no second task. Negative: refused (unknown kind, params that do not fit, 1,000 wait for a save already). */
  int32_t (*enqueue)(const th_ctx *, const th_enqueue *, uint8_t id_out[16]);
  /* Ends the attempt: exactly once, before `poll` answers TH_READY or `create` answers a negative number. The host copies
     the result before it returns. A second call is ignored; TH_READY without it is a fatal failure. */
  void (*finish)(const th_ctx *, const th_result *);
  /* A table of functions beyond this one, by its id ("vendor.name/REV"), or null. */
  const void *(*get_ext)(th_bytes id);
} th_host;

/* A named task implementation. */
typedef struct th_kind {
  uint32_t struct_size;
  uint32_t flags; /* TH_K_* */
  th_bytes name;  /* "thing.verb" */
  th_bytes meta;  /* JSON object: title, description, params_schema, result_schema, retry, timeout_ms, queue, concurrency,
                     state_version, unit, privileged, ui. All may be absent. */
  /* Begins an attempt: parse args, set *task_out (any pointer, also null), return 0. Do no work here. Negative: the
     attempt is over, `finish` was called and there is nothing to drop. */
  int32_t (*create)(const struct th_kind *, const th_ctx *, const th_args *, void **task_out);
  /* Works until the task must wait, then answers TH_PENDING; or ends it, see TH_READY. Never called twice at a time for one
     task; the thread may change from call to call. Must return soon, unless the kind is TH_K_BLOCKING. */
  int32_t (*poll)(void *task);
  /* Frees the task: exactly once after a successful `create`, never during `poll`, also where it has not ended. For a kind
     that is not blocking this is how a cancel ends that was not heeded. */
  void (*drop)(void *task);
} th_kind;

/* What a plugin offers. */
typedef struct th_plugin {
  uint32_t struct_size;
  uint32_t reserved; /* 0 */
  th_bytes meta;     /* JSON object: name (required), version, description, config_schema */
  size_t n_kinds;
  const th_kind *const *kinds; /* an array of pointers, so that th_kind can grow */
  /* May be null. Called once, after `init` and before any `create`, with the plugin's config of tasks.toml as JSON, checked
     against config_schema. Negative: *error_out says why (valid until `shutdown`), and this copy of the plugin is not used. */
  int32_t (*configure)(th_bytes config_json, th_bytes *error_out);
  /* May be null. Called once, after the last `drop`, on a thread that is nothing else: end your threads within ms. */
  int32_t (*shutdown)(uint32_t ms);
  /* May be null. A table of functions of the plugin by its id, or null. */
  const void *(*get_ext)(th_bytes id);
} th_plugin;

/* What a library exports. */
typedef struct th_entry {
  uint32_t magic; /* TH_MAGIC */
  uint32_t struct_size;
  uint32_t abi_minor;      /* TH_ABI_MINOR of the header that the plugin was built with */
  uint32_t min_host_minor; /* the plugin cannot work with a host whose minor is lower */
  uint32_t flags;          /* TH_E_* */
  uint32_t reserved;       /* 0 */
  const char *build_info;  /* zero-terminated text for people, such as the compiler's version; may be null */
  /* Called once. Must be quick and without effect outside of the plugin: it is also called only to list the kinds. Null: the
     plugin cannot be used. */
  const th_plugin *(*init)(const th_host *);
} th_entry;

/* Define this one: const th_entry taskhost_plugin_v1 = { TH_MAGIC, sizeof(th_entry), TH_ABI_MINOR, 0, 0, 0, NULL, init }; */
extern TH_EXPORT const th_entry taskhost_plugin_v1;

#ifdef __cplusplus
}
#endif
#endif

/* A plugin with at most one defect, chosen by a -D of its build. Without any it is a sound plugin with one kind. */
#include "taskhost_plugin.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef NAME
#define NAME "sound"
#endif
#ifndef KIND
#define KIND "sound.work"
#endif
#ifndef META
#define META "{}"
#endif
#ifndef PLUGIN_META
#define PLUGIN_META "{\"name\": \"" NAME "\", \"version\": \"1.2.3\"}"
#endif
#ifndef FLAGS
#define FLAGS 0
#endif

#define TEXT(literal) { (const uint8_t *)literal, sizeof(literal) - 1 }

static int32_t create(const th_kind *kind, const th_ctx *ctx, const th_args *args, void **task_out) {
  (void)kind, (void)ctx, (void)args;
  *task_out = NULL;
  return 0;
}
#ifdef UNDEFINED_SYMBOL
extern int32_t nobody_defines_this(void *task);
#define poll_function nobody_defines_this
#elif defined(NO_POLL)
#define poll_function NULL
#else
static int32_t poll_function(void *task) {
  (void)task;
  return TH_READY;
}
#endif
static void drop_task(void *task) { (void)task; }

#ifdef HUGE_META
static const th_kind work = { sizeof(th_kind), FLAGS, TEXT(KIND), { (const uint8_t *)META, (size_t)1 << 40 }, create, poll_function, drop_task };
#else
static const th_kind work = { sizeof(th_kind), FLAGS, TEXT(KIND), TEXT(META), create, poll_function, drop_task };
#endif

#ifdef NULL_KIND
static const th_kind *const kinds[] = { &work, NULL };
#elif defined(KIND_TWICE)
static const th_kind *const kinds[] = { &work, &work };
#else
static const th_kind *const kinds[] = { &work };
#endif

#ifdef CONFIGURE
static int32_t configure(th_bytes config, th_bytes *error_out) {
  static uint8_t error[100];
  size_t len = config.len < sizeof(error) ? config.len : sizeof(error);
  memcpy(error, config.ptr, len);
  *error_out = (th_bytes){ error, len };
  return CONFIGURE;
}
#else
#define configure NULL
#endif

#ifdef ENDED
static int32_t end(uint32_t ms) {
  FILE *file = fopen(ENDED, "w");
  if (!file) return -1;
  fprintf(file, "%u", ms);
  return fclose(file);
}
#else
#define end NULL
#endif

static const th_plugin plugin = {
  sizeof(th_plugin), 0, TEXT(PLUGIN_META), sizeof(kinds) / sizeof(kinds[0]),
#ifdef NULL_KINDS
  NULL,
#else
  kinds,
#endif
  configure, end, NULL
};

#ifdef LEAVES_A_THREAD
static void *never_ends(void *data) {
  for (;;) pause();
  return data;
}
#endif
#ifdef LEAVES_A_DESTRUCTOR
static pthread_key_t key;
static void destructor(void *data) { free(data); }
#endif

static const th_plugin *init(const th_host *host) {
  (void)host;
#ifdef INIT_PRINTS
  printf("hello from init");
#endif
#ifdef INIT_SLEEPS
  sleep(60);
#endif
#ifdef INIT_EXITS
  exit(INIT_EXITS);
#endif
#ifdef INIT_FAULTS
  *(volatile int *)NULL = 1;
#endif
#ifdef INIT_ABORTS
  fprintf(stderr, "init: assertion failed\n");
  abort();
#endif
#ifdef LEAVES_A_THREAD
  pthread_t thread;
  pthread_create(&thread, NULL, never_ends, NULL);
#endif
#ifdef LEAVES_A_DESTRUCTOR
  pthread_key_create(&key, destructor);
  pthread_setspecific(key, malloc(1));
#endif
#ifdef INIT_FAILS
  return NULL;
#else
  return &plugin;
#endif
}

#ifdef NO_INIT
#define init_function NULL
#else
#define init_function init
#endif

#ifndef MAGIC
#define MAGIC TH_MAGIC
#endif
#ifndef SIZE
#define SIZE sizeof(th_entry)
#endif
#ifndef MIN_HOST
#define MIN_HOST 0
#endif
#ifndef ENTRY_FLAGS
#define ENTRY_FLAGS 0
#endif
#ifndef SYMBOL
#define SYMBOL taskhost_plugin_v1
#endif
TH_EXPORT const th_entry SYMBOL = { MAGIC, SIZE, TH_ABI_MINOR, MIN_HOST, ENTRY_FLAGS, 0, NULL, init_function };

/* Keeps the compiler quiet about what a defect leaves unused. */
const void *const uses[] = { (const void *)&plugin, (const void *)init, (const void *)kinds };

/* One kind for each thing that an attempt can do. The first number in params steers it. */
#include "taskhost_plugin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef NAME
#define NAME "actor"
#endif
#define TEXT(literal) { (const uint8_t *)literal, sizeof(literal) - 1 }

static const th_host *host;

typedef struct task {
  const th_ctx *ctx;
  const char *kind;
  uint64_t number;
  uint64_t ticket;
  atomic_int turn;
} task;

static uint64_t number_in(th_bytes json) {
  uint64_t number = 0;
  size_t at = 0;
  while (at < json.len && (json.ptr[at] < '0' || json.ptr[at] > '9')) at++;
  for (; at < json.len && json.ptr[at] >= '0' && json.ptr[at] <= '9'; at++) number = number * 10 + (json.ptr[at] - '0');
  return number;
}

static void end_at(const th_ctx *ctx, uint32_t outcome, uint64_t not_before_ms, const char *body) {
  th_bytes bytes = { (const uint8_t *)body, strlen(body) };
  th_result result = { sizeof(th_result), outcome, not_before_ms, bytes, { NULL, 0 } };
  host->finish(ctx, &result);
}

static int32_t end(const task *task, uint32_t outcome, const char *body) {
  end_at(task->ctx, outcome, 0, body);
  return TH_READY;
}

static int32_t create(const th_kind *kind, const th_ctx *ctx, const th_args *args, void **task_out) {
  if (kind->name.len == 10 && memcmp(kind->name.ptr, "act.refuse", 10) == 0) {
    end_at(ctx, TH_RETRY, 0, "not today");
    return -1;
  }
  task *made = calloc(1, sizeof(task));
  made->ctx = ctx;
  made->kind = (const char *)kind->name.ptr;
  made->number = number_in(args->params);
  *task_out = made;
  return 0;
}

static void drop(void *task) { free(task); }

static int32_t noop(void *data) { return end(data, TH_OK, "{}"); }

/* Sleeps so many milliseconds by the host's timer. */
static int32_t sleeps(void *data) {
  task *self = data;
  if (atomic_fetch_add(&self->turn, 1) == 0) {
    host->wake_at(self->ctx, host->now_ms() + self->number);
    host->wake_at(self->ctx, host->now_ms() + self->number + 3600000);
    return TH_PENDING;
  }
  return end(self, TH_OK, "{\"slept\":true}");
}

/* Saves, and ends when the save is durable; the result is the answer of `saved`. */
static int32_t saves(void *data) {
  task *self = data;
  if (self->ticket == 0) {
    static const char state[] = "{\"step\":1}";
    if (host->save_state(self->ctx, (th_bytes)TEXT("no json"), &self->ticket) >= 0) return end(self, TH_FATAL, "saved junk");
    if (host->save_state(self->ctx, (th_bytes)TEXT(state), &self->ticket) < 0) return end(self, TH_FATAL, "refused");
  }
  if (host->saved(self->ctx, self->ticket, 60000) == TH_SAVING) return TH_PENDING;
  return end(self, TH_OK, host->saved(self->ctx, self->ticket, 0) == TH_SAVED ? "\"saved\"" : "\"lost\"");
}

static int enqueue(const task *self, uint64_t number, uint8_t id[16]) {
  char params[40];
  snprintf(params, sizeof(params), "[%d]", (int)number);
  th_bytes json = { (const uint8_t *)params, strlen(params) };
  th_enqueue follow_up = { sizeof(th_enqueue), 0, TEXT("act.noop"), json, TEXT("{\"queue\":\"mail\"}") };
  return host->enqueue(self->ctx, &follow_up, id) < 0;
}

static int32_t end_with_number(const task *self, uint32_t outcome, int number) {
  char body[20];
  snprintf(body, sizeof(body), "%d", number);
  return end(self, outcome, body);
}

/* Makes two tasks, saves, makes a third, and ends with the outcome that params name. */
static int32_t makes_tasks(void *data) {
  task *self = data;
  uint8_t id[16];
  int refused = enqueue(self, 0, id) + enqueue(self, 1, id);
  host->save_state(self->ctx, (th_bytes)TEXT("1"), &self->ticket);
  refused += enqueue(self, 2, id);
  return refused != 0 ? end(self, TH_FATAL, "refused") : end(self, (uint32_t)self->number, "{\"made\":3}");
}

/* Waits until it is told to stop, then makes a task and suspends. */
static int32_t makes_a_task_when_told(void *data) {
  const task *self = data;
  uint8_t id[16];
  if ((host->flags(self->ctx) & TH_F_DRAIN) == 0) return TH_PENDING;
  return enqueue(self, 0, id) ? end(self, TH_FATAL, "refused") : end(self, TH_SUSPEND, "{\"at\":7}");
}

/* Makes so many tasks; the result is how many were refused. */
static int32_t makes_many(void *data) {
  const task *self = data;
  uint8_t id[16];
  int refused = 0;
  for (uint64_t made = 0; made < self->number; made++) refused += enqueue(self, made, id);
  return end_with_number(self, TH_OK, refused);
}

/* Asks for tasks in ways that are refused; the result is how many were. */
static int32_t asks_wrongly(void *data) {
  const task *self = data;
  uint8_t id[16];
  th_enqueue good = { sizeof(th_enqueue), 0, TEXT("act.noop"), TEXT("{}"), { NULL, 0 } };
  th_enqueue small = good, flagged = good, without_params = good;
  small.struct_size = 8;
  flagged.flags = 1;
  without_params.params.len = 0;
  int refused = host->enqueue(self->ctx, NULL, id) < 0;
  refused += host->enqueue(self->ctx, &small, id) < 0;
  refused += host->enqueue(self->ctx, &flagged, id) < 0;
  refused += host->enqueue(self->ctx, &without_params, id) < 0;
  refused += host->enqueue(self->ctx, &good, NULL) < 0;
  return end_with_number(self, TH_OK, refused);
}

/* The result is the last byte of the id of the task that it makes. */
static int32_t tells_an_id(void *data) {
  const task *self = data;
  uint8_t id[16];
  if (enqueue(self, 0, id)) return end(self, TH_FATAL, "refused");
  return end_with_number(self, TH_OK, id[15]);
}

/* Waits for nothing. */
static int32_t hangs(void *data) {
  (void)data;
  return TH_PENDING;
}

/* Waits until it is told something, then ends with the outcome that params name. */
static int32_t heeds(void *data) {
  task *self = data;
  if ((host->flags(self->ctx) & (TH_F_CANCEL | TH_F_DRAIN)) == 0) return TH_PENDING;
  return end(self, (uint32_t)self->number, "{\"at\":7}");
}

/* Waits until it hears that its deadline comes up. */
static int32_t hurries(void *data) {
  const task *self = data;
  if ((host->flags(self->ctx) & TH_F_DEADLINE_NEAR) == 0) return TH_PENDING;
  return end(self, TH_OK, "{}");
}

/* Ends with the outcome that params name, 5 s after the start of 1970. */
static int32_t ends(void *data) {
  const task *self = data;
  end_at(self->ctx, (uint32_t)self->number, 5000, "{\"said\":\"it\"}");
  return TH_READY;
}

static int32_t forgets(void *data) {
  (void)data;
  return TH_READY;
}

static int32_t answers(void *data) { return (int32_t)((task *)data)->number; }

static int32_t finishes_twice(void *data) {
  end(data, TH_OK, "1");
  return end(data, TH_FATAL, "second thoughts");
}

/* A result of so many bytes. */
static int32_t is_big(void *data) {
  const task *self = data;
  char *body = malloc(self->number + 1);
  memset(body, '1', self->number);
  body[self->number] = 0;
  end(self, TH_OK, body);
  free(body);
  return TH_READY;
}

/* Ends with the outcome that params name and bytes that are no text. */
static int32_t ends_with_junk(void *data) {
  const task *self = data;
  end_at(self->ctx, (uint32_t)self->number, 0, "a\377b");
  return TH_READY;
}

/* Says of a short result that it has so many bytes. */
static int32_t lies_about_its_length(void *data) {
  const task *self = data;
  th_bytes body = { (const uint8_t *)"{}", self->number };
  th_result result = { sizeof(th_result), TH_OK, 0, body, { NULL, 0 } };
  host->finish(self->ctx, &result);
  return TH_READY;
}

static int32_t ends_with_nothing(void *data) {
  host->finish(((task *)data)->ctx, NULL);
  return TH_READY;
}

static pthread_key_t left_behind;
static void free_what_was_left(void *data) { free(data); }

/* Leaves a value on the thread, which is freed by code of this library when the thread ends. */
static int32_t leaves_a_destructor(void *data) {
  if (pthread_getspecific(left_behind) == NULL) pthread_setspecific(left_behind, malloc(1));
  return end(data, TH_OK, "{}");
}

/* Wakes itself in each poll, so many times. */
static int32_t spins(void *data) {
  task *self = data;
  if ((uint64_t)atomic_fetch_add(&self->turn, 1) == self->number) return end(self, TH_OK, "{}");
  host->wake(self->ctx);
  return TH_PENDING;
}

/* Reports progress, then a save that tells the test that it has. */
static int32_t progresses(void *data) {
  task *self = data;
  if (self->ticket != 0) return TH_PENDING;
  host->progress(self->ctx, 2, 10, (th_bytes)TEXT("begun"));
  host->progress(self->ctx, 5, 10, (th_bytes)TEXT("half"));
  host->log(self->ctx, TH_INFO, (th_bytes)TEXT("half way"), (th_bytes)TEXT("{\"n\":5}"));
  host->save_state(self->ctx, (th_bytes)TEXT("5"), &self->ticket);
  return TH_PENDING;
}

static void pause_ms(uint64_t millis) {
  struct timespec time = { (time_t)(millis / 1000), (long)(millis % 1000) * 1000000 };
  nanosleep(&time, NULL);
}

static void *wake_soon(void *data) {
  task *self = data;
  const th_ctx *ctx = self->ctx;
  uint64_t millis = self->number;
  if (millis > 1) pause_ms(millis);
  atomic_store(&self->turn, 2);
  /* From here on the task may be gone. */
  if (millis == 1) host->wake_at(ctx, host->now_ms() + 1);
  else host->wake(ctx);
  host->release(ctx);
  return NULL;
}

/* Is woken by a thread of its own: at once, by the timer (1), or after so many milliseconds. */
static int32_t waits_for_its_thread(void *data) {
  task *self = data;
  int turn = 0;
  if (atomic_compare_exchange_strong(&self->turn, &turn, 1)) {
    pthread_t thread;
    host->retain(self->ctx);
    pthread_create(&thread, NULL, wake_soon, self);
    pthread_detach(thread);
    return TH_PENDING;
  }
  return turn == 2 ? end(self, TH_OK, "{}") : TH_PENDING;
}

static const th_ctx *kept;

static int32_t keeps_its_ctx(void *data) {
  const task *self = data;
  host->retain(self->ctx);
  kept = self->ctx;
  return end(self, TH_OK, "{}");
}

/* Calls everything on the ctx that was kept, whose attempt is over. */
static int32_t haunts(void *data) {
  uint64_t ticket = 0;
  uint8_t id[16];
  th_enqueue follow_up = { sizeof(th_enqueue), 0, TEXT("act.noop"), TEXT("{}"), { NULL, 0 } };
  host->wake(kept);
  host->wake_at(kept, 1);
  host->progress(kept, 1, 1, (th_bytes)TEXT("late"));
  end_at(kept, TH_FATAL, 0, "late");
  int refused = host->save_state(kept, (th_bytes)TEXT("1"), &ticket) < 0;
  refused += host->saved(kept, 1, 0) == TH_LOST;
  refused += host->enqueue(kept, &follow_up, id) < 0;
  refused += host->get_ext((th_bytes)TEXT("taskhost.no/1")) == NULL;
  host->release(kept);
  return end_with_number(data, TH_OK, refused);
}

/* Blocking: takes its time, whatever it is told. */
static int32_t blocks(void *data) {
  const task *self = data;
  uint64_t ticket;
  host->save_state(self->ctx, (th_bytes)TEXT("1"), &ticket);
  pause_ms(self->number);
  return end(self, TH_OK, "\"late but done\"");
}

/* Blocking: goes on until it is told to stop. */
static int32_t blocks_until_told(void *data) {
  const task *self = data;
  while ((host->flags(self->ctx) & (TH_F_CANCEL | TH_F_LEASE_LOST)) == 0) pause_ms(1);
  return end(self, (uint32_t)self->number, "\"told\"");
}

/* Says so many lines, one of them a trace. */
static int32_t logs(void *data) {
  const task *self = data;
  char line[40];
  host->log(self->ctx, TH_TRACE, (th_bytes)TEXT("a step"), (th_bytes)TEXT(""));
  for (uint64_t said = 0; said < self->number; said++) {
    snprintf(line, sizeof(line), "line %d", (int)said);
    th_bytes text = { (const uint8_t *)line, strlen(line) };
    host->log(self->ctx, TH_INFO, text, (th_bytes)TEXT("{\"a\": 1}"));
  }
  return end(self, TH_OK, "{}");
}

static int32_t logs_and_hangs(void *data) {
  const task *self = data;
  host->log(self->ctx, TH_WARN, (th_bytes)TEXT("it takes time"), (th_bytes)TEXT(""));
  return TH_PENDING;
}

static int32_t logs_and_blocks(void *data) {
  logs_and_hangs(data);
  return blocks_until_told(data);
}

static int32_t blocks_wrongly(void *data) {
  (void)data;
  return TH_PENDING;
}

#ifdef ENDED
/* Writes a line into the file of this name. */
static int32_t shuts_down(uint32_t ms) {
  FILE *file = fopen(ENDED, "a");
  fprintf(file, "%u\n", ms);
  fclose(file);
  return 0;
}
#else
#define shuts_down NULL
#endif

#define KIND(name, flags, poll) { sizeof(th_kind), flags, TEXT(name), TEXT("{}"), create, poll, drop }
static const th_kind all[] = {
  KIND("act.noop", 0, noop),
  KIND("act.sleep", 0, sleeps),
  KIND("act.save", 0, saves),
  KIND("act.hang", 0, hangs),
  KIND("act.heed", 0, heeds),
  KIND("act.hurry", 0, hurries),
  KIND("act.end", 0, ends),
  KIND("act.forget", 0, forgets),
  KIND("act.answer", 0, answers),
  KIND("act.twice", 0, finishes_twice),
  KIND("act.refuse", 0, noop),
  KIND("act.make", 0, makes_tasks),
  KIND("act.make-told", 0, makes_a_task_when_told),
  KIND("act.many", 0, makes_many),
  KIND("act.ask", 0, asks_wrongly),
  KIND("act.id", 0, tells_an_id),
  KIND("act.big", 0, is_big),
  KIND("act.junk", 0, ends_with_junk),
  KIND("act.lie", 0, lies_about_its_length),
  KIND("act.nothing", 0, ends_with_nothing),
  KIND("act.leave", 0, leaves_a_destructor),
  KIND("act.spin", 0, spins),
  KIND("act.progress", 0, progresses),
  KIND("act.thread", 0, waits_for_its_thread),
  KIND("act.keep", 0, keeps_its_ctx),
  KIND("act.haunt", 0, haunts),
  KIND("act.block", TH_K_BLOCKING, blocks),
  KIND("act.block-save", TH_K_BLOCKING, saves),
  KIND("act.block-told", TH_K_BLOCKING, blocks_until_told),
  KIND("act.log", 0, logs),
  KIND("act.log-hang", 0, logs_and_hangs),
  KIND("act.block-log", TH_K_BLOCKING, logs_and_blocks),
  KIND("act.block-wrong", TH_K_BLOCKING, blocks_wrongly),
};
#define N_KINDS (sizeof(all) / sizeof(all[0]))
static const th_kind *kinds[N_KINDS];
static const th_plugin plugin = {
  sizeof(th_plugin), 0, TEXT("{\"name\": \"" NAME "\"}"), N_KINDS, kinds, NULL, shuts_down, NULL
};

static const th_plugin *init(const th_host *given) {
  host = given;
  pthread_key_create(&left_behind, free_what_was_left);
  for (size_t at = 0; at < N_KINDS; at++) kinds[at] = &all[at];
  return &plugin;
}

TH_EXPORT const th_entry taskhost_plugin_v1 = { TH_MAGIC, sizeof(th_entry), TH_ABI_MINOR, 0, 0, 0, NULL, init };

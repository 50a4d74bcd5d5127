/* A plugin in plain C for tests of flame-runner: tasks that answer, wait, print and die. Its note lists TASKS. There
 * are several versions of it, some of which cannot be started: PROBE_FLAW. */
#define _GNU_SOURCE
#include <flame_abi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZER "address"
#elif defined(__SANITIZE_THREAD__)
#define SANITIZER "thread"
#else
#define SANITIZER ""
#endif

#ifndef PROBE_VERSION
#define PROBE_VERSION "1.0.0"
#endif
#define FLAW_START_FAILS 1
#define FLAW_START_CRASHES 2
#define FLAW_START_HANGS 3
#define FLAW_START_SLOT_FAILS 4
#ifndef PROBE_FLAW
#define PROBE_FLAW 0
#endif

#define NOTE_TASK(name)                                                    \
  ".ascii \"[[task]]\\nname = \\\"probe::" #name                           \
  "\\\"\\nkind = \\\"task\\\"\\nfingerprint = \\\"000000000000002a\\\"\\n" \
  "schema = 'table Call {} table Return {}'\\n\"\n"
#define TABLE_TASK(name) {sizeof(flame_task), 0, "probe::" #name, 42, NULL, name},
#define TASKS(X)                                                                                           \
  X(echo)                                                                                                  \
  X(process_id)                                                                                            \
  X(fails)                                                                                                 \
  X(segfaults) X(exits) X(waits_for_stop) X(is_deaf) X(daemonises) X(prints) X(reports) X(exhausts_memory) \
      X(waits_a_second) X(answers_a_mebibyte) X(version) X(version_once_stopped) X(fails_once_stopped)

__asm__(
    ".pushsection .note.flame.plugin,\"a\",@note\n"
    ".balign 4\n"
    ".long 6, 2f - 1f, 1\n"
    ".ascii \"FLAME\\0\\0\\0\"\n"
    "1:\n"
    ".ascii \"flame = 1\\nname = \\\"probe\\\"\\nversion = \\\"" PROBE_VERSION "\\\"\\nabi = \\\"1.0\\\"\\n\"\n"
    ".ascii \"sanitizer = \\\"" SANITIZER "\\\"\\ncpu = \\\"x86-64\\\"\\n\"\n"
    TASKS(NOTE_TASK)
    "2:\n"
    ".balign 4\n"
    ".popsection\n");

static flame_status answer(flame_call* call, const void* data, size_t size) {
  uint8_t* to = call->api->result_alloc(call, size);
  if (to == NULL) return FLAME_TOO_LARGE;
  if (size != 0) memcpy(to, data, size);
  return FLAME_OK;
}

static flame_status echo(flame_call* call) {
  return answer(call, call->input.data, call->input.size);
}

static flame_status answers_a_mebibyte(flame_call* call) {
  uint8_t* to = call->api->result_alloc(call, 1 << 20);
  if (to == NULL) return FLAME_TOO_LARGE;
  memset(to, 7, 1 << 20);
  return FLAME_OK;
}

static flame_status process_id(flame_call* call) {
  const int64_t pid = getpid();
  return answer(call, &pid, sizeof pid);
}

static flame_status version(flame_call* call) {
  return answer(call, PROBE_VERSION, sizeof PROBE_VERSION - 1);
}

static flame_status version_once_stopped(flame_call* call) {
  call->api->wait_stop(call);
  return version(call);
}

static flame_status fails(flame_call* call) {
  call->api->set_error(call, "std::runtime_error", "no such film");
  return FLAME_TASK_FAILED;
}

static volatile int* volatile nowhere;
static flame_status segfaults(flame_call* call) {
  printf("about to fail\n");
  fflush(stdout);
  *nowhere = 1;
  return answer(call, NULL, 0);
}

static flame_status exits(flame_call* call) {
  (void)call;
  exit(3);
}

static flame_status waits_for_stop(flame_call* call) {
  const int32_t stopped = call->api->wait_stop(call);
  return answer(call, &stopped, sizeof stopped);
}

static flame_status fails_once_stopped(flame_call* call) {
  call->api->wait_stop(call);
  call->api->set_error(call, "std::runtime_error", "stopped");
  return FLAME_TASK_FAILED;
}

static volatile int deaf = 1;
static flame_status is_deaf(flame_call* call) {
  while (deaf) pause();
  return answer(call, NULL, 0);
}

/* Leaves a process in a session of its own. */
static flame_status daemonises(flame_call* call) {
  int ends[2];
  int64_t daemon = 0;
  if (pipe(ends) != 0) return FLAME_TASK_FAILED;
  if (fork() == 0) {
    if (setsid() > 0 && fork() == 0) {
      daemon = getpid();
      if (write(ends[1], &daemon, sizeof daemon) != sizeof daemon) _exit(1);
      for (;;) pause();
    }
    _exit(0);
  }
  if (read(ends[0], &daemon, sizeof daemon) != sizeof daemon) return FLAME_TASK_FAILED;
  close(ends[0]);
  close(ends[1]);
  return answer(call, &daemon, sizeof daemon);
}

static flame_status prints(flame_call* call) {
  printf("to stdout\n");
  fprintf(stderr, "to stderr\n");
  call->api->log(call, 2, "a warning", 9);
  return answer(call, NULL, 0);
}

static flame_status reports(flame_call* call) {
  for (int i = 0; i <= 1000; ++i) call->api->progress(call, i / 1000.0, "step", 4);
  return answer(call, NULL, 0);
}

/* As C code that never checks malloc(). */
static flame_status exhausts_memory(flame_call* call) {
  for (;;) {
    volatile char* block = malloc(1 << 20);
    for (size_t i = 0; i < (1 << 20); i += 4096) block[i] = 1;
    if (call->api->stop_requested(call)) return answer(call, NULL, 0);
  }
}

static flame_status waits_a_second(flame_call* call) {
  sleep(1);
  return answer(call, "done", 4);
}

static flame_status say(const char* text, char* message, size_t size) {
  snprintf(message, size, "%s", text);
  return FLAME_TASK_FAILED;
}

static flame_status start(const flame_parent_info* parent, char* message, size_t size) {
  (void)parent;
  if (PROBE_FLAW == FLAW_START_CRASHES) raise(SIGSEGV);
  while (PROBE_FLAW == FLAW_START_HANGS) pause();
  return PROBE_FLAW == FLAW_START_FAILS ? say("no model", message, size) : FLAME_OK;
}

static flame_status start_slot(const flame_parent_info* parent, char* message, size_t size) {
  (void)parent;
  return PROBE_FLAW == FLAW_START_SLOT_FAILS ? say("no device", message, size) : FLAME_OK;
}

static const flame_task tasks[] = {TASKS(TABLE_TASK)};
static const flame_plugin plugin = {
    sizeof(flame_plugin),           FLAME_ABI_MAJOR,    FLAME_ABI_MINOR, "probe", PROBE_VERSION,
    sizeof tasks / sizeof tasks[0], sizeof(flame_task), tasks,           start,   start_slot};

__attribute__((visibility("default"))) const flame_plugin* flame_plugin_entry_v1(uint32_t minor) {
  (void)minor;
  return &plugin;
}

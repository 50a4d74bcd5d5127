/* The C ABI between a FLAME plugin and the process that runs it (flame-zygote and its slots).
 *
 * Only C types cross. Memory never changes owner: the runner allocates results, the plugin fills them; strings are
 * copied by the receiver before the function returns. No C++ exception crosses: the SDK catches inside the plugin.
 * Structures only grow at the end; `struct_size` (and `task_stride`) say how much of one is there. A breaking change
 * gets a new header and a new entry symbol. Thread tags:
 *   [slot]     the thread that runs the invocation
 *   [any]      any thread, from the start of invoke() until it returns
 *   [loader]   the single thread of the zygote, before any slot exists
 */
#ifndef FLAME_ABI_H
#define FLAME_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLAME_ABI_MAJOR 1u
#define FLAME_ABI_MINOR 2u
/* The major is part of the symbol's name, so a plugin of another major is recognised without calling it. */
#define FLAME_ENTRY_SYMBOL "flame_plugin_entry_v1"

/* Values are frozen: they are compared across compilers and releases. */
typedef int32_t flame_status;
#define FLAME_OK 0
#define FLAME_TASK_FAILED 1      /* an exception left the function; set_error() was called with its type and message */
#define FLAME_INVALID_ARGUMENT 2 /* the arguments do not decode; set_error() says where */
#define FLAME_OUT_OF_MEMORY 3    /* std::bad_alloc left the function */
#define FLAME_TOO_LARGE 4        /* the result exceeds the runner's limit */
#define FLAME_RUNNER_LOST 5      /* a tracked argument no longer exists */

/* A borrowed byte range. `data` may be NULL when `size` is 0. */
typedef struct flame_view {
  const uint8_t* data;
  size_t size;
} flame_view;

typedef struct flame_call flame_call;

/* The type of an object that outlives the call that made it: a tracked resource or a child.
 * Static storage in the plugin. */
typedef struct flame_object_type {
  uint32_t struct_size;
  uint32_t reserved;
  const char* name;                               /* "video::Index"; at most FLAME_NAME_MAX bytes */
  void (*destroy)(void* object);                  /* [slot] once per object; must not throw */
  flame_status (*run)(void* object, flame_call*); /* own thread; returns when the child has ended; NULL if it has no run() */
} flame_object_type;

/* What the runner offers. Owned by the runner, valid as long as the plugin is loaded. */
typedef struct flame_runner_api {
  uint32_t struct_size;
  uint32_t abi_minor;
  /* [slot] At most once per call. Storage for the result's table, 16-byte aligned, owned by the runner; NULL if `size`
   * exceeds the payload limit (return FLAME_TOO_LARGE then). Every byte must be written before invoke() returns OK. */
  uint8_t* (*result_alloc)(flame_call*, size_t size);
  /* [slot] Appends an attachment to the result; copied before it returns. FLAME_TOO_LARGE past the limit. */
  flame_status (*result_attach)(flame_call*, flame_view bytes);
  /* [slot] Describes the failure that invoke() is about to return. Both strings are UTF-8 and copied. Last call wins. */
  void (*set_error)(flame_call*, const char* type, const char* message);
  /* [any] Non-zero once the caller cancelled, the deadline passed or the runner drains. Reads one word; never blocks. */
  int32_t (*stop_requested)(const flame_call*);
  /* [any] Blocks until a stop is requested (returns 1) or end_wait_stop() is called (returns 0). */
  int32_t (*wait_stop)(flame_call*);
  /* [any] Makes the current and each later wait_stop() of this call return. */
  void (*end_wait_stop)(flame_call*);
  /* [any] Nanoseconds until the call's deadline, 0 when it has passed, -1 when there is none. */
  int64_t (*remaining_ns)(const flame_call*);
  /* [any] One line for the host's log. level: 0 debug, 1 info, 2 warning, 3 error. Copied, cut at 16 KiB. */
  void (*log)(flame_call*, int32_t level, const char* message, size_t size);
  /* [any] fraction in [0, 1]; values outside are clamped, NaN is dropped. Newer reports replace unsent older ones. */
  void (*progress)(flame_call*, double fraction, const char* message, size_t size);
  /* [slot] Hands an object over; it lives in this slot until its last handle is gone. Returns its 1-based position in
   * the result's resource list, 0 when the slot cannot hold more (the object is not taken then). */
  uint32_t (*track)(flame_call*, void* object, const flame_object_type*);
  /* [slot] The object behind entry `index` (1-based) of the arguments' resource list if it is of type `type_name`, else NULL. */
  void* (*tracked)(flame_call*, uint32_t index, const char* type_name);
  /* [any] Optional feature by id "flame.<name>/<revision>"; NULL if absent. Lives as long as this struct. */
  const void* (*get_extension)(const char* id);
} flame_runner_api;

/* Optional: get_extension(FLAME_EXTENSION_INPUT). Lets the plugin keep `flame_call::attachments` beyond invoke() instead
 * of copying them. retain() [slot] gives a reference to the memory behind all of them, or NULL; release() [any] drops it. */
#define FLAME_EXTENSION_INPUT "flame.input/1"
typedef struct flame_input_extension {
  uint32_t struct_size;
  uint32_t reserved;
  void* (*retain)(flame_call*);
  void (*release)(void* reference);
} flame_input_extension;

/* Optional: get_extension(FLAME_EXTENSION_WHERE). Tells where the exception was thrown that invoke() reports by set_error().
 * set_where() [slot] takes return addresses, innermost first; copied, cut at what the runner keeps. Last call wins. */
#define FLAME_EXTENSION_WHERE "flame.where/1"
typedef struct flame_where_extension {
  uint32_t struct_size;
  uint32_t reserved;
  void (*set_where)(flame_call*, void* const* addresses, size_t count);
} flame_where_extension;

/* For whom this process works. Strings are UTF-8, valid as long as the plugin is loaded. Never holds keys. */
typedef struct flame_parent_info {
  uint32_t struct_size;
  uint32_t reserved;
  const char* host_name;  /* [host] name of the configuration */
  const char* pool;       /* pool this runner belongs to */
  const char* runner_id;  /* unique per host incarnation */
  const char* backend;    /* "local", "fly", ... */
} flame_parent_info;

/* One invocation. Owned by the runner; valid until invoke() returns. */
struct flame_call {
  uint32_t struct_size;
  uint32_t attempt; /* 1 on the first try */
  const flame_runner_api* api;
  flame_view input;              /* the arguments' table; 16-byte aligned; unverified: the SDK verifies it */
  const flame_view* attachments; /* [attachment_count], each 16-byte aligned */
  size_t attachment_count;
  size_t resource_count;         /* entries that tracked() knows */
  void* object;                  /* the object of a method, else NULL */
  const flame_parent_info* parent; /* NULL outside a runner (tests) */
};

/* flame_task::flags */
#define FLAME_TASK_IDEMPOTENT 1u /* may run again after the runner or the slot was lost */
#define FLAME_TASK_METHOD 2u     /* needs flame_call::object of type `object` */
#define FLAME_TASK_CHILD 4u      /* its result is one object of type `object` that occupies the slot */

/* flame_plugin::flags. Slots are started by exec, one by one, and never forked from a process that has loaded the plugin:
 * start() runs in each of them, before start_slot(), and nothing that it made is shared. */
#define FLAME_PLUGIN_EXEC_SLOTS 1u

#define FLAME_NAME_MAX 255u    /* bytes of a plugin, task or type name, without the NUL */
#define FLAME_TASKS_MAX 4096u  /* entries of one plugin */

typedef struct flame_task {
  uint32_t struct_size;
  uint32_t flags;
  const char* name;                /* "video::resize_quality"; methods: "video::Index::query" */
  uint64_t fingerprint;            /* hash of the derived schema of arguments and result */
  const flame_object_type* object; /* FLAME_TASK_METHOD, FLAME_TASK_CHILD; else NULL */
  flame_status (*invoke)(flame_call*); /* [slot]; concurrent in thread isolation; never unwinds */
} flame_task;

typedef struct flame_plugin {
  uint32_t struct_size;
  uint16_t abi_major;
  uint16_t abi_minor;
  const char* name;
  const char* version;
  uint32_t task_count;
  uint32_t task_stride; /* distance of two entries, so that flame_task may grow */
  const flame_task* tasks;
  /* [loader] Optional. Loads what all slots share (a model). Must leave no thread behind; else slots are exec'd one
   * by one, as with FLAME_PLUGIN_EXEC_SLOTS. Failure: return a status after writing a message (NUL-terminated, cut to `size`). */
  flame_status (*start)(const flame_parent_info*, char* message, size_t size);
  /* [slot] Optional. Once in each slot before its first call; threads are allowed here. Same failure rule. */
  flame_status (*start_slot)(const flame_parent_info*, char* message, size_t size);
  /* Since 1.1: [slot] Optional. Asked in an idle slot when the runner has had nothing to do for the pool's
   * idle_shutdown_after: 1 it may go, 0 it stays for as long again, -1 the check failed (message as above), which counts
   * as 1, as does a slot that dies of it or a check that takes too long. */
  int32_t (*idle_check)(const flame_parent_info*, char* message, size_t size);
  /* Since 1.2: [slot] Optional. Once in each slot whose start_slot() succeeded, when the slot ends in good order: it has
   * become idle for good, is replaced after a call, or its runner retires or shuts down. Nothing runs in the slot then
   * and none of its objects is left; in thread isolation other slots of the process run theirs at the same time. The
   * process is killed when this takes longer than 0.25 s. Never runs in a slot that crashed or is
   * killed. Failure: return a status after writing a message as for start(); it is logged and changes nothing. */
  flame_status (*stop_slot)(const flame_parent_info*, char* message, size_t size);
  /* Since 1.2: FLAME_PLUGIN_... bits. Unknown bits: the runner must refuse the plugin. */
  uint64_t flags;
} flame_plugin;

/* Returns a constant table with static storage. No side effects; callable any number of times, from any thread.
 * NULL if the plugin cannot work with this runner's minor version. */
typedef const flame_plugin* (*flame_entry_fn)(uint32_t runner_abi_minor);

/* Each member added later has its own FLAME_*_SIZE_V1_n; these are the sizes a 1.0 peer has. */
#define FLAME_PLUGIN_SIZE_V1_0 56u
#define FLAME_PLUGIN_SIZE_V1_1 64u
#define FLAME_PLUGIN_SIZE_V1_2 80u
#define FLAME_TASK_SIZE_V1_0 40u
#define FLAME_CALL_SIZE_V1_0 72u
#define FLAME_RUNNER_API_SIZE_V1_0 104u
#define FLAME_OBJECT_TYPE_SIZE_V1_0 32u
#define FLAME_PARENT_INFO_SIZE_V1_0 40u

#ifdef __cplusplus
#define FLAME_ABI_ASSERT(cond) static_assert(cond, #cond)
#else
#define FLAME_ABI_ASSERT(cond) _Static_assert(cond, #cond)
#endif
FLAME_ABI_ASSERT(sizeof(void*) == 8 && sizeof(size_t) == 8);
FLAME_ABI_ASSERT(sizeof(flame_plugin) == FLAME_PLUGIN_SIZE_V1_2);
FLAME_ABI_ASSERT(sizeof(flame_task) == FLAME_TASK_SIZE_V1_0);
FLAME_ABI_ASSERT(sizeof(flame_call) == FLAME_CALL_SIZE_V1_0);
FLAME_ABI_ASSERT(sizeof(flame_runner_api) == FLAME_RUNNER_API_SIZE_V1_0);
FLAME_ABI_ASSERT(sizeof(flame_object_type) == FLAME_OBJECT_TYPE_SIZE_V1_0);
FLAME_ABI_ASSERT(sizeof(flame_parent_info) == FLAME_PARENT_INFO_SIZE_V1_0);
FLAME_ABI_ASSERT(offsetof(flame_task, invoke) == 32);
FLAME_ABI_ASSERT(offsetof(flame_plugin, tasks) == 32);
FLAME_ABI_ASSERT(offsetof(flame_plugin, idle_check) == FLAME_PLUGIN_SIZE_V1_0);
FLAME_ABI_ASSERT(offsetof(flame_plugin, stop_slot) == FLAME_PLUGIN_SIZE_V1_1);

#ifdef __cplusplus
}
#endif
#endif /* FLAME_ABI_H */

/* A plugin in C, built once from each frozen header (FLAME_FROZEN_HEADER, minor FLAME_FROZEN_MINOR).
 * "frozen::double_it" returns each byte of its input doubled and echoes the attachments; "frozen::fail" reports an
 * error. */
#include FLAME_FROZEN_HEADER

#define FROZEN_TEXT(number) #number
#define FROZEN_STRING(number) FROZEN_TEXT(number)

__asm__(
    ".pushsection .note.flame.plugin,\"a\",@note\n"
    ".balign 4\n"
    ".long 6, 2f - 1f, 1\n"
    ".ascii \"FLAME\\0\\0\\0\"\n"
    "1:\n"
    ".ascii \"flame = 1\\nname = 'frozen'\\nversion = '1.0.0'\\nabi = '1." FROZEN_STRING(FLAME_FROZEN_MINOR) "'\\n\"\n"
    ".ascii \"[[task]]\\nname = 'frozen::double_it'\\nkind = 'task'\\nfingerprint = '0000000000000001'\\nschema = "
    "''\\n\"\n"
    ".ascii \"[[task]]\\nname = 'frozen::fail'\\nkind = 'task'\\nfingerprint = '0000000000000002'\\nschema = ''\\n\"\n"
    "2:\n"
    ".balign 4\n"
    ".popsection\n");

static flame_status double_it(flame_call* call) {
  if (call->api->struct_size < FLAME_RUNNER_API_SIZE_V1_0 || call->struct_size < FLAME_CALL_SIZE_V1_0) {
    return FLAME_INVALID_ARGUMENT;
  }
  uint8_t* result = call->api->result_alloc(call, call->input.size);
  if (result == NULL) {
    return FLAME_TOO_LARGE;
  }
  for (size_t i = 0; i < call->input.size; ++i) {
    result[i] = (uint8_t)(2 * call->input.data[i]);
  }
  for (size_t i = 0; i < call->attachment_count; ++i) {
    if (call->api->result_attach(call, call->attachments[i]) != FLAME_OK) {
      return FLAME_TOO_LARGE;
    }
  }
  call->api->log(call, 1, "doubled", 7);
  return FLAME_OK;
}

static flame_status fail(flame_call* call) {
  call->api->set_error(call, "frozen", "as asked");
  return FLAME_TASK_FAILED;
}

static const flame_task tasks[] = {
    {sizeof(flame_task), FLAME_TASK_IDEMPOTENT, "frozen::double_it", 1, NULL, double_it},
    {sizeof(flame_task), 0, "frozen::fail", 2, NULL, fail},
};

#if FLAME_FROZEN_MINOR >= 1
static int32_t idle_check(const flame_parent_info* parent, char* message, size_t size) {
  (void)parent, (void)message, (void)size;
  return 0;
}
#endif
#if FLAME_FROZEN_MINOR >= 2
static flame_status stop_slot(const flame_parent_info* parent, char* message, size_t size) {
  (void)parent, (void)message, (void)size;
  return FLAME_OUT_OF_MEMORY;
}
#endif

static const flame_plugin plugin = {
    .struct_size = sizeof(flame_plugin),
    .abi_major = FLAME_ABI_MAJOR,
    .abi_minor = FLAME_ABI_MINOR,
    .name = "frozen",
    .version = "1.0.0",
    .task_count = 2,
    .task_stride = sizeof(flame_task),
    .tasks = tasks,
#if FLAME_FROZEN_MINOR >= 1
    .idle_check = idle_check,
#endif
#if FLAME_FROZEN_MINOR >= 2
    .stop_slot = stop_slot,
    .flags = FLAME_PLUGIN_EXEC_SLOTS,
#endif
};

const flame_plugin* flame_plugin_entry_v1(uint32_t runner_abi_minor);
const flame_plugin* flame_plugin_entry_v1(uint32_t runner_abi_minor) {
  (void)runner_abi_minor;
  return &plugin;
}

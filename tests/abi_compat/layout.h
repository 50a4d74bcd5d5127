/* Every offset that a plugin built from ABI 1.0 relies on, and what later minors added; expanded with each header. */
#ifndef FLAME_TEST_LAYOUT_H
#define FLAME_TEST_LAYOUT_H

#include <stddef.h>

#define FLAME_LAYOUT_COUNT 51
#define FLAME_LAYOUT                                                                                                  \
  {                                                                                                                   \
    offsetof(flame_view, data), offsetof(flame_view, size), offsetof(flame_object_type, name),                        \
        offsetof(flame_object_type, destroy), offsetof(flame_object_type, run),                                       \
        offsetof(flame_runner_api, struct_size), offsetof(flame_runner_api, abi_minor),                               \
        offsetof(flame_runner_api, result_alloc), offsetof(flame_runner_api, result_attach),                          \
        offsetof(flame_runner_api, set_error), offsetof(flame_runner_api, stop_requested),                            \
        offsetof(flame_runner_api, wait_stop), offsetof(flame_runner_api, end_wait_stop),                             \
        offsetof(flame_runner_api, remaining_ns), offsetof(flame_runner_api, log),                                    \
        offsetof(flame_runner_api, progress), offsetof(flame_runner_api, track), offsetof(flame_runner_api, tracked), \
        offsetof(flame_runner_api, get_extension), offsetof(flame_input_extension, retain),                           \
        offsetof(flame_input_extension, release), offsetof(flame_parent_info, host_name),                             \
        offsetof(flame_parent_info, pool), offsetof(flame_parent_info, runner_id),                                    \
        offsetof(flame_parent_info, backend), offsetof(struct flame_call, struct_size),                               \
        offsetof(struct flame_call, attempt), offsetof(struct flame_call, api), offsetof(struct flame_call, input),   \
        offsetof(struct flame_call, attachments), offsetof(struct flame_call, attachment_count),                      \
        offsetof(struct flame_call, resource_count), offsetof(struct flame_call, object),                             \
        offsetof(struct flame_call, parent), offsetof(flame_task, struct_size), offsetof(flame_task, flags),          \
        offsetof(flame_task, name), offsetof(flame_task, fingerprint), offsetof(flame_task, object),                  \
        offsetof(flame_task, invoke), offsetof(flame_plugin, struct_size), offsetof(flame_plugin, abi_major),         \
        offsetof(flame_plugin, abi_minor), offsetof(flame_plugin, name), offsetof(flame_plugin, version),             \
        offsetof(flame_plugin, task_count), offsetof(flame_plugin, task_stride), offsetof(flame_plugin, tasks),       \
        offsetof(flame_plugin, start), offsetof(flame_plugin, start_slot), sizeof(flame_view)                         \
  }

/* What 1.1 and 1.2 have added. */
#define FLAME_ADDED_COUNT 6
#define FLAME_ADDED_LAYOUT                                                                                           \
  {                                                                                                                  \
    offsetof(flame_plugin, idle_check), offsetof(flame_plugin, stop_slot), offsetof(flame_plugin, flags),            \
        offsetof(flame_where_extension, struct_size), offsetof(flame_where_extension, set_where), sizeof(flame_plugin) \
  }

#define FLAME_LAYOUT_NAME(minor) FLAME_LAYOUT_NAME_OF(minor)
#define FLAME_LAYOUT_NAME_OF(minor) flame_frozen_layout_1_##minor

#ifdef __cplusplus
extern "C" {
#endif
extern const size_t FLAME_LAYOUT_NAME(0)[FLAME_LAYOUT_COUNT];
extern const size_t FLAME_LAYOUT_NAME(1)[FLAME_LAYOUT_COUNT];
extern const size_t FLAME_LAYOUT_NAME(2)[FLAME_LAYOUT_COUNT];
extern const size_t flame_added_layout[FLAME_ADDED_COUNT];
#ifdef __cplusplus
}
#endif

#endif

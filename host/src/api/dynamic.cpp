// Calls by name with encoded bytes.
#include <flame/dynamic.hpp>

#include <algorithm>
#include <utility>

#include "host/src/api/pool_front.hpp"

namespace flame {
namespace {

TaskInfo describe(const pool::CatalogPlugin& plugin, const manifest::TaskEntry& entry) {
  return {.name = entry.name,
          .plugin = plugin.manifest.name,
          .version = plugin.manifest.version.to_string(),
          .digest = plugin.digest,
          .fingerprint = entry.fingerprint,
          .schema = entry.schema,
          .options = {.timeout = entry.timeout, .retries = entry.retries, .idempotent = entry.idempotent},
          .method = entry.kind == manifest::TaskKind::method,
          .child = entry.kind == manifest::TaskKind::child};
}

}  // namespace

std::vector<TaskInfo> list_tasks(const Pool& pool) {
  std::vector<TaskInfo> tasks;
  for (const pool::CatalogPlugin* plugin : pool.core()->plugins()) {
    for (const manifest::TaskEntry& entry : plugin->manifest.tasks) tasks.push_back(describe(*plugin, entry));
  }
  std::stable_sort(tasks.begin(), tasks.end(), [](const TaskInfo& a, const TaskInfo& b) { return a.name < b.name; });
  return tasks;
}

Result<TaskInfo> find_task(const Pool& pool, std::string_view name) {
  const auto task = pool.core()->find_task(detail::CallSpec{.task = std::string(name)});
  if (task.has_error()) return task.error();
  return describe(*task->plugin, *task->entry);
}

Future<RawPayload> async_raw(const Pool& pool, std::string_view task, RawPayload arguments, CallOptions options,
                             RawProgress on_progress) {
  auto state = detail::submit(pool.core(), {.task = std::string(task),
                                            .arguments = std::move(arguments),
                                            .options = std::move(options),
                                            .on_progress = std::move(on_progress)});
  return detail::make_future<RawPayload>(std::move(state), [](detail::CallState& done) { return done.take(); });
}

Result<RawPayload> call_raw(const Pool& pool, std::string_view task, RawPayload arguments, CallOptions options,
                            RawProgress on_progress) {
  return async_raw(pool, task, std::move(arguments), std::move(options), std::move(on_progress)).try_get();
}

}  // namespace flame

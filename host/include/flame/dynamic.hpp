// Calls by name with encoded bytes: for programs that learn tasks at run time, such as the `flame` command.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <flame/detail/payload.hpp>
#include <flame/detail/unique_function.hpp>
#include <flame/future.hpp>
#include <flame/options.hpp>
#include <flame/pool.hpp>
#include <flame/result.hpp>

namespace flame {

/// Encoded arguments or an encoded result: one FlatBuffers table by the task's schema, and its attachments.
using RawPayload = detail::Payload;

/// What a pool can run. Copied from the manifest of the plugin that the pool resolved.
struct TaskInfo {
  std::string name;     ///< "video::resize_quality"
  std::string plugin;   ///< "video"
  std::string version;  ///< "1.4.0"
  std::string digest;   ///< SHA-256 of the plugin, 64 lower-case hex digits
  std::uint64_t fingerprint = 0;
  std::string schema;  ///< FlatBuffers schema text: arguments are table Call, the result is table Return
  TaskOptions options;
  bool method = false;  ///< belongs to a tracked resource or child; not callable by name alone
  bool child = false;   ///< makes a child; see Pool::place_child
};

/// Every task, method and child factory of the pool's plugins, sorted by name. [any thread; reads no file]
[[nodiscard]] std::vector<TaskInfo> list_tasks(const Pool& pool);

/// The task of this name. `not_found` names the nearest ones.
[[nodiscard]] Result<TaskInfo> find_task(const Pool& pool, std::string_view name);

/// Called on a callback thread of the host, in order; a late report may still come after the result.
using RawProgress = detail::UniqueFunction<void(double fraction, const std::string& message)>;

/// Starts `task` with bytes that the caller encoded by TaskInfo::schema; the runner verifies them
/// (`invalid_argument`). Errors as for Pool::async. Never blocks. [any thread]
[[nodiscard]] Future<RawPayload> async_raw(const Pool& pool, std::string_view task, RawPayload arguments,
                                           CallOptions options = {}, RawProgress on_progress = {});

/// The same, and waits. [any thread]
[[nodiscard]] Result<RawPayload> call_raw(const Pool& pool, std::string_view task, RawPayload arguments,
                                          CallOptions options = {}, RawProgress on_progress = {});

}  // namespace flame

// Error and Usage as tables: the public headers know nothing of generated code.
#include "plugin_sdk/wire/nested.hpp"

#include <wire_generated.h>

namespace flame::wire {

fb::UsageT NestedAs<fb::UsageT>::table(const Usage& usage) {
  return {.wall_ns = usage.wall_ns,
          .user_ns = usage.user_ns,
          .system_ns = usage.system_ns,
          .peak_memory = usage.peak_memory};
}

Usage NestedAs<fb::UsageT>::value(fb::UsageT&& table) {
  return {table.wall_ns, table.user_ns, table.system_ns, table.peak_memory};
}

bool NestedAs<fb::UsageT>::absent(const Usage& usage) {
  return table(usage) == fb::UsageT();
}

fb::ErrorT NestedAs<fb::ErrorT>::table(const Error& error) {
  fb::ErrorT table;
  table.code = static_cast<fb::ErrorCode>(error.code);
  table.type = error.type;
  table.message = error.message;
  table.where = error.where;
  table.log_tail = error.log_tail;
  table.signal = error.signal;
  table.exit_code = error.exit_code;
  table.collateral = error.collateral;
  table.started = static_cast<fb::Started>(error.started);
  table.usage = error.usage;
  table.runner = error.runner;
  table.plugin = error.plugin;
  return table;
}

Error NestedAs<fb::ErrorT>::value(fb::ErrorT&& table) {
  return {.code = static_cast<ErrorCode>(table.code),
          .type = std::move(table.type),
          .message = std::move(table.message),
          .where = std::move(table.where),
          .log_tail = std::move(table.log_tail),
          .signal = table.signal,
          .exit_code = table.exit_code,
          .collateral = table.collateral,
          .started = static_cast<Started>(table.started),
          .usage = table.usage,
          .runner = std::move(table.runner),
          .plugin = std::move(table.plugin)};
}

}  // namespace flame::wire

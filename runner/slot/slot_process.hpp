// A slot process from its first instruction to its end: parentage, limits, output, then one SlotLoop per slot.
#pragma once

#include <sys/types.h>

#include <span>
#include <string_view>
#include <vector>

#include <flame/error.hpp>

#include "plugin_sdk/base/unique_fd.hpp"
#include "runner/protocol/protocol.hpp"
#include "runner/slot/plugin_table.hpp"

namespace flame::slot {

/// One slot's ends, received from the supervisor.
struct SlotEnds {
  base::UniqueFd channel;
  base::UniqueFd control;
  base::UniqueFd arena;
};

struct SlotProcess {
  base::UniqueFd out;
  base::UniqueFd err;
  std::vector<SlotEnds> slots;  // more than one: threads
  bool threads = false;
  SlotLimits limits;
  pid_t supervisor = 0;
};

/// Says for each slot of a process that has announced none why it cannot serve. `shortage`: it may later.
void refuse_slots(std::span<const SlotEnds> slots, ErrorCode code, std::string_view reason, bool shortage);

/// Becomes the slot process. The caller is single-threaded, and the supervisor is or will become its parent. Ends with
/// _exit(): destructors of what the plugin left are not run.
[[noreturn]] void run_slot_process(SlotProcess process, const PluginTable& table, const flame_parent_info& parent);

}  // namespace flame::slot

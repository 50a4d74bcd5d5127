// The zygote's life: load the plugin, run start(), then fork slots on request.
#pragma once

namespace flame::slot {

/// Serves the supervisor on `channel` until it closes it. `exec_slot`: becomes the slot process of the first request
/// instead of forking (for plugins whose start() leaves threads). Returns the exit status.
[[nodiscard]] int run_zygote(int channel, bool exec_slot);

}  // namespace flame::slot

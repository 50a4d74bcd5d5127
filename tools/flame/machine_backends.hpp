// The backends of a configuration, opened without a host: their machines can be seen and ended when no host runs.
#pragma once

#include <memory>
#include <string>

#include <flame/result.hpp>

#include "tools/flame/machine_source.hpp"

namespace flame::cli {

/// Opens those that list; they are closed with the source, also when the command is interrupted. Each call waits
/// limits::kMachineCommandMax at most. Error: invalid_argument, the configuration or its backends' options are not
/// right.
[[nodiscard]] Result<std::unique_ptr<MachineSource>> open_backends(const std::string& config_path);

}  // namespace flame::cli

// One table of [backends] → BackendConfig.
#pragma once

#include <filesystem>
#include <string_view>

#include <toml++/toml.h>

#include <flame/config.hpp>

#include "host/src/config/config_reader.hpp"

namespace flame::pool {

/// Adds `[backends.NAME]` to `config`, or reports what is wrong. `directory`: that of the file.
void read_backend(std::string_view name, const toml::node& value, const std::filesystem::path& directory,
                  HostConfig& config, ConfigReport& report);

}  // namespace flame::pool

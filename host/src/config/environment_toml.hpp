// [pools.NAME.env] → plain variables and secrets.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <toml++/toml.h>

#include <flame/config.hpp>

#include "host/src/config/config_reader.hpp"

namespace flame::pool {

/// `path`: "pools.ffmpeg.env"; `directory`: that of the file.
void read_environment(const toml::table& table, const std::string& path, const std::filesystem::path& directory,
                      std::map<std::string, std::string>& plain, std::map<std::string, Secret>& secret,
                      ConfigReport& report);

}  // namespace flame::pool

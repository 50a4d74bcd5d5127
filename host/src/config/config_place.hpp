// Where an option stands in the file, for errors that are found after it was parsed.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include <flame/config.hpp>

namespace flame::pool {

/// Of "pools.ffmpeg.backend", "pools.ffmpeg.plugins[0]". The place of the table around it when the option itself is not
/// written; no file when there is neither.
[[nodiscard]] Location nearest(const std::map<std::string, Location>& places, std::string path);

/// "flame.toml:4:11: ", or nothing: the begin of a message.
[[nodiscard]] std::string at(const Location& where);

/// What failed to resolve `config.pools[pool].plugins[index]`, with its place and path.
[[nodiscard]] Error plugin_error(const HostConfig& config, const std::string& pool, std::size_t index, Error error);

}  // namespace flame::pool

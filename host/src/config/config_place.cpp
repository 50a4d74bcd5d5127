// Finds places by path.
#include "host/src/config/config_place.hpp"

#include <utility>

namespace flame::pool {

Location nearest(const std::map<std::string, Location>& places, std::string path) {
  for (;;) {
    if (const auto place = places.find(path); place != places.end()) return place->second;
    const std::size_t end = path.find_last_of(".[");
    if (end == std::string::npos) return {};
    path.resize(end);
  }
}

std::string at(const Location& where) {
  return where.file.empty() ? std::string() : where.to_string() + ": ";
}

Error plugin_error(const HostConfig& config, const std::string& pool, std::size_t index, Error error) {
  const std::string path = "pools." + pool + ".plugins";
  error.message = at(nearest(config.places, path + "[" + std::to_string(index) + "]")) + path + ": " + error.message;
  return error;
}

}  // namespace flame::pool

// See place.hpp.
#include "host/src/plugins/store/place.hpp"

#include "plugin_sdk/base/make_error.hpp"

namespace flame::store {

Result<std::filesystem::path> place_of(const std::string& setting, const Environment& environment) {
  if (setting == "auto") return default_place(environment);
  if (setting.empty()) return std::filesystem::path();
  return std::filesystem::absolute(setting).lexically_normal();
}

Result<std::filesystem::path> default_place(const Environment& environment) {
  const std::filesystem::path data = environment.xdg_data_home;
  if (data.is_absolute()) return data / "flame" / "plugins";
  const std::filesystem::path home = environment.home;
  if (home.is_absolute()) return home / ".local" / "share" / "flame" / "plugins";
  return base::make_error(
      ErrorCode::invalid_argument,
      "[plugins] store is \"auto\", the user's data directory, but HOME " +
          (home.empty() ? std::string("is not set") : "is \"" + environment.home + "\", which is no absolute path") +
          "; set HOME or XDG_DATA_HOME, or name a directory: store = \"/var/lib/flame/plugins\"");
}

}  // namespace flame::store

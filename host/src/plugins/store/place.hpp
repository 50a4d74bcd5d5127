// Where the store lies when nobody says: in the user's data directory.
#pragma once

#include <filesystem>
#include <string>

#include <flame/result.hpp>

namespace flame::store {

/// What the environment says; empty: nothing.
struct Environment {
  std::string xdg_data_home;  ///< $XDG_DATA_HOME
  std::string home;           ///< $HOME
};

/// `[plugins] store = "auto"`: $XDG_DATA_HOME/flame/plugins, or $HOME/.local/share/flame/plugins. A path that is not
/// absolute counts as none, as the XDG specification has it. Error: invalid_argument that names the key. [any thread]
[[nodiscard]] Result<std::filesystem::path> default_place(const Environment& environment);

/// What `[plugins] store` or --store says, "auto" or a directory, as an absolute path; empty: there is none. Error:
/// default_place()'s. [any thread]
[[nodiscard]] Result<std::filesystem::path> place_of(const std::string& setting, const Environment& environment);

}  // namespace flame::store

// Strings, and tables that name where a secret is.
#include "host/src/config/environment_toml.hpp"

#include <optional>

#include "host/src/config/secret_toml.hpp"

namespace flame::pool {

void read_environment(const toml::table& table, const std::string& path, const std::filesystem::path& directory,
                      std::map<std::string, std::string>& plain, std::map<std::string, Secret>& secret,
                      ConfigReport& report) {
  for (const auto& [key, value] : table) {
    const std::string name(key.str());
    report.place(path + "." + name, value.source());
    const toml::table* source = value.as_table();
    const std::optional<Secret> named = source ? read_secret(*source, directory) : std::nullopt;
    if (named)
      secret.insert_or_assign(name, *named);
    else if (const auto* text = value.as_string())
      plain.insert_or_assign(name, text->get());
    else
      report.add(value.source(), path + "." + name +
                                     " must be a string, or a secret ({ env = \"VARIABLE\" } or { file = \"PATH\" }), "
                                     "not " +
                                     describe(value));
  }
}

}  // namespace flame::pool

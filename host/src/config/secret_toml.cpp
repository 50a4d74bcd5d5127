// { env = "X" } and { file = "…" }.
#include "host/src/config/secret_toml.hpp"

#include <string>

namespace flame::pool {

std::optional<Secret> read_secret(const toml::table& table, const std::filesystem::path& directory) {
  if (table.size() != 1) return std::nullopt;
  if (const auto* env = table.get_as<std::string>("env")) return Secret::from_env(env->get());
  if (const auto* file = table.get_as<std::string>("file"))
    return Secret::from_file((directory / file->get()).lexically_normal().string());
  return std::nullopt;
}

}  // namespace flame::pool

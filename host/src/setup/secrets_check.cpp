// Reads them and forgets them.
#include "host/src/setup/secrets_check.hpp"

#include <string>
#include <utility>

#include "host/src/config/config_place.hpp"
#include "host/src/loop/task_secrets.hpp"

namespace flame::pool {

std::vector<Error> check_secrets(const HostConfig& config) {
  std::vector<Error> problems;
  const auto check = [&](const std::string& path, const std::map<std::string, Secret>& secrets) {
    auto revealed = reveal(secrets);
    if (revealed) return true;
    Error error = std::move(revealed).error();
    error.message = at(nearest(config.places, path)) + path + ": " + error.message;
    problems.push_back(std::move(error));
    return false;
  };
  for (const auto& [name, pool] : config.pools) {
    const std::string path = "pools." + name + ".env";
    bool each = true;
    for (const auto& [variable, secret] : pool.secret_env) {
      if (!check(path + "." + variable, {{variable, secret}})) each = false;
    }
    if (each) check(path, pool.secret_env);  // together they may be too large
  }
  return problems;
}

}  // namespace flame::pool

// The options that [backends.local] takes.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/local/local_backend.hpp"
#include "plugin_sdk/base/suggest.hpp"

namespace flame::backends {
namespace {

constexpr std::string_view kEnvPrefix = "env.";

const std::vector<std::string>& valid_keys() {
  static const std::vector<std::string> keys{"runner", "log", "env"};
  return keys;
}

Error invalid(const Option& option, const std::string& what) {
  const auto& at = option.where;  // formatted here: a backend links nothing of the host
  const std::string where =
      at.file.empty() ? "" : at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
  return Error{.code = ErrorCode::invalid_argument, .message = where + what};
}

}  // namespace

Result<LocalOptions> parse_local_options(const BackendOptions& options) {
  LocalOptions parsed;
  for (const auto& [key, option] : options.values) {
    const bool is_env = key.starts_with(kEnvPrefix) && key.size() > kEnvPrefix.size();
    if (!is_env && key != "runner" && key != "log") {
      const auto hint = base::did_you_mean(key, valid_keys());
      return invalid(option, "unknown key '" + key + "'" + (hint.empty() ? "." : hint) +
                                 " Keys of [backends.local]: runner, log, env.");
    }
    const auto* text = std::get_if<std::string>(&option.value);
    if (is_env && std::holds_alternative<Secret>(option.value))
      return invalid(option, "'" + key + "' is a secret: those of tasks stand in [pools.NAME.env].");
    if (text == nullptr) return invalid(option, "'" + key + "' must be a string.");
    if (is_env) {
      parsed.env[key.substr(kEnvPrefix.size())] = *text;
    } else if (text->empty()) {
      return invalid(option, "'" + key + "' must not be empty; leave it out for the default.");
    } else {
      (key == "runner" ? parsed.runner : parsed.log) = *text;
    }
  }
  return parsed;
}

}  // namespace flame::backends

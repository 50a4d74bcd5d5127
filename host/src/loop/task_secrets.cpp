// From sources to values.
#include "host/src/loop/task_secrets.hpp"

#include <cstddef>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

Result<std::vector<wire::KeyValue>> reveal(const std::map<std::string, Secret>& secrets) {
  std::vector<wire::KeyValue> values;
  std::size_t bytes = 0;
  const auto wrong = [](const std::string& name, const std::string& what) {
    return base::make_error(ErrorCode::invalid_argument, "secret " + name + ": " + what);
  };
  for (const auto& [name, secret] : secrets) {
    auto value = secret.reveal();
    if (!value) return wrong(name, value.error().message);
    if (value->find('\0') != std::string::npos)
      return wrong(name, secret.describe() + " has a zero byte, and no variable can have one");
    bytes += name.size() + value->size();
    if (bytes > limits::kTaskSecretsBytesMax)
      return wrong(name, "the secrets of a pool may have " +
                             std::to_string(limits::kTaskSecretsBytesMax / limits::KiB) +
                             " KiB together; give tasks the path of a file instead");
    values.push_back({.key = name, .value = std::move(*value)});
  }
  return values;
}

}  // namespace flame::pool

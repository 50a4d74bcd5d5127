// Adds, and takes out what would be found first.
#include "runner/plugins/task_environment.hpp"

namespace flame::runner {

std::vector<std::string> with_secrets(std::vector<std::string> environment,
                                      const std::vector<wire::KeyValue>& secrets) {
  for (const wire::KeyValue& secret : secrets) {
    const std::string name = secret.key + "=";
    std::erase_if(environment, [&](const std::string& variable) { return variable.starts_with(name); });
    environment.push_back(name + secret.value);
  }
  return environment;
}

}  // namespace flame::runner

// The plugin: the function's definition, and the one macro that makes this shared object a plugin.
#include "plugins/hello/hello.hpp"

#include <stdexcept>

#include <flame/plugin.hpp>

std::string hello::greet(std::string name) {
  if (name.empty()) throw std::invalid_argument("whom shall I greet?");
  return "Hello, " + name + "!";
}

FLAME_PLUGIN("hello", "1.0.0", plugin) {
  plugin.task<hello::greet>();
}

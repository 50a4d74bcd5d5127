// The function that runs on a runner.
#include "greet.hpp"

namespace greet {
std::string hello(std::string name) {
  return "hello, " + name;
}
}  // namespace greet

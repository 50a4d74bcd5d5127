// See demangle.hpp.
#include "plugin_sdk/sdk/demangle.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace flame::detail {
std::string demangle(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 && text != nullptr ? std::string(text.get()) : std::string(name);
}

}  // namespace flame::detail

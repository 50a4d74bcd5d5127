// See demangle.hpp.
#include "plugin_sdk/sdk/demangle.hpp"

#include <cxxabi.h>

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace flame::detail {
namespace {

// 2^(n / 2) times the name's length at most: a chain of pairs of pairs needs two references for each doubling.
constexpr std::size_t kReferencesMax = 16;
constexpr std::size_t kNameMax = 1024;

// "S_", "S0_" … and "T_", "T0_" …; letters of identifiers that look like one only make the count too high.
std::size_t count_references(const std::string& name) {
  std::size_t count = 0;
  for (std::size_t i = 0; i + 1 < name.size(); ++i) {
    const char next = name[i + 1];
    const bool numbered = next == '_' || (next >= '0' && next <= '9') || (next >= 'A' && next <= 'Z');
    if ((name[i] == 'S' || name[i] == 'T') && numbered) ++count;
  }
  return count;
}

}  // namespace

std::string demangle(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 && text != nullptr ? std::string(text.get()) : std::string(name);
}

std::string demangle_untrusted(const std::string& name) {
  const bool mangled = name.starts_with("_Z") && name.size() <= kNameMax;
  return mangled && count_references(name) <= kReferencesMax ? demangle(name.c_str()) : name;
}

}  // namespace flame::detail

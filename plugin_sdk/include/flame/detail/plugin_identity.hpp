// What a plugin's compile-time checks and the reader of its manifest must agree on.
#pragma once

#include <cstddef>
#include <string_view>

namespace flame::detail {

inline constexpr std::size_t kPluginNameMax = 64;

/// Whether `name` may name a plugin: [a-z][a-z0-9_-]{0,63}. It becomes part of file names, so nothing else may.
constexpr bool is_plugin_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > kPluginNameMax || name[0] < 'a' || name[0] > 'z') return false;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) return false;
  }
  return true;
}

/// The sanitizer that this translation unit is built with; empty for none. Both sides of the plugin ABI need the same.
constexpr std::string_view sanitizer_name() noexcept {
#if defined(__SANITIZE_ADDRESS__)
  return "address";
#elif defined(__SANITIZE_THREAD__)
  return "thread";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  return "address";
#elif __has_feature(thread_sanitizer)
  return "thread";
#else
  return "";
#endif
#else
  return "";
#endif
}

}  // namespace flame::detail

// One number for a task and its signature, wherever their text would cost: in Invoke, and towards slots.
#pragma once

#include <cstdint>
#include <string_view>

namespace flame::base {

/// FNV-1a over the name, then the fingerprint of the signature. Who knows a plugin's digest knows its tasks, and so
/// their numbers; a plugin in which two are equal is refused. [any thread]
[[nodiscard]] constexpr std::uint64_t task_id(std::string_view name, std::uint64_t fingerprint) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  for (int shift = 0; shift < 64; shift += 8) hash = (hash ^ ((fingerprint >> shift) & 0xff)) * 0x100000001b3u;
  return hash;
}

}  // namespace flame::base

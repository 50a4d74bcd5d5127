// How many machines each backend has, over all pools of a host, and how many it may have.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {

/// Kept by whoever has the machines: one counts from the request until its backend says that it is gone, which is later
/// than its pool's last word about it. Pools only look. Pure; not thread-safe.
class BackendRoom {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  /// At most so many machines. Without it there is no limit.
  void limit(const std::string& backend, std::uint64_t max) { backends_[backend].max = max; }
  void taken(const std::string& backend) { ++backends_[backend].machines; }
  void left(const std::string& backend) {
    std::uint64_t& machines = backends_[backend].machines;
    FLAME_ASSERT(machines > 0, "a machine was taken before it left");
    --machines;
    made_ = true;
  }
  /// Some machine has left since the last time.
  [[nodiscard]] bool take_made() noexcept { return std::exchange(made_, false); }

  /// How many more; kUnlimited: any number.
  [[nodiscard]] std::uint64_t free(std::string_view backend) const {
    const auto found = backends_.find(backend);
    if (found == backends_.end() || found->second.max == kUnlimited) return kUnlimited;
    const Backend& known = found->second;
    return known.max > known.machines ? known.max - known.machines : 0;
  }
  [[nodiscard]] std::uint64_t machines(std::string_view backend) const {
    const auto found = backends_.find(backend);
    return found == backends_.end() ? 0 : found->second.machines;
  }
  [[nodiscard]] std::uint64_t max(std::string_view backend) const {
    const auto found = backends_.find(backend);
    return found == backends_.end() ? kUnlimited : found->second.max;
  }

 private:
  struct Backend {
    std::uint64_t machines = 0;
    std::uint64_t max = kUnlimited;
  };
  std::map<std::string, Backend, std::less<>> backends_;
  bool made_ = false;
};

}  // namespace flame::pool

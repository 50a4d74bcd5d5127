// Numbers that must not be mixed up: StrongId<struct RunnerTag> and StrongId<struct CallTag> do not convert.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace flame::base {

/// 0 is "none".
template <typename Tag>
struct StrongId {
  std::uint64_t value = 0;

  explicit operator bool() const noexcept { return value != 0; }
  friend auto operator<=>(const StrongId&, const StrongId&) = default;
};

}  // namespace flame::base

template <typename Tag>
struct std::hash<flame::base::StrongId<Tag>> {
  std::size_t operator()(const flame::base::StrongId<Tag>& id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};

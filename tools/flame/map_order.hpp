// When the result of an item may be written: at once, or after those of all items before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

namespace flame::cli {

/// Pure. Items are announced in the order of the input and finish in any order.
class MapOrder {
 public:
  explicit MapOrder(bool ordered) : ordered_(ordered) {}

  void announce(std::uint64_t item) {
    if (ordered_) expected_.push_back(item);
  }
  /// `item` has finished with `text`; returns what is to be written now.
  [[nodiscard]] std::string finish(std::uint64_t item, std::string text);
  /// Finished items whose turn has not come.
  [[nodiscard]] std::size_t held() const noexcept { return held_.size(); }

 private:
  bool ordered_;
  std::deque<std::uint64_t> expected_;
  std::map<std::uint64_t, std::string> held_;
};

}  // namespace flame::cli

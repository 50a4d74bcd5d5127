// Order of results.
#include "tools/flame/map_order.hpp"

#include <utility>

namespace flame::cli {

std::string MapOrder::finish(std::uint64_t item, std::string text) {
  if (!ordered_) return text;
  held_.emplace(item, std::move(text));
  std::string out;
  while (!expected_.empty()) {
    const auto next = held_.find(expected_.front());
    if (next == held_.end()) break;
    out += next->second;
    held_.erase(next);
    expected_.pop_front();
  }
  return out;
}

}  // namespace flame::cli

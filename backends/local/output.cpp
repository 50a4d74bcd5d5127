// Lines and tail of a runner's output.
#include "backends/local/output.hpp"

#include <utility>

namespace flame::backends {

std::string OutputLines::add(std::string_view bytes) {
  tail_.append(bytes);
  if (tail_.size() > 2 * kTailMax) tail_.erase(0, tail_.size() - kTailMax);
  partial_.append(bytes);
  const auto newline = partial_.rfind('\n');
  if (newline == std::string::npos) {
    if (partial_.size() < kLineMax) return {};
    return std::exchange(partial_, {}) + "\n";
  }
  std::string lines = partial_.substr(0, newline + 1);
  partial_.erase(0, newline + 1);
  return lines;
}

std::string OutputLines::finish() {
  if (partial_.empty()) return {};
  return std::exchange(partial_, {}) + "\n";
}

std::string OutputLines::tail() const {
  std::string_view text = tail_;
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.size() <= kTailMax) return std::string(text);
  text.remove_prefix(text.size() - kTailMax);
  const auto newline = text.find('\n');
  if (newline != std::string_view::npos) text.remove_prefix(newline + 1);
  return std::string(text);
}

}  // namespace flame::backends

// See output_collector.hpp.
#include "runner/policy/output_collector.hpp"

#include <algorithm>
#include <utility>

namespace flame::runner {

void OutputCollector::start(std::uint64_t id) {
  id_ = id;
  partial_[0].clear();
  partial_[1].clear();
  sent_ = 0;
  held_.clear();
  held_bytes_ = 0;
  dropped_ = 0;
  tail_.clear();
}

void OutputCollector::feed(wire::Stream stream, std::string_view bytes, std::vector<wire::Output>& out) {
  std::string& partial = partial_[stream == wire::Stream::err ? 1 : 0];
  partial.append(bytes);
  std::string_view rest = partial;
  while (!rest.empty()) {
    const std::string_view window = rest.substr(0, limits::kTextMax);
    const std::size_t newline = window.rfind('\n');
    if (newline != std::string_view::npos) {
      emit(stream, wire::Level::info, window.substr(0, newline), out);
      rest.remove_prefix(newline + 1);
    } else if (window.size() == limits::kTextMax) {
      emit(stream, wire::Level::info, window, out);
      rest.remove_prefix(window.size());
    } else {
      break;
    }
  }
  partial.erase(0, partial.size() - rest.size());
}

void OutputCollector::log(wire::Level level, std::string_view line, std::vector<wire::Output>& out) {
  emit(wire::Stream::log, level, line.substr(0, limits::kTextMax), out);
}

void OutputCollector::finish(std::vector<wire::Output>& out) {
  for (int i = 0; i < 2; ++i) {
    if (partial_[i].empty()) continue;
    emit(i == 0 ? wire::Stream::out : wire::Stream::err, wire::Level::info, partial_[i], out);
    partial_[i].clear();
  }
  if (!held_.empty()) held_.front().dropped = dropped_;
  std::move(held_.begin(), held_.end(), std::back_inserter(out));
  held_.clear();
  held_bytes_ = 0;
}

void OutputCollector::emit(wire::Stream stream, wire::Level level, std::string_view text,
                           std::vector<wire::Output>& out) {
  tail_.append(text).push_back('\n');
  if (tail_.size() > 2 * limits::kLogTailMax) tail_.erase(0, tail_.size() - limits::kLogTailMax);
  wire::Output message{.id = id_, .stream = stream, .level = level, .text = std::string(text)};
  if (sent_ + text.size() > kLiveBytes || !held_.empty()) return hold_back(std::move(message));
  sent_ += text.size() + 1;
  out.push_back(std::move(message));
}

void OutputCollector::hold_back(wire::Output message) {
  held_bytes_ += message.text.size() + 1;
  held_.push_back(std::move(message));
  while (held_bytes_ > kTailBytes) {
    const std::size_t size = held_.front().text.size() + 1;
    held_bytes_ -= size;
    dropped_ += size;
    held_.pop_front();
  }
}

std::string OutputCollector::log_tail() const {
  if (tail_.size() <= limits::kLogTailMax) return tail_;
  const std::size_t cut = tail_.size() - limits::kLogTailMax;
  const std::size_t newline = tail_.find('\n', cut);
  return tail_.substr(newline == std::string::npos || newline + 1 >= tail_.size() ? cut : newline + 1);
}

}  // namespace flame::runner

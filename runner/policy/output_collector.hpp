// What a slot prints, cut into messages for the host: whole lines, bounded per invocation, with a tail for errors.
// Pure: bytes in, wire::Output out.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::runner {

/// The output of one slot. Of each invocation, limits::kOutputMax bytes are passed on: all but the last 64 KiB of them
/// at once, then the end of the output when the invocation finishes; `dropped` counts what lay between.
class OutputCollector {
 public:
  static constexpr std::size_t kTailBytes = 64 * limits::KiB;
  static constexpr std::size_t kLiveBytes = limits::kOutputMax - kTailBytes;

  /// What follows belongs to invocation `id` (0: to nobody in particular).
  void start(std::uint64_t id);
  /// Bytes of stdout or stderr. A text holds one or more whole lines without the last newline, at most
  /// limits::kTextMax bytes; a longer line is cut into several texts.
  void feed(wire::Stream stream, std::string_view bytes, std::vector<wire::Output>& out);
  /// A line of ctx.log().
  void log(wire::Level level, std::string_view line, std::vector<wire::Output>& out);
  /// The invocation has ended: passes unfinished lines and the held-back end on. log_tail() stays until start().
  void finish(std::vector<wire::Output>& out);

  /// The last limits::kLogTailMax bytes of all streams, in the order of arrival, cut at a line where possible.
  [[nodiscard]] std::string log_tail() const;

 private:
  void emit(wire::Stream stream, wire::Level level, std::string_view text, std::vector<wire::Output>& out);
  void hold_back(wire::Output message);

  std::uint64_t id_ = 0;
  std::string partial_[2];  // the unfinished line of stdout and stderr
  std::size_t sent_ = 0;
  std::deque<wire::Output> held_;
  std::size_t held_bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::string tail_;
};

}  // namespace flame::runner

// Lines to a descriptor that may stall: a terminal that was paused, a pipe that nobody reads, a disk that hangs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "plugin_sdk/base/clock.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::base {

/// write() never waits for the descriptor: a thread does, which starts with the first line. At most
/// limits::kLogQueueBytes wait; what comes beyond is dropped, and counted in a line of its own in its place as soon as
/// the reader is back. Lines keep their order. Any thread. In a child that somebody forked it does nothing.
class LineWriter {
 public:
  /// The line that says how many were dropped, with its newline. Called on the writer's thread.
  using DropNotice = std::function<std::string(std::uint64_t lines)>;

  /// `fd` is not closed.
  LineWriter(int fd, DropNotice notice);
  LineWriter(UniqueFd fd, DropNotice notice);
  /// As flush(limits::kLogFlushMax), unless an earlier flush has failed; what is left then is lost. A write that not
  /// even a signal ends (a disk that hangs) is left to its thread, which writes nothing after it.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// One or several whole lines, each with its newline.
  void write(std::string_view lines) noexcept;
  /// Waits until all is written, for at most `most`. False: the descriptor has not taken it.
  bool flush(Duration most) noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;  // also the thread's
};

}  // namespace flame::base

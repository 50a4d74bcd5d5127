// epoll as the supervisor's loop uses it: descriptors with a key that tells what they are.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "plugin_sdk/base/unique_fd.hpp"
#include "runner/policy/clock.hpp"

namespace flame::runner {

enum class Source : std::uint8_t {
  signals,
  control,
  bulk,
  control_monitor,
  bulk_monitor,
  plugin_found,
  zygote_channel,
  zygote_output,
  slot_channel,
  slot_out,
  slot_err,
};

/// What a descriptor is: `id` is a generation or a process, `index` a slot of it.
struct Key {
  Source source{};
  std::uint16_t index = 0;
  std::uint64_t id = 0;  // below 2^40
};

class Poller {
 public:
  struct Ready {
    Key key;
    bool readable;  // or ended
    bool writable;
  };

  /// Throws std::system_error when the system is out of descriptors.
  Poller();
  /// A descriptor of -1 is ignored. Closing a descriptor removes it.
  void add(int fd, Key key);
  void remove(int fd);
  /// Whether to report that it can be written, too.
  void watch_writable(int fd, Key key, bool on);
  /// Waits until `wake_at` at most. The span is valid until the next call.
  [[nodiscard]] std::span<const Ready> wait(Instant now, Instant wake_at);

 private:
  base::UniqueFd epoll_;
  std::array<epoll_event, 64> events_{};
  std::array<Ready, 64> ready_{};
};

}  // namespace flame::runner

// What LoopLeader asks of the system. A seam: tests/sim/leader puts simulated threads here and runs the same class.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/event_fd.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::pool {

/// Descriptors that one waiting thread is woken for, the one that came last; each piece of news wakes one, once.
class LeaderEvents {
 public:
  static constexpr unsigned kWatchedMax = 62;
  /// Bits of wait() beside those of the watched descriptors: timer or signal(); and a wait that a signal handler cut.
  static constexpr std::uint64_t kOwn = std::uint64_t{1} << kWatchedMax;
  static constexpr std::uint64_t kLook = std::uint64_t{1} << 63;

  /// Throws std::system_error when the system is out of descriptors.
  LeaderEvents();
  void watch(int fd, unsigned number);
  /// 0: nothing came within `timeout_ms`; negative: no limit. [any number of threads]
  [[nodiscard]] std::uint64_t wait(int timeout_ms) const noexcept;
  void signal() const noexcept { wake_.signal(); }
  void set_timer(Instant at) const noexcept;

 private:
  base::UniqueFd epoll_;
  base::UniqueFd timer_;
  base::EventFd wake_;
};

/// Whether a thread may work for the others: only one that the kernel treats no worse than the loop's own (see
/// is_at_least()). One of lower standing (SCHED_IDLE, nice 19) would make all calls wait until it gets a processor.
class LeaderStanding {
 public:
  void loop_is_here() noexcept;
  /// Looked up at most every 100 ms per thread. [any thread]
  [[nodiscard]] bool may_drive() const noexcept;

 private:
  std::atomic<pid_t> loop_{0};
};

/// The real system.
struct LinuxLeader {
  template <class T>
  using Atomic = std::atomic<T>;
  using Events = LeaderEvents;
  using Standing = LeaderStanding;

  /// A caller that is cancelled half-way through the loop's work would leave it torn.
  class Whole {
   public:
    Whole() noexcept;
    ~Whole();
    Whole(const Whole&) = delete;
    Whole& operator=(const Whole&) = delete;

   private:
    int before_ = 0;
  };

  [[nodiscard]] static Instant now() noexcept { return base::boot_time(); }
  /// False: `limit` has passed. May return early. kInfinite: no limit.
  static bool sleep_on(std::atomic<std::uint32_t>& word, std::uint32_t expected, Duration limit) noexcept;
  static void wake_all(std::atomic<std::uint32_t>& word) noexcept;
  static void yield() noexcept;
};

}  // namespace flame::pool

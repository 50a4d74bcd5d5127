// Simulated threads: they run real code, one at a time, and change places only at step() and sleep().
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/src/policy/types.hpp"

namespace flame::sim {

using flame::Duration;
using pool::Instant;

/// Who goes on: asked when there is a choice.
class Chooser {
 public:
  virtual ~Chooser() = default;
  /// One of `runnable` (numbers of threads, ascending); `last` ran before and may not be among them.
  [[nodiscard]] virtual std::size_t choose(const std::vector<std::size_t>& runnable, std::size_t last) = 0;
};

/// Time is virtual: it moves on to the next thing that waits for it when no thread can run. Not in sanitizer builds,
/// which do not know such stacks.
class Threads {
 public:
  static constexpr std::size_t kNobody = ~std::size_t{0};

  explicit Threads(Chooser& chooser) : chooser_(chooser) {}
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  std::size_t add(std::function<void()> body);
  /// Runs all to their ends. False: those that are left sleep for ever. `on_idle` is called before time moves on.
  bool run(const std::function<void()>& on_idle);

  [[nodiscard]] Instant now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

  // --- in a thread
  [[nodiscard]] std::size_t self() const noexcept { return running_; }
  /// Others may run here.
  void step();
  /// Others run here, if any can.
  void yield();
  /// Until wake() (true) or `deadline` (false).
  bool sleep(Instant deadline);

  // --- anywhere
  void wake(std::size_t thread);
  /// It does not get a processor until then, whatever happens.
  void starve(std::size_t thread, Instant until) { all_[thread]->starved_until = until; }
  [[nodiscard]] Instant starved_until(std::size_t thread) const { return all_[thread]->starved_until; }
  [[nodiscard]] bool is_starved(std::size_t thread) const { return all_[thread]->starved_until > now_; }
  /// A clock of the system: at this time `ring` is called. One per `key`; kNever takes it back.
  void alarm(std::size_t key, Instant at, std::function<void()> ring);

 private:
  static constexpr std::size_t kStackBytes = 128 * 1024;
  static constexpr std::uint64_t kStepsMax = 100'000;
  struct Thread {
    std::function<void()> body;
    std::unique_ptr<std::byte[]> stack;
    ucontext_t context{};
    bool sleeps = false;
    bool woken = false;
    bool ended = false;
    Instant deadline = pool::kNever;
    Instant starved_until{};
  };
  struct Alarm {
    Instant at = pool::kNever;
    std::function<void()> ring;
  };

  static void enter(unsigned high, unsigned low);
  void leave();
  void resume(std::size_t thread);
  [[nodiscard]] std::vector<std::size_t> runnable() const;
  [[nodiscard]] bool all_ended() const;
  [[nodiscard]] bool advance();

  Chooser& chooser_;
  std::vector<std::unique_ptr<Thread>> all_;
  std::vector<Alarm> alarms_;
  ucontext_t scheduler_{};
  std::size_t running_ = kNobody;
  std::size_t yielded_ = kNobody;
  Instant now_{std::chrono::hours(1)};
  std::uint64_t steps_ = 0;
};

}  // namespace flame::sim

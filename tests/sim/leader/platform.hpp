// The system under LoopLeader as simulated threads see it: every access to what threads share is a step.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "host/src/calls/loop_leader.hpp"
#include "tests/sim/leader/threads.hpp"

namespace flame::sim {

class SimEvents;

/// What the parts of one simulated system find each other by; they are made without arguments.
struct SimSystem {
  explicit SimSystem(Chooser& chooser) : threads(chooser) { current = this; }
  ~SimSystem() { current = nullptr; }
  SimSystem(const SimSystem&) = delete;
  SimSystem& operator=(const SimSystem&) = delete;

  Threads threads;
  SimEvents* events = nullptr;
  std::set<std::size_t> low;                   ///< threads of low standing
  std::function<void(std::size_t)> on_listen;  ///< a thread goes to sleep for news
  static inline SimSystem* current = nullptr;
};

inline void step() {
  SimSystem::current->threads.step();
}

/// epoll: edge-triggered; news wake the thread that came last, and are taken by whoever looks first.
class SimEvents {
 public:
  SimEvents() { SimSystem::current->events = this; }
  void watch(int, unsigned) {}
  void post(unsigned number) const {
    ready_ |= std::uint64_t{1} << number;
    if (sleepers_.empty()) return;
    const std::size_t last = sleepers_.back();
    sleepers_.pop_back();
    SimSystem::current->threads.wake(last);
  }
  void signal() const {
    step();
    post(pool::LeaderEvents::kWatchedMax);
  }
  void set_timer(Instant at) const {
    step();
    SimSystem::current->threads.alarm(0, at, [this] { post(pool::LeaderEvents::kWatchedMax); });
  }
  [[nodiscard]] std::uint64_t wait(int timeout_ms) const {
    step();
    Threads& threads = SimSystem::current->threads;
    const Instant deadline =
        timeout_ms < 0 ? pool::kNever : base::deadline_after(threads.now(), std::chrono::milliseconds(timeout_ms));
    if (ready_ == 0 && SimSystem::current->on_listen) SimSystem::current->on_listen(threads.self());
    while (ready_ == 0 && threads.now() < deadline) {
      sleepers_.push_back(threads.self());
      threads.sleep(deadline);
      std::erase(sleepers_, threads.self());
    }
    return std::exchange(ready_, 0);
  }
  [[nodiscard]] bool pending() const { return ready_ != 0; }

 private:
  mutable std::uint64_t ready_ = 0;
  mutable std::vector<std::size_t> sleepers_;
};

struct SimStanding {
  void loop_is_here() {}
  [[nodiscard]] bool may_drive() const { return !SimSystem::current->low.contains(SimSystem::current->threads.self()); }
};

template <class T>
class SimAtomic {
 public:
  SimAtomic(T value) : value_(value) {}  // NOLINT(google-explicit-constructor): as std::atomic
  T load() const { return step(), value_; }
  void store(T value) { step(), value_ = value; }
  T exchange(T value) { return step(), std::exchange(value_, value); }
  T fetch_add(T value) { return step(), std::exchange(value_, value_ + value); }
  T fetch_or(T value) { return step(), std::exchange(value_, value_ | value); }
  T fetch_and(T value) { return step(), std::exchange(value_, value_ & value); }
  bool compare_exchange_strong(T& expected, T value) {
    step();
    if (value_ != expected) return expected = value_, false;
    return value_ = value, true;
  }
  [[nodiscard]] T peek() const { return value_; }

  mutable std::vector<std::size_t> sleepers;  // futex

 private:
  T value_;
};

struct SimSeat {
  template <class T>
  using Atomic = SimAtomic<T>;
  using Events = SimEvents;
  using Standing = SimStanding;
  struct Whole {
    Whole() {}  // NOLINT(modernize-use-equals-default): so that it is used
  };

  [[nodiscard]] static Instant now() { return SimSystem::current->threads.now(); }
  static bool sleep_on(SimAtomic<std::uint32_t>& word, std::uint32_t expected, Duration limit) {
    step();
    if (word.peek() != expected) return true;
    Threads& threads = SimSystem::current->threads;
    word.sleepers.push_back(threads.self());
    const bool woken = threads.sleep(base::deadline_after(threads.now(), limit));
    std::erase(word.sleepers, threads.self());
    return woken;
  }
  static void wake_all(SimAtomic<std::uint32_t>& word) {
    step();
    for (const std::size_t thread : std::exchange(word.sleepers, {})) SimSystem::current->threads.wake(thread);
  }
  static void yield() { SimSystem::current->threads.yield(); }
};

}  // namespace flame::sim

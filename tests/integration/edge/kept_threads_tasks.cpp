// Tasks that leave threads in their slot.
#include "tests/integration/edge/kept_threads_tasks.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include <flame/plugin.hpp>

namespace kept_threads {
namespace {

constexpr int kWorkers = 8;

class Workers {
 public:
  Workers() {
    for (int i = 0; i < kWorkers; ++i) std::thread([this] { work(); }).detach();
  }
  void post(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push(std::move(job));
    wake_.notify_one();
  }

 private:
  void work() {
    for (;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !jobs_.empty(); });
      const auto job = std::move(jobs_.front());
      jobs_.pop();
      lock.unlock();
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::queue<std::function<void()>> jobs_;
};

void sleep_for_ever() {
  for (;;) ::pause();
}

}  // namespace

std::int64_t process_id() {
  return ::getpid();
}
std::int64_t add_in_pool(std::int64_t a, std::int64_t b) {
  static auto& workers = *new Workers;
  std::promise<std::int64_t> sum;
  workers.post([&] { sum.set_value(a + b); });
  return sum.get_future().get();
}
void leave_sleeper() {
  std::thread(sleep_for_ever).detach();
}
std::int64_t leave_computer() {
  std::thread([] {
    std::atomic<std::uint64_t> count = 0;
    for (;;) count.fetch_add(1, std::memory_order_relaxed);
  }).detach();
  return ::getpid();
}
void leave_spinner(std::int64_t milliseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  std::thread([end] {
    while (std::chrono::steady_clock::now() < end) {
    }
    sleep_for_ever();
  }).detach();
}

}  // namespace kept_threads

FLAME_PLUGIN("edge_kept_threads", "1.0.0", p) {
  using namespace kept_threads;
  p.task<process_id>();
  p.task<add_in_pool>();
  p.task<leave_sleeper>();
  p.task<leave_computer>();
  p.task<leave_spinner>();
}

// A pool of one's own in a function-local static, as the clients of most cloud services have one inside.
#include <condition_variable>
#include <functional>
#include <latch>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include <flame/plugin.hpp>

#include "plugins/threads/threads.hpp"

namespace threads_own_pool {
namespace {

constexpr int kWorkers = 4;

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

// Never destroyed: its threads end with the slot.
Workers& workers() {
  static auto* const instance = new Workers;
  return *instance;
}

}  // namespace

threads::Report sum(std::int64_t n) {
  return threads::measured([n] {
    std::vector<double> parts(kWorkers);
    std::latch done(kWorkers);
    for (int worker = 0; worker < kWorkers; ++worker) {
      workers().post([&, worker] {
        double part = 0;
        for (std::int64_t i = 1 + worker; i <= n; i += kWorkers) part += static_cast<double>(i);
        parts[static_cast<std::size_t>(worker)] = part;
        done.count_down();
      });
    }
    done.wait();
    double total = 0;
    for (const double part : parts) total += part;
    return total;
  });
}

}  // namespace threads_own_pool

FLAME_PLUGIN("threads_own_pool", "1.0.0", p) {
  p.task<threads_own_pool::sum>();
}

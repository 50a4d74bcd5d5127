// What the callbacks of a pool tell.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <flame/pool.hpp>

#include "tests/support/eventually.hpp"

namespace flame::test {

/// What a pool told through its callbacks, in order.
class Events {
 public:
  explicit Events(Pool& pool) : shared_(std::make_shared<Shared>()) {
    pool.on_grow_start([shared = shared_](const GrowStart& e) { shared->add("start", e.count, e.runner, {}); });
    pool.on_grow_end([shared = shared_](const GrowEnd& e) {
      shared->add(e.ok ? "end" : "failed", e.count, e.runner, e.error.message);
    });
    pool.on_shrink([shared = shared_](const Shrink& e) { shared->add("shrink", e.count, e.runner, e.reason); });
  }
  struct Event {
    std::string kind;  // start, end, failed, shrink
    std::uint32_t count = 0;
    std::string runner;
    std::string text;
  };
  [[nodiscard]] std::vector<Event> all() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->events;
  }
  /// "start 1, end 1, shrink 0".
  [[nodiscard]] std::string text() const {
    std::string text;
    for (const Event& event : all()) {
      text += (text.empty() ? "" : ", ") + event.kind + " " + std::to_string(event.count);
    }
    return text;
  }
  [[nodiscard]] bool become(const std::string& expected) const {
    return eventually([&] { return text() == expected; });
  }

 private:
  struct Shared {
    void add(std::string kind, std::uint32_t count, std::string runner, std::string text) {
      const std::lock_guard lock(mutex);
      events.push_back({std::move(kind), count, std::move(runner), std::move(text)});
    }
    std::mutex mutex;
    std::vector<Event> events;
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace flame::test

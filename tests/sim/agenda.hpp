// Virtual time: what is to happen, in one fixed order. Nothing waits; the clock jumps to the next entry.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/clock.hpp"

namespace flame::sim {

using base::deadline_after;
using base::Duration;
using base::Instant;
using base::kInfinite;
using base::kNever;

class Agenda {
 public:
  using Task = std::function<void()>;

  [[nodiscard]] Instant now() const noexcept { return now_; }
  /// Entries of one instant happen in the order in which they were made. The past is now; kNever is never.
  void at(Instant when, Task task) {
    if (when == kNever) return;
    heap_.push_back({std::max(when, now_), next_number_++, keep(std::move(task))});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  void in(Duration delay, Task task) { at(deadline_after(now_, delay), std::move(task)); }

  [[nodiscard]] Instant next() const noexcept { return heap_.empty() ? kNever : heap_.front().when; }
  /// Does the next entry.
  void step() {
    FLAME_ASSERT(!heap_.empty(), "there is something to do");
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Entry entry = heap_.back();
    heap_.pop_back();
    at_once_ = entry.when == now_ ? at_once_ + 1 : 0;
    now_ = entry.when;
    const Task task = std::exchange(tasks_[entry.task], nullptr);
    free_.push_back(entry.task);
    task();
  }
  void skip_to(Instant when) noexcept { now_ = std::max(now_, when); }
  /// Entries done since the clock last moved: a loop that feeds itself does not end.
  [[nodiscard]] std::uint64_t at_once() const noexcept { return at_once_; }

 private:
  // Small, because a heap moves its entries about.
  struct Entry {
    Instant when;
    std::uint64_t number;
    std::size_t task;  // its place in tasks_
  };
  static bool later(const Entry& a, const Entry& b) noexcept {
    return a.when != b.when ? a.when > b.when : a.number > b.number;
  }

  [[nodiscard]] std::size_t keep(Task task) {
    if (free_.empty()) {
      tasks_.push_back(std::move(task));
      return tasks_.size() - 1;
    }
    const std::size_t place = free_.back();
    free_.pop_back();
    tasks_[place] = std::move(task);
    return place;
  }

  std::vector<Entry> heap_;
  std::vector<Task> tasks_;
  std::vector<std::size_t> free_;  // places in tasks_
  Instant now_{std::chrono::hours(1)};
  std::uint64_t next_number_ = 0;
  std::uint64_t at_once_ = 0;
};

}  // namespace flame::sim

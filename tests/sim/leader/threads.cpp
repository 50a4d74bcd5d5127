// Fibers: each simulated thread has a stack of its own, and the scheduler is where run() is called.
#include "tests/sim/leader/threads.hpp"

#include <algorithm>
#include <utility>

namespace flame::sim {

std::size_t Threads::add(std::function<void()> body) {
  auto thread = std::make_unique<Thread>();
  thread->body = std::move(body);
  thread->stack = std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
  ::getcontext(&thread->context);
  thread->context.uc_stack.ss_sp = thread->stack.get();
  thread->context.uc_stack.ss_size = kStackBytes;
  thread->context.uc_link = nullptr;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  ::makecontext(&thread->context, reinterpret_cast<void (*)()>(&Threads::enter), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
  all_.push_back(std::move(thread));
  return all_.size() - 1;
}

void Threads::enter(unsigned high, unsigned low) {
  auto* const threads = reinterpret_cast<Threads*>((std::uintptr_t{high} << 32) | low);
  Thread& self = *threads->all_[threads->running_];
  self.body();
  self.ended = true;
  threads->leave();
}

void Threads::leave() {
  ::swapcontext(&all_[running_]->context, &scheduler_);
}

void Threads::resume(std::size_t thread) {
  ++steps_;
  running_ = thread;
  ::swapcontext(&scheduler_, &all_[thread]->context);
}

void Threads::step() {
  if (running_ != kNobody) leave();
}

void Threads::yield() {
  yielded_ = running_;
  leave();
}

bool Threads::sleep(Instant deadline) {
  Thread& self = *all_[running_];
  self.deadline = deadline;
  self.sleeps = true;
  self.woken = false;
  leave();
  self.sleeps = false;
  return self.woken;
}

void Threads::wake(std::size_t thread) {
  all_[thread]->woken = true;
}

void Threads::alarm(std::size_t key, Instant at, std::function<void()> ring) {
  if (alarms_.size() <= key) alarms_.resize(key + 1);
  alarms_[key] = {at, std::move(ring)};
}

std::vector<std::size_t> Threads::runnable() const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const Thread& thread = *all_[i];
    const bool sleeps = thread.sleeps && !thread.woken && thread.deadline > now_;
    if (!thread.ended && !sleeps && !is_starved(i)) found.push_back(i);
  }
  return found;
}

bool Threads::all_ended() const {
  return std::ranges::all_of(all_, [](const auto& thread) { return thread->ended; });
}

bool Threads::advance() {
  Instant next = pool::kNever;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const Thread& thread = *all_[i];
    if (thread.ended) continue;
    if (is_starved(i)) next = std::min(next, thread.starved_until);
    if (thread.sleeps && thread.deadline > now_) next = std::min(next, thread.deadline);
  }
  for (const Alarm& alarm : alarms_) next = std::min(next, alarm.at);
  if (next == pool::kNever) return false;
  now_ = std::max(now_, next);
  for (Alarm& alarm : alarms_) {
    if (alarm.at > now_) continue;
    alarm.at = pool::kNever;
    const auto ring = alarm.ring;
    ring();
  }
  return true;
}

bool Threads::run(const std::function<void()>& on_idle) {
  std::size_t last = kNobody;
  while (!all_ended()) {
    if (steps_ > kStepsMax) return false;  // a timer rings for ever, and nobody gets on
    std::vector<std::size_t> can = runnable();
    if (can.size() > 1) std::erase(can, yielded_);
    yielded_ = kNobody;
    if (can.empty()) {
      running_ = kNobody;
      on_idle();
      if (!advance()) return false;
      continue;
    }
    last = can.size() == 1 ? can.front() : chooser_.choose(can, last);
    resume(last);
  }
  running_ = kNobody;
  return true;
}

}  // namespace flame::sim

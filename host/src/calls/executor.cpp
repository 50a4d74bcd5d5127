// A small thread pool that grows while its threads wait.
#include "host/src/calls/executor.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <system_error>
#include <utility>

#include "host/src/calls/forked.hpp"
#include "host/src/calls/thread_setting.hpp"
#include "plugin_sdk/base/fork_guard.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::pool {

struct Executor::Shared {
  std::function<void(const char*)> on_exception;
  std::function<void()> on_full;  // empty: told
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable wake_watcher;
  std::deque<Task> tasks;
  std::vector<std::thread> threads;
  std::uint64_t taken = 0;  // tasks that a worker has begun
  std::size_t workers = 0;
  std::size_t idle = 0;
  bool watched = false;       // there is a watcher
  std::size_t blocked = 0;    // threads in a BlockingScope
  std::size_t for_tasks = 0;  // of these, those that wait for another task
  std::thread::id left;       // of `threads`: the worker that left last
  bool stopped = false;
  unsigned stopping = 0;  // calls of stop() that still join
  std::atomic<Clock::time_point> over_at = Clock::time_point::max();
  // Of the program's thread that made the host.
  sigset_t mask = base::without_faults(base::current_mask());
  ThreadSetting setting;
  base::ForkGuard fork_guard;
};

thread_local const std::shared_ptr<Executor::Shared>* Executor::current_ = nullptr;
thread_local unsigned Executor::nested_ = 0;
thread_local unsigned Executor::awaited_ = 0;

Executor::Executor(std::function<void(const char*)> on_exception, std::function<void()> on_full)
    : shared_(std::make_shared<Shared>()) {
  shared_->on_exception = std::move(on_exception);
  shared_->on_full = std::move(on_full);
}

Executor::~Executor() {
  stop();
}

bool Executor::forked() const noexcept {
  return shared_->fork_guard.in_child();
}

void Executor::post(Task task) {
  if (!queue(task)) run_here(std::move(task));
}

bool Executor::queue(Task& task) {
  if (forked()) {
    return false;  // its mutex may be locked for ever here
  }
  const std::lock_guard lock(shared_->mutex);
  // While stop() waits the queue is still served. But not for ever: other threads may never cease.
  const bool is_served = !shared_->stopped || (shared_->stopping > 0 && (on_own_thread() || !past_grace()));
  if (is_served) {
    shared_->tasks.push_back(std::move(task));
    spawn_if_needed(shared_);
    shared_->wake.notify_one();
  }
  return is_served;
}

std::size_t Executor::most_threads(std::size_t for_tasks) noexcept {
  return kThreadsMax + std::min(for_tasks, limits::kCallbacksWaitingMax);
}

bool Executor::past_grace() const noexcept {
  const Clock::time_point over_at = shared_->over_at.load();
  return over_at != Clock::time_point::max() && Clock::now() >= over_at;
}

bool Executor::over() const noexcept {
  const bool ended = shared_->over_at.load() != Clock::time_point::max() || forked();
  return ended && (nested_ >= kNestedMax || (on_own_thread() && past_grace()));
}

bool Executor::awaits_too_often() const noexcept {
  return on_own_thread() && past_grace() && ++awaited_ > kAwaitsMax;
}

// With the lock held.
void Executor::spawn_if_needed(const std::shared_ptr<Shared>& shared) {
  if (shared->tasks.size() <= shared->idle || (shared->stopped && shared->stopping == 0)) return;
  const std::size_t most = std::min(kThreads + shared->blocked, most_threads(shared->for_tasks));
  if (shared->workers < most && spawn(shared, &Executor::work)) {
    ++shared->workers;
  } else if (!shared->watched) {
    shared->watched = spawn(shared, &Executor::watch);
  } else {
    shared->wake_watcher.notify_one();
  }
}

// Without another thread those that exist, the watcher's next, a later post() or stop() serve the queue.
bool Executor::spawn(const std::shared_ptr<Shared>& shared, void (*body)(std::shared_ptr<Shared>)) {
  // Callbacks are the program's own code, and the loop's thread may be the one that starts this.
  const base::SignalMaskScope programs(shared->mask);
  try {
    shared->threads.emplace_back(body, shared);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void Executor::run(Shared& shared, Task task) {
  try {
    task();
  } catch (const std::exception& error) {
    shared.on_exception(error.what());
  } catch (...) {
    shared.on_exception("an exception that is no std::exception");
  }
}

void Executor::run_here(Task task) {
  ++nested_;
  run(*shared_, std::move(task));
  --nested_;
}

// With the lock held. Each that leaves joins the one that left before; stop() joins the last.
std::thread Executor::leave(Shared& shared) {
  --shared.workers;
  std::thread before;
  const auto found = std::ranges::find(shared.threads, std::exchange(shared.left, std::this_thread::get_id()),
                                       [](const std::thread& thread) { return thread.get_id(); });
  if (found != shared.threads.end()) {
    before = std::move(*found);
    shared.threads.erase(found);
  }
  return before;
}

void Executor::work(std::shared_ptr<Shared> shared) {
  ::pthread_setname_np(::pthread_self(), "flame-callback");
  shared->setting.take_on();
  current_ = &shared;
  std::unique_lock lock(shared->mutex);
  for (;;) {
    if (shared->tasks.empty() && !shared->stopped && shared->workers > kThreadsMax && shared->idle >= kThreads) {
      std::thread before = leave(*shared);
      lock.unlock();
      if (before.joinable()) before.join();
      return;
    }
    ++shared->idle;
    shared->wake.wait(lock, [&] { return shared->stopped || !shared->tasks.empty(); });
    --shared->idle;
    if (shared->tasks.empty()) return;
    Task task = std::move(shared->tasks.front());
    shared->tasks.pop_front();
    ++shared->taken;
    lock.unlock();
    awaited_ = 0;
    run(*shared, std::move(task));
    task = Task();
    lock.lock();
  }
}

// Callbacks may block in ways that nobody here sees: when no worker takes a task for a while, there is one more.
void Executor::watch(std::shared_ptr<Shared> shared) {
  ::pthread_setname_np(::pthread_self(), "flame-watch");
  shared->setting.take_on();
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->wake_watcher.wait(lock, [&] { return shared->stopped || !shared->tasks.empty(); });
    if (shared->tasks.empty()) return;
    const std::uint64_t taken = shared->taken;
    const bool moves = shared->wake_watcher.wait_for(lock, kPatience, [&] { return shared->taken != taken; });
    if (!moves && !shared->tasks.empty() && shared->workers < most_threads(shared->for_tasks)) {
      shared->workers += spawn(shared, &Executor::work) ? 1 : 0;
    }
  }
}

void Executor::stop() {
  std::unique_lock lock(shared_->mutex);
  if (!std::exchange(shared_->stopped, true)) shared_->over_at = Clock::now() + kStopGrace;
  ++shared_->stopping;
  // Again and again: a task that waits for another one still gets a thread that runs it (BlockingScope).
  while (!shared_->threads.empty()) {
    auto threads = std::exchange(shared_->threads, {});
    lock.unlock();
    shared_->wake.notify_all();
    shared_->wake_watcher.notify_all();
    for (std::thread& thread : threads) {
      if (thread.get_id() == std::this_thread::get_id()) {
        thread.detach();
      } else {
        thread.join();
      }
    }
    lock.lock();
  }
  --shared_->stopping;
  while (!shared_->tasks.empty()) {
    Task task = std::move(shared_->tasks.front());
    shared_->tasks.pop_front();
    lock.unlock();
    run(*shared_, std::move(task));
    lock.lock();
  }
}

Executor::BlockingScope::BlockingScope(By by) : for_task_(by == By::task ? 1 : 0) {
  if (current_ == nullptr) return;
  Shared& shared = **current_;
  std::function<void()> tell;
  {
    const std::lock_guard lock(shared.mutex);
    ++shared.blocked;
    shared.for_tasks += for_task_;
    spawn_if_needed(*current_);
    if (shared.for_tasks > limits::kCallbacksWaitingMax) tell = std::exchange(shared.on_full, {});
  }
  if (tell) tell();
}

Executor::BlockingScope::~BlockingScope() {
  if (current_ != nullptr) {
    const std::lock_guard lock((*current_)->mutex);
    --(*current_)->blocked;
    (*current_)->for_tasks -= for_task_;
  }
}

bool Strand::post(Task task) {
  if (executor_->over()) return false;
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    if (std::exchange(running_, true)) return true;
  }
  executor_->post([self = shared_from_this()] { self->run_all(); });
  return true;
}

std::size_t Strand::waiting() const {
  const std::lock_guard lock(mutex_);
  return tasks_.size();
}

Task Strand::next() {
  const std::lock_guard lock(mutex_);
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  return task;
}

// One after the other here only where the executor queues no more: to post each would nest them without bound.
void Strand::run_all() {
  for (;;) {
    executor_->run_here(next());
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.empty()) {
        running_ = false;
        return;
      }
    }
    Task rest = [self = shared_from_this()] { self->run_all(); };
    if (executor_->queue(rest)) return;
  }
}

}  // namespace flame::pool

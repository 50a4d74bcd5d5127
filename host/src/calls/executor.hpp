// The threads that run user callbacks: then, coroutines, on_… . The loop never runs user code.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <flame/detail/unique_function.hpp>

namespace flame::pool {

using Task = detail::UniqueFunction<void()>;

/// A few threads, started when first needed. A thread that waits for a call inside a callback is replaced by another
/// one meanwhile, so callbacks may wait for each other; one that blocks in any other way is, once a task has waited for
/// kPatience. There are most_threads() at most; those above kThreadsMax end when nothing is left to do. All functions:
/// any thread.
class Executor {
 public:
  static constexpr std::size_t kThreads = 2;
  static constexpr std::size_t kThreadsMax = 64;
  static constexpr std::chrono::milliseconds kPatience{50};
  /// So long tasks may lead to further ones once stop() has begun. See over().
  static constexpr std::chrono::milliseconds kStopGrace{1000};
  /// Tasks that run at once may nest so deep. See over().
  static constexpr unsigned kNestedMax = 16;
  /// So often, from then on, a task may go on with what is ready. See awaits_too_often().
  static constexpr unsigned kAwaitsMax = 1000;

  /// `on_exception`: told of exceptions that left a task (their what()). `on_full`: told once, when more than
  /// limits::kCallbacksWaitingMax tasks wait for other ones. Called on executor threads. Those have the signal mask,
  /// the processors and, as far as this process may set it, the scheduling class of the thread that calls this, whoever
  /// makes them start.
  explicit Executor(std::function<void(const char*)> on_exception, std::function<void()> on_full = {});
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Runs `task` on one of the threads; after stop(), and in a fork of this process, at once on the calling one.
  void post(Task task);
  /// The halves of post(). False: it is to run on the calling thread, and still is in `task`.
  [[nodiscard]] bool queue(Task& task);
  /// What leaves it goes to `on_exception`.
  void run_here(Task task);
  /// Runs what is queued, then joins. A task may call it: its own thread then ends by itself. Idempotent. Ends as soon
  /// as the tasks do that ask over() before they post for what has only just come up.
  void stop();

  /// Whether what comes up in a task is not to be run any more: tasks that lead to tasks for ever would keep stop(), or
  /// nest until the stack ends. In a task only; true from kStopGrace after stop() was called, or beyond kNestedMax.
  [[nodiscard]] bool over() const noexcept;
  /// The same for a coroutine, which goes on with what is ready without leaving its task.
  [[nodiscard]] bool awaits_too_often() const noexcept;

  /// This is a fork of the process that made the executor: its threads are not here.
  [[nodiscard]] bool forked() const noexcept;

  /// So many threads there may be while `for_tasks` wait for what another task is to do: that one must find a thread,
  /// however many wait for it.
  [[nodiscard]] static std::size_t most_threads(std::size_t for_tasks) noexcept;

  /// Around everything in this library that blocks: on an executor thread it lets another thread take over.
  class BlockingScope {
   public:
    /// Who ends the wait. The loop does so without a thread of the executor, another task needs one.
    enum class By : std::uint8_t { loop, task };
    explicit BlockingScope(By by = By::loop);
    ~BlockingScope();
    BlockingScope(const BlockingScope&) = delete;
    BlockingScope& operator=(const BlockingScope&) = delete;

   private:
    std::size_t for_task_;  // 0 or 1
  };

 private:
  using Clock = std::chrono::steady_clock;
  struct Shared;
  [[nodiscard]] bool on_own_thread() const noexcept { return current_ != nullptr && *current_ == shared_; }
  [[nodiscard]] bool past_grace() const noexcept;
  static void work(std::shared_ptr<Shared> shared);
  static void spawn_if_needed(const std::shared_ptr<Shared>& shared);
  static bool spawn(const std::shared_ptr<Shared>& shared, void (*body)(std::shared_ptr<Shared>));
  static void watch(std::shared_ptr<Shared> shared);
  static std::thread leave(Shared& shared);
  static void run(Shared& shared, Task task);

  static thread_local const std::shared_ptr<Shared>* current_;
  static thread_local unsigned nested_;   // tasks that run at once, on this thread now
  static thread_local unsigned awaited_;  // what the task on this thread has asked awaits_too_often() for

  std::shared_ptr<Shared> shared_;  // threads that cannot be joined (see stop) outlive the executor
};

/// Runs its tasks one at a time, in order, on an executor.
class Strand : public std::enable_shared_from_this<Strand> {
 public:
  explicit Strand(std::shared_ptr<Executor> executor) : executor_(std::move(executor)) {}
  /// False: this is in a task, and the executor is over(). What waited before still runs.
  bool post(Task task);
  /// Tasks that have not begun.
  [[nodiscard]] std::size_t waiting() const;

 private:
  [[nodiscard]] Task next();
  void run_all();

  std::shared_ptr<Executor> executor_;
  mutable std::mutex mutex_;
  std::deque<Task> tasks_;
  bool running_ = false;
};

}  // namespace flame::pool

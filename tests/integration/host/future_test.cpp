// Future: waiting, chaining, awaiting, cancelling, letting go.
#include <unistd.h>

#include <condition_variable>
#include <coroutine>
#include <mutex>
#include <stdexcept>

#include "tests/integration/host/support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class Futures : public HostTest {};

/// A coroutine type of somebody else: starts at once, keeps its result, is destroyed by hand.
struct Job {
  struct promise_type {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    std::string value;

    Job get_return_object() { return Job{std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Signal {
        bool await_ready() noexcept { return false; }
        void await_suspend(std::coroutine_handle<promise_type> self) noexcept {
          const std::lock_guard lock(self.promise().mutex);
          self.promise().done = true;
          self.promise().changed.notify_all();
        }
        void await_resume() noexcept {}
      };
      return Signal{};
    }
    void return_value(std::string text) { value = std::move(text); }
    void unhandled_exception() { value = "unhandled"; }
  };
  std::coroutine_handle<promise_type> handle;

  std::string wait() const {
    std::unique_lock lock(handle.promise().mutex);
    handle.promise().changed.wait_for(lock, 10s, [this] { return handle.promise().done; });
    return handle.promise().value;
  }
};

Job awaits(Pool pool) {
  std::string text = co_await pool.async<tasks::reverse>("abc");
  try {
    co_await pool.async<tasks::fail>("sad");
  } catch (const CallError& error) {
    text += "," + error.error().message;
  }
  auto named = pool.async<tasks::add>(1, 2);
  text += "," + std::to_string(co_await named);
  co_return text;
}

TEST_F(Futures, ACoroutineOfAnyTypeAwaitsCalls) {
  Host host(config());
  const Job job = awaits(host.pool("ffmpeg"));
  EXPECT_EQ(job.wait(), "cba,sad,3");
  job.handle.destroy();
}

Job lingers(Pool pool) {
  static_cast<void>(co_await pool.async<tasks::linger>(60'000));
  co_return "not reached";
}

TEST_F(Futures, DestroyingASuspendedCoroutineCancelsTheCall) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  const Job job = lingers(pool);
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  job.handle.destroy();
  EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy == 0; }));
}

TEST_F(Futures, WaitForGivesUpWhileTheCallGoesOn) {
  Host host(config());
  auto future = host.pool("ffmpeg").async<tasks::linger>(300);
  EXPECT_FALSE(future.wait_for(1ms));
  EXPECT_FALSE(future.ready());
  EXPECT_TRUE(future.wait_for(10s));
  EXPECT_TRUE(future.ready());
  EXPECT_FALSE(future.get());
  EXPECT_FALSE(future.valid());
  EXPECT_EQ(error_of([&] { future.get(); }).code, ErrorCode::invalid_argument);
}

TEST_F(Futures, ThenTakesTheValueTheResultOrTheFuture) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  EXPECT_EQ(pool.async<tasks::add>(1, 2).then([](std::int32_t sum) { return std::to_string(sum); }).get(), "3");
  EXPECT_EQ(pool.async<tasks::fail>("sad").then([](Result<std::int32_t> r) { return r.error().message; }).get(), "sad");
  EXPECT_EQ(pool.async<tasks::add>(1, 2).then([](Future<std::int32_t> f) { return f.get() + 1; }).get(), 4);
  // A function may hand its error on as a value.
  auto checked = pool.async<tasks::fail>("sad").then([](Result<std::int32_t> r) { return r; });
  EXPECT_EQ(checked.get().error().message, "sad");
  bool ran = false;
  auto failed = pool.async<tasks::fail>("sad").then([&](std::int32_t) { ran = true; });
  EXPECT_EQ(error_of([&] { failed.get(); }).message, "sad");
  EXPECT_FALSE(ran);
  auto thrown = pool.async<tasks::nothing>().then([] { throw std::logic_error("mine"); });
  EXPECT_THROW(thrown.get(), std::logic_error);
}

TEST_F(Futures, CallbacksMayWaitForOtherCalls) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  std::vector<Future<std::int32_t>> futures;
  for (std::int32_t i = 0; i < 8; ++i) {
    futures.push_back(pool.async<tasks::add>(i, 0).then([pool](std::int32_t n) {
      return pool.async<tasks::add>(n, 1).then([pool](std::int32_t m) { return pool.call<tasks::add>(m, 1); }).get();
    }));
  }
  for (std::int32_t i = 0; i < 8; ++i) {
    ASSERT_TRUE(futures[static_cast<std::size_t>(i)].wait_for(10s));
    EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), i + 2);
  }
}

TEST_F(Futures, CancelStopsTheTaskAndCompletesTheFuture) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  auto future = pool.async<tasks::linger>(60'000);
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  future.cancel();
  future.cancel();
  EXPECT_EQ(error_of([&] { future.get(); }).code, ErrorCode::cancelled);
  EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy == 0; }));
}

TEST_F(Futures, AStopTokenCancelsACallAlsoOneThatWasStoppedBefore) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  std::stop_source source;
  auto future = pool.with({.stop = source.get_token()}).async<tasks::linger>(60'000);
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  source.request_stop();
  EXPECT_EQ(error_of([&] { future.get(); }).code, ErrorCode::cancelled);
  EXPECT_EQ(pool.with({.stop = source.get_token()}).try_call<tasks::linger>(60'000).error().code, ErrorCode::cancelled);
}

TEST_F(Futures, DroppingALinkedFutureCancelsAndThenMovesTheLink) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  {
    auto future = pool.async<tasks::linger>(60'000);
    ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy == 0; }));
  {
    auto chained = pool.async<tasks::linger>(60'000).then([](bool) {});
    ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return pool.stats().slots_busy == 0; }));
}

TEST_F(Futures, DetachedUnlinkedAndCastWorkRunsOn) {
  const TempDir files;
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  pool.async<tasks::mark>(files / "detached", 50).detach();
  { auto dropped = pool.with({.link = false}).async<tasks::mark>(files / "unlinked", 50); }
  pool.cast<tasks::mark>(files / "cast", 50);
  for (const char* name : {"detached.done", "unlinked.done", "cast.done"}) {
    EXPECT_TRUE(eventually([&] { return ::access((files / name).c_str(), F_OK) == 0; })) << name;
  }
}

TEST_F(Futures, AFailedCastIsReported) {
  Host host(config());
  Pool pool = host.pool("ffmpeg");
  std::mutex mutex;
  std::vector<CastError> errors;
  pool.on_cast_error([&](const CastError& error) {
    const std::lock_guard lock(mutex);
    errors.push_back(error);
  });
  pool.cast<tasks::fail>("unheard");
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return errors.size() == 1;
  }));
  EXPECT_EQ(errors[0].error.message, "unheard");
  EXPECT_EQ(errors[0].task, "tasks::fail");
}

}  // namespace
}  // namespace flame::test

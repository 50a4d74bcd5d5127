// What the library may do to the program that embeds it: not its signals, not its forks, not its life.
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "host/src/api/pool_front.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "tests/integration/edge/embedding_tasks.hpp"
#include "tests/integration/edge/support.hpp"
#include "tests/support/interrupted.hpp"

#ifndef __SANITIZE_ADDRESS__  // operator new is its own
namespace {

std::atomic<pid_t> out_of_memory{0};  // the thread that gets none

}  // namespace

// Memory can run out in any thread: here in the one that the test chooses. Not inlined, where the compiler would see
// malloc and free meet delete and new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (const pid_t thread = out_of_memory.load(); thread != 0 && ::syscall(SYS_gettid) == thread) throw std::bad_alloc();
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif

namespace flame::test {
namespace {

using namespace std::chrono_literals;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Thread {
  pid_t id = 0;
  std::string name;
  std::uint64_t blocked = 0;
};

std::vector<Thread> threads() {
  std::vector<Thread> all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    const std::string status = read(entry.path() / "status");
    const std::size_t blocked = status.find("SigBlk:\t");
    if (blocked == std::string::npos) continue;
    std::string name = read(entry.path() / "comm");
    name.pop_back();
    all.push_back({std::stoi(entry.path().filename()), name, std::stoull(status.substr(blocked + 8, 16), nullptr, 16)});
  }
  return all;
}

std::uint64_t bit(int signal) {
  return std::uint64_t{1} << (signal - 1);
}

std::uint64_t fault_bits() {
  std::uint64_t bits = 0;
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) bits |= bit(fault);
  return bits;
}

/// In a fork: 0 if all of `checks` hold, else the number of the first that does not. Ended after so many seconds.
template <class F>
int exit_code_of_fork(F checks, unsigned seconds = 10) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(seconds);
    int code = 99;
    try {
      code = checks();
    } catch (...) {
    }
    ::_exit(code);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

class Embedding : public EdgeTest {};

TEST_F(Embedding, CallbacksRunWithTheSignalMaskOfWhoMadeTheHost) {
  sigset_t mine;
  sigset_t before;
  sigemptyset(&mine);
  sigaddset(&mine, SIGUSR2);
  ::pthread_sigmask(SIG_SETMASK, &mine, &before);
  {
    Host host(config("embedding"));
    const Pool pool = host.pool("p");
    std::vector<int> blocked;
    pool.async<edge_embedding::add>(1, 2)
        .then([&](std::int32_t) {
          sigset_t there;
          ::pthread_sigmask(SIG_SETMASK, nullptr, &there);
          for (int signal = 1; signal <= SIGRTMAX; ++signal)
            if (sigismember(&there, signal) == 1) blocked.push_back(signal);
        })
        .get();
    EXPECT_EQ(blocked, std::vector<int>{SIGUSR2});
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(Embedding, SignalHandlersOfTheProgramCutNoCallShort) {
  const Interrupted interrupted(200us);
  Host host(config("embedding"));
  const Pool pool = host.pool("p");
  const unsigned enough = interruptions + 10'000;
  for (std::int32_t calls = 0; interruptions < enough; ++calls) {
    const auto sum = pool.try_call<edge_embedding::add>(calls, 1);
    ASSERT_TRUE(sum.has_value()) << "call " << calls << ": " << sum.error().message;
    ASSERT_EQ(*sum, calls + 1);
  }
}

TEST_F(Embedding, NoThreadBlocksTheSignalsOfItsOwnFaults) {
  Host host(config("embedding"));
  EXPECT_EQ(host.pool("p").call<edge_embedding::add>(1, 2), 3);
  std::size_t seen = 0;
  const auto none_blocks = [] {
    return std::ranges::none_of(threads(), [](const Thread& thread) { return (thread.blocked & fault_bits()) != 0; });
  };
  static_cast<void>(eventually(none_blocks));  // libzmq's threads are told, and hear of it a moment later
  for (const Thread& thread : threads()) {
    EXPECT_EQ(thread.blocked & fault_bits(), 0U) << thread.name;
    if (thread.name.starts_with("flame-")) {
      EXPECT_NE(thread.blocked & bit(SIGTERM), 0U) << thread.name << ": signals are the program's own";
    }
    ++seen;
  }
  EXPECT_GT(seen, 3U);
}

TEST_F(Embedding, AForkIsToldThatTheHostIsNotThere) {
  auto host = std::make_unique<Host>(config("embedding"));
  const Pool pool = host->pool("p");
  EXPECT_EQ(pool.call<edge_embedding::add>(1, 2), 3);
  auto held = pool.async<edge_embedding::linger>(60'000);
  const std::vector<std::string> files = entries_of(directory());
  EXPECT_EQ(exit_code_of_fork([&] {
              const auto sum = pool.try_call<edge_embedding::add>(1, 2);
              if (!sum.has_error() || sum.error().code != ErrorCode::shutting_down) return 1;
              if (sum.error().message.find("fork") == std::string::npos) return 2;
              if (error_of([&] { held.get(); }).code != ErrorCode::shutting_down) return 3;
              if (error_of([&] { pool.async<edge_embedding::add>(1, 2).then([](std::int32_t) {}).get(); }).code !=
                  ErrorCode::shutting_down)
                return 4;
              host->shutdown();
              host.reset();
              return 0;
            }),
            0);
  EXPECT_EQ(entries_of(directory()), files) << "they are the parent's";
  EXPECT_EQ(pool.call<edge_embedding::add>(2, 2), 4) << "the parent goes on";
  held.cancel();
}

TEST_F(Embedding, AForkGetsTheErrorFromTryGetAndNoException) {
  Host host(config("embedding"));
  const Pool pool = host.pool("p");
  auto held = pool.async<edge_embedding::linger>(60'000);
  EXPECT_EQ(exit_code_of_fork([&] {
              const auto result = held.try_get();
              if (!result.has_error() || result.error().code != ErrorCode::shutting_down) return 1;
              if (held.valid()) return 2;
              auto chained = pool.async<edge_embedding::add>(1, 2).then([](std::int32_t) {});
              if (chained.try_get().error().code != ErrorCode::shutting_down) return 3;
              return 0;
            }),
            0);
  held.cancel();
}

TEST_F(Embedding, AForkMayMakeAHostOfItsOwn) {
  Host host(config("embedding"));
  EXPECT_EQ(host.pool("p").call<edge_embedding::add>(1, 2), 3);
  EXPECT_EQ(exit_code_of_fork([&] {
              Host own(config("embedding"));
              return own.pool("p").call<edge_embedding::add>(2, 3) == 5 ? 0 : 1;
            }),
            0);
}

/// What a program does to be a daemon, late.
int take_standard_descriptors() {
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(null, fd) != fd) return -1;
  }
  return ::close(null);
}

TEST_F(Embedding, AProgramWithoutStandardDescriptorsMayBecomeADaemonLater) {
  EXPECT_EQ(exit_code_of_fork(
                [&] {
                  for (int fd = 0; fd < 3; ++fd) ::close(fd);
                  Host host(config("embedding"));
                  for (const char* fd : {"0", "1", "2"}) {
                    if (std::filesystem::read_symlink("/proc/self/fd/" + std::string(fd)) != "/dev/null") return 1;
                  }
                  const Pool pool = host.pool("p");
                  if (pool.call<edge_embedding::add>(0, 1) != 1) return 2;
                  if (take_standard_descriptors() != 0) return 3;
                  for (std::int32_t i = 0; i < 60; ++i) {  // a host that has lost its events takes a second for each
                    if (pool.call<edge_embedding::add>(i, 1) != i + 1) return 4;
                  }
                  return 0;
                },
                30),
            0);
}

TEST_F(Embedding, HoweverManyCallbacksWaitForChainedFuturesAllEnd) {
  EXPECT_EQ(exit_code_of_fork(
                [&] {
                  Host host(config("embedding"));
                  const Pool pool = host.pool("p");
                  std::vector<Future<std::int32_t>> all;
                  for (std::int32_t i = 0; i < 200; ++i) {
                    all.push_back(pool.async<edge_embedding::add>(i, 1).then([pool](std::int32_t sum) {
                      return pool.async<edge_embedding::add>(sum, 1).then([](std::int32_t more) { return more; }).get();
                    }));
                  }
                  for (std::int32_t i = 0; i < 200; ++i) {
                    if (all[static_cast<std::size_t>(i)].get() != i + 2) return 1;
                  }
                  return 0;
                },
                30),
            0);
}

#ifndef __SANITIZE_ADDRESS__  // operator new is its own
pid_t loop_thread() {
  for (const Thread& thread : threads())
    if (thread.name == "flame-loop") return thread.id;
  return 0;
}

TEST_F(Embedding, ALoopThatRunsOutOfMemoryFailsItsCallsAndNotTheProgram) {
  Host host(config("embedding"));
  const Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<edge_embedding::add>(1, 2), 3);
  auto held = pool.async<edge_embedding::linger>(60'000);
  descriptors_may_stay_ = true;  // where memory runs out in the middle of libzmq's work, its context cannot be ended
  out_of_memory = loop_thread();
  auto future = pool.async<edge_embedding::add>(1, 2);
  const bool answered = eventually([&] { return future.ready() && held.ready(); }, 30s);
  out_of_memory = 0;
  ASSERT_TRUE(answered);
  EXPECT_EQ(future.try_get().error().code, ErrorCode::shutting_down);
  EXPECT_EQ(held.try_get().error().code, ErrorCode::shutting_down);
  EXPECT_EQ(pool.try_call<edge_embedding::add>(1, 2).error().code, ErrorCode::shutting_down);
  host.shutdown();
  Host next(config("embedding"));
  EXPECT_EQ(next.pool("p").call<edge_embedding::add>(1, 2), 3);
}
#endif

/// `reply` runs in the loop.
bool ask_loop(const Pool& pool, detail::UniqueFunction<void(const PoolStats&)> reply) {
  const detail::PoolFront::Parts& parts = pool.core()->parts();
  return parts.inbox->push(pool::command::AskStats{parts.index, std::move(reply)});
}

TEST_F(Embedding, ABrokenInvariantFailsTheHostWithItsPlaceAndNotTheProgram) {
  Host host(config("embedding"));
  const Pool pool = host.pool("p");
  auto held = pool.async<edge_embedding::linger>(60'000);
  ASSERT_TRUE(ask_loop(pool, [](const PoolStats&) { FLAME_ASSERT(1 + 1 == 3, "told by a test"); }));
  const Error error = error_of([&] { held.get(); });
  EXPECT_EQ(error.code, ErrorCode::shutting_down);
  EXPECT_NE(error.message.find("told by a test"), std::string::npos) << error.message;
  const auto after = pool.try_call<edge_embedding::add>(1, 2);
  ASSERT_TRUE(after.has_error());
  EXPECT_NE(after.error().message.find("told by a test"), std::string::npos) << after.error().message;
  EXPECT_EQ(pool.stats().runners, 0U) << "comes back";
}

TEST_F(Embedding, ABrokenInvariantUnderACallerThatWaitsForItEndsTheWaitAndNotTheProgram) {
  Host host(config("embedding"));
  const Pool pool = host.pool("p");
  std::promise<void> promise;
  std::future<void> answer = promise.get_future();
  ASSERT_TRUE(ask_loop(pool, [promise = std::move(promise)](const PoolStats&) mutable {
    FLAME_ASSERT(1 + 1 == 3, "told by a test");
    promise.set_value();
  }));
  EXPECT_THROW(answer.get(), std::future_error);
  EXPECT_EQ(pool.try_call<edge_embedding::add>(1, 2).error().code, ErrorCode::shutting_down);
}

}  // namespace
}  // namespace flame::test

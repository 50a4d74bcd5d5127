// What is told of crashes and exceptions, core dumps, memory limits with threads, and the allocators of users.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "crashes_tasks.hpp"
#include "support.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

class Crashes : public EdgeTest {
 protected:
  /// A pool with these lines of TOML, so that options can be tried that an earlier commit does not know.
  static Host host_with(const std::string& lines) {
    return Host::from_toml("[plugins]\npath = [\"" FLAME_TEST_PLUGINS
                           "\"]\n[backends.local]\nrunner = \"" FLAME_TEST_RUNNER
                           "\"\n[pools.p]\nplugins = [\"edge_crashes@1\"]\nmax = 1\nmax_concurrency = 2\n"
                           "shutdown_timeout = \"2s\"\n" +
                           lines);
  }
  static HostConfig with_variable(const std::string& name, const std::string& value) {
    return config("crashes", [&](PoolConfig& pool) { pool.env[name] = value; });
  }

  TempDir files_;
};

using Exceptions = Crashes;
using CoreDumps = Crashes;
using MemoryLimit = Crashes;
using Allocators = Crashes;

TEST_F(Crashes, NameTheModuleInAPluginWithThreeHundredOfThem) {
  Host host(config("crashes"));
  auto pool = host.pool("p").with({.timeout = 60s});
  const Error error = error_of([&] { pool.call<crashes::crash_in_the_last_of>(300, files_.path()); });
  ASSERT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  ASSERT_FALSE(error.where.empty());
#ifdef __SANITIZE_ADDRESS__  // whose own frames come first
  EXPECT_THAT(error.where, Contains(StartsWith("module_299.so+0x")));
#else
  EXPECT_THAT(error.where[0], StartsWith("module_299.so+0x"));
#endif
  EXPECT_THAT(error.where, Contains(HasSubstr("crashes::crash_in_the_last_of(")));
  for (const std::string& frame : error.where) EXPECT_THAT(frame, HasSubstr("+0x")) << "a bare address names nothing";
}

TEST_F(Crashes, ATaskThatEndsItsThreadIsToldSo) {
  for (const SlotIsolation isolation : {SlotIsolation::process, SlotIsolation::thread}) {
    Host host(config("crashes", [&](PoolConfig& pool) { pool.isolation = isolation; }));
    Pool pool = host.pool("p");
    for (const Error& error : {error_of([&] { pool.call<crashes::end_thread>(); }),
                               error_of([&] { pool.call<crashes::cancel_thread>(); })}) {
      EXPECT_EQ(error.code, ErrorCode::crashed);
      EXPECT_THAT(error.message, HasSubstr("ended its thread (pthread_exit() or a cancellation)"));
    }
    EXPECT_EQ(pool.call<crashes::variable>("NO_SUCH_VARIABLE"), "") << "the next slot works";
  }
}

TEST_F(Exceptions, WithoutTextAreTheTasksFailure) {
  Host host(config("crashes"));
  const Error error = error_of([&] { host.pool("p").call<crashes::throw_without_text>(); });
  EXPECT_EQ(error.code, ErrorCode::task_failed);
  EXPECT_EQ(error.type, "std::runtime_error");
  EXPECT_EQ(error.message, "");
}

TEST_F(Exceptions, ThatAreNoObjectsKeepTheirText) {
  Host host(config("crashes"));
  Pool pool = host.pool("p");
  const Error literal = error_of([&] { pool.call<crashes::throw_a_literal>(); });
  EXPECT_EQ(literal.type, "char const*");
  EXPECT_EQ(literal.message, "a literal");
  EXPECT_EQ(error_of([&] { pool.call<crashes::throw_a_string>(); }).message, "a string");
  const Error number = error_of([&] { pool.call<crashes::throw_a_number>(); });
  EXPECT_EQ(number.type, "int");
  EXPECT_EQ(number.message, "42");
}

TEST_F(CoreDumps, AreOffUnlessThePoolWantsThem) {
  Host host = host_with("");
  EXPECT_THAT(host.pool("p").call<crashes::core_limits>()[0], AnyOf(0, 1));
}

TEST_F(CoreDumps, AreLeftToTheSystemWhereThePoolWantsThem) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_CORE, &before), 0);
  const std::filesystem::path directory = std::filesystem::current_path();
  std::filesystem::current_path(files_.path());  // where a core_pattern without a directory puts them
  Host host = host_with("[pools.p.limits]\ncore = true\n");
  Pool pool = host.pool("p");
  const auto limits = pool.call<crashes::core_limits>();
  EXPECT_EQ(limits[0], limits[1]);
  EXPECT_EQ(limits[1], static_cast<std::int64_t>(before.rlim_max));
  EXPECT_EQ(limits[2], 1);
  const Error error = error_of([&] { pool.call<crashes::crash>(); });
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_THAT(error.where, Contains(HasSubstr("crashes::crash()"))) << "the report is not lost for it";
  std::string pattern;
  std::ifstream("/proc/sys/kernel/core_pattern") >> pattern;
  if (before.rlim_max != 0 && pattern.find_first_of("/|") == std::string::npos) {
    EXPECT_THAT(error.message, HasSubstr("core dumped"));
    EXPECT_FALSE(std::filesystem::is_empty(files_.path()));
  }
  host.shutdown();
  std::filesystem::current_path(directory);
}

TEST_F(CoreDumps, OfStartAreLeftToTheSystemToo) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_CORE, &before), 0);
  const rlimit off{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_CORE, &off), 0);
  Host host = host_with("[pools.p.limits]\ncore = true\n");
  EXPECT_EQ(host.pool("p").call<crashes::core_limit_in_start>(), static_cast<std::int64_t>(before.rlim_max));
  host.shutdown();
  EXPECT_EQ(::setrlimit(RLIMIT_CORE, &before), 0);
}

// Sanitizers bring an allocator of their own, and their shadow memory knows no limit.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(MemoryLimit, LeavesRoomForAThreadOnEachOfSixtyFourProcessors) {
  for (const std::string memory : {"64MiB", "256MiB"}) {
    Host host = host_with("[pools.p.limits]\nmemory = \"" + memory + "\"\n");
    EXPECT_EQ(host.pool("p").call<crashes::idle_threads>(64), 64) << memory;
  }
}

TEST_F(MemoryLimit, IsNamedWhereAThreadFindsNoRoom) {
  Host host = host_with("[pools.p.limits]\nmemory = \"64MiB\"\n");
  const Error error = error_of([&] { host.pool("p").call<crashes::idle_threads_or_throw>(1000); });
  EXPECT_EQ(error.code, ErrorCode::task_failed);
  EXPECT_THAT(error.message, HasSubstr("limits.memory"));
}

TEST_F(MemoryLimit, IsNotFilledByTheStacksOfJoinedThreads) {
  Host host = host_with("[pools.p.limits]\nmemory = \"64MiB\"\n");
  Pool pool = host.pool("p");
  std::set<std::int32_t> slots;
  for (int i = 0; i < 10; ++i) slots.insert(pool.call<crashes::process_of_joined_threads>(64));
  EXPECT_LE(slots.size(), 2U) << "the pool has two slots, and keeps them";
}

TEST_F(Allocators, ThatArePreloadedServeThePlugin) {
  Host host(with_variable("LD_PRELOAD", "libjemalloc.so.2"));
  Pool pool = host.pool("p");
  EXPECT_GE(pool.call<crashes::size_by_jemalloc>(), 10'000) << "or it would have been the C library's";
}

TEST_F(Allocators, ThatALibraryBringsLaterAreLoaded) {
  Host host(config("crashes"));
  EXPECT_EQ(host.pool("p").call<crashes::load>("libjemalloc.so.2"), "");
}
#endif

TEST_F(Allocators, TunablesOfTheUserHaveTheLastWord) {
  Host host(with_variable("GLIBC_TUNABLES", "glibc.malloc.arena_max=1"));
  EXPECT_THAT(host.pool("p").call<crashes::variable>("GLIBC_TUNABLES"), testing::EndsWith(":glibc.malloc.arena_max=1"));
}

}  // namespace
}  // namespace flame::test

// The life of a host: growth and idling, runners that vanish, shutdown, two hosts at once.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "host/src/setup/runtime_dir.hpp"
#include "tests/integration/host/support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class Lifetime : public HostTest {};

TEST_F(Lifetime, ThePoolGrowsOnDemandAndIdlesBackToZero) {
  std::atomic<int> grown = 0;
  std::atomic<int> shrunk = 0;
  Host host(config([](PoolConfig& pool) {
    pool.max = 3;
    pool.max_concurrency = 1;
    pool.idle_shutdown_after = 200ms;
  }));
  Pool pool = host.pool("ffmpeg");
  pool.on_grow_end([&](const GrowEnd& event) { grown += event.ok ? 1 : 0; });
  pool.on_shrink([&](const Shrink&) { ++shrunk; });
  std::vector<Future<bool>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(pool.async<tasks::linger>(100));
  for (auto& future : futures) future.get();
  EXPECT_TRUE(eventually([&] { return grown == 3; }));
  EXPECT_TRUE(eventually([&] { return pool.stats().runners == 0; }));
  EXPECT_TRUE(eventually([&] { return shrunk == 3; }));
  EXPECT_EQ(pool.call<tasks::add>(1, 2), 3);
}

TEST_F(Lifetime, ACallOnAKilledRunnerIsRunnerLostAndTheNextOneWorks) {
  Host host(config([](PoolConfig& pool) { pool.max = 1; }));
  const Pool pool = host.pool("ffmpeg");
  const pid_t slot = pool.call<tasks::pid>();
  auto future = pool.async<tasks::linger>(60'000);
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  // The slot's parent is the supervisor.
  std::ifstream stat("/proc/" + std::to_string(slot) + "/stat");
  std::string skip;
  pid_t supervisor = 0;
  stat >> skip >> skip >> skip >> supervisor;
  ASSERT_GT(supervisor, 1);
  ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
  const Error error = error_of([&] { future.get(); });
  EXPECT_EQ(error.code, ErrorCode::runner_lost) << error.to_string();
  EXPECT_EQ(pool.call<tasks::add>(1, 2), 3);
}

TEST_F(Lifetime, ShutdownLetsAcceptedCallsEndAndRefusesNewOnes) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  auto running = pool.async<tasks::linger>(200);
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  host.shutdown();
  ASSERT_TRUE(running.ready());
  EXPECT_FALSE(running.get());
  EXPECT_EQ(pool.try_call<tasks::nothing>().error().code, ErrorCode::shutting_down);
  host.shutdown();
}

TEST_F(Lifetime, ShutdownEndsWhatDoesNotEndInTime) {
  Host host(config([](PoolConfig& pool) { pool.shutdown_timeout = 100ms; }));
  const Pool pool = host.pool("ffmpeg");
  auto running = pool.async<tasks::deaf>();
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  host.shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  ASSERT_TRUE(running.ready());
  EXPECT_EQ(error_of([&] { running.get(); }).code, ErrorCode::shutting_down);
}

TEST_F(Lifetime, AHostThatIsDroppedWhileItBootsLeavesNothing) {
  std::optional<Future<std::int32_t>> future;
  {
    Host host(config());
    future.emplace(host.pool("ffmpeg").async<tasks::add>(1, 2));
  }
  EXPECT_TRUE(future->ready());
  static_cast<void>(future->try_get());
}

TEST_F(Lifetime, DrainedPoolsRefuseCallsAndHoldNoRunner) {
  Host host(config());
  Pool pool = host.pool("ffmpeg");
  pool.call<tasks::nothing>();
  EXPECT_TRUE(pool.drain(5s));
  EXPECT_EQ(pool.try_call<tasks::nothing>().error().code, ErrorCode::shutting_down);
  EXPECT_EQ(pool.stats().runners, 0U);
}

TEST_F(Lifetime, ResizeAndExpectBootRunners) {
  Host host(config([](PoolConfig& pool) { pool.max = 2, pool.max_concurrency = 1; }));
  Pool pool = host.pool("ffmpeg");
  pool.expect(2);
  EXPECT_TRUE(eventually([&] { return pool.stats().runners == 2; }));
  pool.resize(3, 3);
  EXPECT_TRUE(eventually([&] { return pool.stats().runners == 3; }));
  EXPECT_EQ(error_of([&] { pool.resize(2, 1); }).code, ErrorCode::invalid_argument);
}

TEST_F(Lifetime, APoolWhoseHostIsGoneIsNotResizedAndHasNothing) {
  Host host(config());
  Pool pool = host.pool("ffmpeg");
  pool.call<tasks::nothing>();
  host.shutdown();
  EXPECT_EQ(error_of([&] { pool.resize(0, 2); }).code, ErrorCode::shutting_down);
  EXPECT_EQ(pool.stats().runners, 0U);
  pool.expect(3);
  EXPECT_TRUE(pool.drain(5s));
}

TEST_F(Lifetime, TwoHostsOnOneMachineDoNotMeet) {
  Host first(config());
  Host second(config());
  const pid_t a = first.pool("ffmpeg").call<tasks::pid>();
  const pid_t b = second.pool("ffmpeg").call<tasks::pid>();
  EXPECT_NE(a, b);
  first.shutdown();
  EXPECT_EQ(second.pool("ffmpeg").call<tasks::add>(1, 2), 3);
}

TEST_F(Lifetime, DirectoriesOfDeadHostsAreRemovedAndLivingOnesKept) {
  const TempDir base;
  auto alive = pool::RuntimeDir::create_in(base.path());
  ASSERT_TRUE(alive.has_value());
  const std::string stale = base / "flame-Abcdef";
  std::filesystem::create_directory(stale);
  std::filesystem::permissions(stale, std::filesystem::perms::owner_all);
  std::ofstream(stale + "/pid") << "1\n";
  const std::string foreign = base / "flame-keepme-please";
  std::filesystem::create_directory(foreign);
  pool::remove_stale(base.path());
  EXPECT_FALSE(std::filesystem::exists(stale));
  EXPECT_TRUE(std::filesystem::exists(foreign));
  EXPECT_TRUE(std::filesystem::exists(alive->path() / "pid"));
  const auto perms = std::filesystem::status(alive->path()).permissions();
  EXPECT_EQ(perms, std::filesystem::perms::owner_all);
}

TEST_F(Lifetime, ADirectoryWhosePidFileWasCleanedAwayIsFoundAgain) {
  const TempDir base;
  auto alive = pool::RuntimeDir::create_in(base.path());
  ASSERT_TRUE(alive.has_value());
  std::filesystem::remove_all(alive->path());
  EXPECT_TRUE(pool::live_hosts_in(base.path(), false).empty());
  EXPECT_TRUE(alive->keep().has_value());
  const auto hosts = pool::live_hosts_in(base.path(), false);
  ASSERT_EQ(hosts.size(), 1U);
  EXPECT_EQ(hosts.front().pid, ::getpid());
  EXPECT_TRUE(std::filesystem::exists(alive->plugins()));
  pool::remove_stale(base.path());
  EXPECT_TRUE(std::filesystem::exists(alive->path())) << "it is locked again";
}

TEST_F(Lifetime, ADirectoryThatIsCaredForLooksAsIfItWereInUse) {
  const TempDir base;
  auto alive = pool::RuntimeDir::create_in(base.path());
  ASSERT_TRUE(alive.has_value());
  const auto pid_file = alive->path() / "pid";
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 30);
  std::filesystem::last_write_time(pid_file, old);
  EXPECT_TRUE(alive->keep().has_value());
  EXPECT_GT(std::filesystem::last_write_time(pid_file), old + std::chrono::hours(24 * 29));
}

TEST_F(Lifetime, ADirectoryThatOthersMayUseIsNotTakenForTheOneThatWasCleanedAway) {
  const TempDir base;
  auto alive = pool::RuntimeDir::create_in(base.path());
  ASSERT_TRUE(alive.has_value());
  std::filesystem::remove_all(alive->path());
  std::filesystem::create_directory(alive->path());
  std::filesystem::permissions(alive->path(), std::filesystem::perms::all);
  const auto kept = alive->keep();
  ASSERT_TRUE(kept.has_error());
  EXPECT_EQ(kept.error().code, ErrorCode::boot_failed);
  EXPECT_NE(kept.error().message.find("XDG_RUNTIME_DIR"), std::string::npos) << kept.error().message;
  EXPECT_TRUE(std::filesystem::is_empty(alive->path()));
}

TEST_F(Lifetime, ADirectoryIsCaredForAsFarAsItCanBeRead) {
  const TempDir base;
  auto alive = pool::RuntimeDir::create_in(base.path());
  ASSERT_TRUE(alive.has_value());
  std::filesystem::create_directories(alive->plugins() / "a" / "b" / "c");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::dup(STDERR_FILENO);
  ::close(next);
  const rlimit short_of_descriptors{static_cast<rlim_t>(next) + 2, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &short_of_descriptors), 0);
  EXPECT_NO_THROW(EXPECT_TRUE(alive->keep().has_value()));
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(Lifetime, TheFirstPlaceWhereFilesMayBeExecutedIsTaken) {
  const TempDir first;
  const TempDir second;
  const auto made = pool::RuntimeDir::create_in_first({"/no/such/place", first.path(), second.path()});
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->path().parent_path(), first.path());
  EXPECT_TRUE(made->executable());
  const auto none = pool::RuntimeDir::create_in_first({"/no/such/place"});
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::boot_failed);
}

}  // namespace
}  // namespace flame::test

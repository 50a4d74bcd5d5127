// stop_slot(): what a plugin says when a slot ends in good order, and that nobody waits long for it.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <vector>

#include "goodbye_tasks.hpp"
#include "support.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class Goodbye : public EdgeTest {
 protected:
  HostConfig goodbye_config(const std::function<void(PoolConfig&)>& change = {}) {
    return config("goodbye", [&](PoolConfig& pool) {
      pool.env["GOODBYE_FILE"] = files_ / "goodbyes";
      if (change) change(pool);
    });
  }
  static HostConfig idles_soon(HostConfig config) {
    config.pools["p"].idle_shutdown_after = 200ms;
    return config;
  }
  /// The lines that stop_slot() has written.
  std::string said() const {
    std::ifstream file(files_ / "goodbyes");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string by(std::int32_t process) { return "p " + std::to_string(process) + "\n"; }
  /// What the runners told, from any thread.
  void collect(Pool& pool) {
    pool.on_log([this](const LogEvent& event) {
      const std::lock_guard lock(mutex_);
      log_ += event.text + "\n";
    });
  }
  std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  /// One call, then the runner idles down with a stop_slot() that does `what`. Gives what was told until `expected`
  /// was.
  std::string log_of_a_bad_goodbye(const std::string& what, const std::string& expected) {
    Host host(idles_soon(goodbye_config([&](PoolConfig& pool) { pool.env["GOODBYE"] = what; })));
    Pool pool = host.pool("p");
    collect(pool);
    const std::int32_t process = pool.call<goodbye::process_id>();
    EXPECT_TRUE(eventually([&] { return pool.stats().runners == 0; }, 60s));
    EXPECT_THAT(said(), HasSubstr(by(process)));
    EXPECT_TRUE(eventually([&] { return log().find(expected) != std::string::npos; })) << log();
    EXPECT_GT(pool.call<goodbye::process_id>(), 0) << "the next runner is none the worse";
    return log();
  }

  TempDir files_;
  std::mutex mutex_;
  std::string log_;
};

TEST_F(Goodbye, IsSaidWhenARunnerIdlesDown) {
  Host host(idles_soon(goodbye_config()));
  Pool pool = host.pool("p");
  const std::int32_t process = pool.call<goodbye::process_id>();
  EXPECT_TRUE(eventually([&] { return pool.stats().runners == 0; }, 60s));
  EXPECT_THAT(said(), HasSubstr(by(process)));
}

TEST_F(Goodbye, IsSaidByTheSlotsThatStoodByToo) {
  {
    Host host(idles_soon(goodbye_config([](PoolConfig& pool) { pool.spare_slots = 2; })));
    Pool pool = host.pool("p");
    static_cast<void>(pool.call<goodbye::process_id>());
    EXPECT_TRUE(eventually([&] { return pool.stats().runners == 0; }, 60s));
  }
  const std::string lines = said();
  EXPECT_GE(std::count(lines.begin(), lines.end(), '\n'), 2) << lines;
}

TEST_F(Goodbye, IsSaidWhenTheHostShutsDown) {
  std::int32_t process = 0;
  {
    Host host(goodbye_config());
    process = host.pool("p").call<goodbye::process_id>();
    host.shutdown();
  }
  EXPECT_THAT(said(), HasSubstr(by(process)));
}

TEST_F(Goodbye, IsSaidByThreadsOfOneProcessToo) {
  std::int32_t process = 0;
  {
    Host host(goodbye_config([](PoolConfig& pool) { pool.isolation = SlotIsolation::thread; }));
    process = host.pool("p").call<goodbye::process_id>();
    host.shutdown();
  }
  EXPECT_EQ(said(), by(process) + by(process)) << "one for each of two slots";
}

TEST_F(Goodbye, IsSaidByAllThreadsAtOnceSoThatManyNeedNoMoreGraceThanOne) {
  std::int32_t process = 0;
  {
    Host host(goodbye_config([](PoolConfig& pool) {
      pool.isolation = SlotIsolation::thread;
      pool.max_concurrency = 8;
      pool.env["GOODBYE"] = "together";
      pool.env["GOODBYE_SLOTS"] = "8";
    }));
    // All slots are up when each has its call, so that none of them has less than the whole grace.
    std::vector<Future<std::int32_t>> calls;
    for (int i = 0; i < 8; ++i) calls.push_back(host.pool("p").async<goodbye::meet>());
    for (auto& call : calls) process = call.get();
    host.shutdown();
  }
  std::string all;
  for (int i = 0; i < 8; ++i) all += by(process);
  EXPECT_EQ(said(), all);
}

TEST_F(Goodbye, IsSaidByASlotThatIsReplacedAfterItsCall) {
  Host host(goodbye_config([](PoolConfig& pool) { pool.reuse = false; }));
  Pool pool = host.pool("p");
  const std::int32_t first = pool.call<goodbye::process_id>();
  EXPECT_NE(pool.call<goodbye::process_id>(), first);
  EXPECT_TRUE(eventually([&] { return said().find(by(first)) != std::string::npos; })) << said();
}

TEST_F(Goodbye, IsNotSaidByASlotThatIsKilledOrCrashes) {
  std::int32_t killed = 0;
  std::int32_t crashed = 0;
  std::int32_t last = 0;
  {
    Host host(goodbye_config([](PoolConfig& pool) {
      pool.max_concurrency = 1;
      pool.spare_slots = 0;
    }));
    Pool pool = host.pool("p");
    killed = pool.call<goodbye::process_id>();
    const Error late = error_of([&] { pool.with({.timeout = 300ms}).call<goodbye::hang>(); });
    EXPECT_EQ(late.code, ErrorCode::timed_out);
    EXPECT_TRUE(eventually([&] { return (crashed = pool.call<goodbye::process_id>()) != killed; }));
    EXPECT_EQ(error_of([&] { pool.call<goodbye::crash>(); }).code, ErrorCode::crashed);
    last = pool.call<goodbye::process_id>();
  }
  EXPECT_EQ(said(), by(last)) << killed << " was killed, " << crashed << " crashed";
}

TEST_F(Goodbye, ThatThrowsIsLogged) {
  EXPECT_THAT(log_of_a_bad_goodbye("throw", "no time for goodbyes"),
              HasSubstr("stop_slot() failed: std::runtime_error"));
}

TEST_F(Goodbye, ThatCrashesIsLoggedWithItsStack) {
  EXPECT_THAT(log_of_a_bad_goodbye("crash", "stop_slot() crashed"),
              HasSubstr("goodbye::crash() at edge_goodbye.so+0x"));
}

TEST_F(Goodbye, ThatEndsItsProcessIsLogged) {
  static_cast<void>(log_of_a_bad_goodbye("exit", "stop_slot() ended its process with exit code 7"));
}

TEST_F(Goodbye, ThatEndsItsProcessAsIfAllWereWellIsLoggedToo) {
  static_cast<void>(log_of_a_bad_goodbye("exit with 0", "stop_slot() ended its process with exit code 0"));
}

TEST_F(Goodbye, ThatHangsIsKilledAfterTheGrace) {
  static_cast<void>(log_of_a_bad_goodbye("hang", "stop_slot() did not return within 250ms and was killed"));
}

TEST_F(Goodbye, ThatHangsDoesNotHoldTheShutdownUp) {
  const auto begun = std::chrono::steady_clock::now();
  {
    Host host(goodbye_config([](PoolConfig& pool) { pool.env["GOODBYE"] = "hang"; }));
    static_cast<void>(host.pool("p").call<goodbye::process_id>());
    host.shutdown();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);
}

}  // namespace
}  // namespace flame::test

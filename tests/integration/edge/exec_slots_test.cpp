// exec_slots(): start() runs in each slot, and nothing is shared by a fork.
#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "exec_slots_tasks.hpp"
#include "support.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class ExecSlots : public EdgeTest {
 protected:
  HostConfig slots_config(std::uint32_t spare_slots) const {
    return config("exec_slots", [&](PoolConfig& pool) {
      pool.env["STARTED_FILE"] = files_ / "started";
      pool.spare_slots = spare_slots;
      pool.max_concurrency = 1;
      pool.shutdown_timeout = 0s;
    });
  }
  std::uintmax_t starts() const {
    std::error_code missing;
    const auto size = std::filesystem::file_size(files_ / "started", missing);
    return missing ? 0 : size;
  }

  TempDir files_;
};

TEST_F(ExecSlots, RunStartInTheSlotItself) {
  Host host(slots_config(0));
  Pool pool = host.pool("p");
  const std::int32_t process = pool.call<exec_slots::process_id>();
  EXPECT_EQ(pool.call<exec_slots::started_in>(), process);
  EXPECT_EQ(starts(), 1u) << "it is not run where nothing can use it";
}

TEST_F(ExecSlots, OfAKilledOneAreMadeAnew) {
  Host host(slots_config(0));
  Pool pool = host.pool("p");
  const std::int32_t first = pool.call<exec_slots::process_id>();
  EXPECT_EQ(error_of([&] { pool.with({.timeout = 300ms}).call<exec_slots::hang>(); }).code, ErrorCode::timed_out);
  const std::int32_t second = pool.call<exec_slots::started_in>();
  EXPECT_NE(second, first);
  EXPECT_EQ(pool.call<exec_slots::process_id>(), second);
}

TEST_F(ExecSlots, StandByAsThePoolIsConfigured) {
  Host host(slots_config(1));
  Pool pool = host.pool("p");
  static_cast<void>(pool.call<exec_slots::process_id>());
  EXPECT_TRUE(eventually([&] { return starts() == 2; }, 30s)) << starts();
}

TEST_F(ExecSlots, AreShownByInspect) {
  FILE* const pipe = ::popen(FLAME_TEST_COMMAND " plugin inspect " FLAME_TEST_PLUGINS "/edge_exec_slots.so", "re");
  ASSERT_NE(pipe, nullptr);
  char text[4096] = {};
  static_cast<void>(std::fread(text, 1, sizeof text - 1, pipe));
  EXPECT_EQ(::pclose(pipe), 0);
  EXPECT_THAT(text, HasSubstr("exec'd one by one, never forked"));
  EXPECT_THAT(text, HasSubstr("stop_slot runs in each slot that ends in good order"));
}

TEST_F(ExecSlots, ThatCannotStartSayWhy) {
  Host host(config("exec_slots"));  // without STARTED_FILE
  const Error error = error_of([&] { static_cast<void>(host.pool("p").call<exec_slots::process_id>()); });
  EXPECT_EQ(error.code, ErrorCode::task_failed);
  EXPECT_THAT(error.message, HasSubstr("The plugin's start() failed: std::runtime_error: no device"));
}

}  // namespace
}  // namespace flame::test

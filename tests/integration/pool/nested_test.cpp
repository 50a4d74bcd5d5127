// Nested FLAME: a task that uses a pool of its own, and what becomes of its slot.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/integration/pool/nested_tasks.hpp"
#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Nested : public PoolTest {
 protected:
  /// A host of the plugin "nested_tasks"; what its tasks write goes to the test's own files.
  Host outer_host() {
    HostConfig settings = config([this](PoolConfig& pool) {
      pool.plugins = {"nested_tasks@1"};
      pool.env["TMPDIR"] = files_.path();
    });
    settings.name = "outer";
    settings.plugin_path = {FLAME_TEST_NESTED_PLUGINS};
    return Host(std::move(settings));
  }
  [[nodiscard]] static std::string inner(const std::string& pool = {}) {
    return "[host]\nname = \"inner\"\n[plugins]\npath = [\"" FLAME_FIXTURE_PLUGINS
           "\"]\n[backends.local]\nrunner = \"" +
           std::string(FLAME_TEST_RUNNER) + "\"\n[pools.work]\nplugins = [\"pool_tasks@1\"]\nspare_slots = 0\n" + pool;
  }
  [[nodiscard]] static bool has_runners_below(pid_t process) {
    return std::ranges::any_of(descendants(process),
                               [](pid_t pid) { return command_of(pid).find("flame-runner") != std::string::npos; });
  }
};

TEST_F(Nested, ATaskMayUseAPoolOfItsOwn) {
  Host host = outer_host();
  const Pool pool = host.pool("work");
  [[maybe_unused]] const auto slot = pool.call<nested::process>();
  EXPECT_THAT(pool.call<nested::call_inside>(inner()), ElementsAre("inner", "work", "work-1", "local"));
#ifndef __SANITIZE_THREAD__  // its own threads may still be there when the slot counts them
  EXPECT_EQ(pool.call<nested::process>(), slot) << "a host that ended leaves nothing, so the slot serves on";
#endif
}

TEST_F(Nested, NoMinimumIsBootedInsideARunner) {
  Host host = outer_host();
  const Pool pool = host.pool("work");
  EXPECT_THAT(pool.call<nested::bounds_inside>(inner("min = 3\nmax = 5\nwarm = 2\n")), ElementsAre(0, 1));
}

// A host has threads and a child: by the rules of hygiene its slot serves nobody else, and its runners go with it.
TEST_F(Nested, AHostThatATaskLeavesBehindEndsWithItsSlot) {
  std::atomic<bool> said_why = false;
  Host host = outer_host();
  const Pool pool = host.pool("work");
  Pool(pool).on_log([&](const LogEvent& event) {
    if (event.text.find("the slot is discarded after this call") != std::string::npos) said_why = true;
  });
  const auto slot = pool.call<nested::process>();
  const nested::LeftBehind left = pool.call<nested::leave_host>(inner());
  EXPECT_GT(left.slot, 1) << "the result is delivered";
  EXPECT_GT(left.guardian, 1);
  EXPECT_NE(pool.call<nested::process>(), slot);
  EXPECT_TRUE(eventually([&] { return said_why.load(); }));
  EXPECT_TRUE(eventually([&] { return is_gone(left.slot); }));
  EXPECT_TRUE(eventually([&] { return is_gone(left.guardian); }));
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(Nested, ATaskThatIsKilledTakesItsRunnersWithIt) {
  Host host = outer_host();
  const Pool pool = host.pool("work");
  const auto outer_supervisor = supervisor_of(pool.call<nested::process>());
  auto call = pool.async<nested::nap_inside>(inner("boot_timeout = \"30s\"\nmax = 1\n"), 60'000);
  EXPECT_TRUE(eventually([&] { return has_runners_below(outer_supervisor); })) << "its runner boots";
  call.cancel();
  EXPECT_EQ(error_of([&] { return call.get(); }).code, ErrorCode::cancelled);
  EXPECT_GT(pool.call<nested::process>(), 1);
  EXPECT_TRUE(eventually([&] { return !has_runners_below(outer_supervisor); }));
}

}  // namespace
}  // namespace flame::test

// A plugin's own signal handlers win over FLAME's crash report, wherever they were installed; others are reported.
#include <gmock/gmock.h>

#include <csignal>
#include <optional>

#include "handlers_tasks.hpp"
#include "support.hpp"

namespace flame::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using namespace std::chrono_literals;

class Handlers : public EdgeTest {
 protected:
  void SetUp() override {
    EdgeTest::SetUp();
    host_.emplace(config("handlers"));
    pool_.emplace(host_->pool("p"));
  }
  void TearDown() override {
    pool_.reset();
    host_.reset();
    EdgeTest::TearDown();
  }

  std::optional<Host> host_;
  std::optional<Pool> pool_;
};

TEST_F(Handlers, InstalledAtLoadWin) {
  EXPECT_EQ(pool_->call<handlers::raise_and_tell>(SIGBUS), "load");
}

TEST_F(Handlers, InstalledInStartWin) {
  EXPECT_EQ(pool_->call<handlers::raise_and_tell>(SIGFPE), "start");
}

TEST_F(Handlers, InstalledInStartSlotWin) {
  EXPECT_EQ(pool_->call<handlers::raise_and_tell>(SIGILL), "start_slot");
}

TEST_F(Handlers, InstalledInATaskWin) {
  EXPECT_EQ(pool_->call<handlers::raise_with_a_handler_of_the_task>(SIGSEGV), "task");
}

TEST_F(Handlers, ThePluginsSignalStackStaysInUse) {
  EXPECT_TRUE(pool_->call<handlers::has_its_own_signal_stack>());
}

TEST_F(Handlers, ASmallSignalStackOfThePluginCrashesNoCall) {
  Host host(config("handlers", [](PoolConfig& pool) { pool.env["SMALL_SIGNAL_STACK"] = "1"; }));
  EXPECT_FALSE(host.pool("p").call<handlers::has_its_own_signal_stack>()) << "it is the small one, and was asked for";
}

TEST_F(Handlers, ThatHandOnGiveACrashReport) {
  const Error error = error_of([&] { pool_->call<handlers::crash_and_hand_on>(); });
  EXPECT_EQ(error.code, ErrorCode::crashed);
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_THAT(error.where, Contains(HasSubstr("handlers::crash_and_hand_on() at edge_handlers.so+0x")));
}

TEST_F(Handlers, WithoutOneACrashIsReported) {
  const Error error = error_of([&] { static_cast<void>(pool_->call<handlers::raise_and_tell>(SIGABRT)); });
  EXPECT_EQ(error.signal, SIGABRT);
  EXPECT_THAT(error.where, Contains(HasSubstr("handlers::raise_and_tell")));
}

TEST_F(Handlers, AChildThatCrashesIsNotTheSlot) {
  EXPECT_EQ(pool_->call<handlers::child_crashes>(), SIGSEGV);
  const Error error = error_of([&] { static_cast<void>(pool_->call<handlers::raise_and_tell>(SIGKILL)); });
  EXPECT_EQ(error.signal, SIGKILL) << "and what its slot dies of later is not what the child died of";
  EXPECT_THAT(error.where, testing::IsEmpty());
}

}  // namespace
}  // namespace flame::test

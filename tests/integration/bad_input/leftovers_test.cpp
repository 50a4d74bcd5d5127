// Tasks that leave something behind or change their process.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <vector>

#include "tests/integration/bad_input/support.hpp"

namespace flame::test {
namespace {

class BadLeftovers : public BadInputTest {
 protected:
  static bool gone(std::int64_t pid) { return ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH; }

  // One slot for the bad call and the next ordinary one, beside the slot of the bystander.
  // No spare: the slot of a call is then the one that the call before it had.
  static Host one_slot() { return make_host({.pool = "max_concurrency = 2\nspare_slots = 0\n"}); }
};

TEST_F(BadLeftovers, AForkThatEndsAtOnceHarmsNothing) {
  const Host host = one_slot();
  const Pool pool = host.pool("work");
  const std::int64_t child = beside_others(pool, [&] { return pool.call<misbehave::fork_and_return>(); });
  EXPECT_TRUE(eventually([&] { return gone(child); }));
}

TEST_F(BadLeftovers, AChildLeftBehindIsKilledAndTheResultDelivered) {
  const Host host = one_slot();
  const Pool pool = host.pool("work");
  const std::int64_t child = beside_others(pool, [&] { return pool.call<misbehave::leave_child>(); });
  EXPECT_GT(child, 0);
  EXPECT_TRUE(eventually([&] { return gone(child); })) << child;
}

TEST_F(BadLeftovers, AnOrphanInASessionOfItsOwnIsKilledWhileThePoolLives) {
  const Host host = one_slot();
  const Pool pool = host.pool("work");
  const std::int64_t orphan = beside_others(pool, [&] { return pool.call<misbehave::leave_grandchild>(); });
  EXPECT_GT(orphan, 0);
  EXPECT_TRUE(eventually([&] { return gone(orphan); })) << orphan;
}

TEST_F(BadLeftovers, AThreadLeftBehindCostsItsSlotNotTheResultWhereThePoolSaysSo) {
  const Host host = make_host({.pool = "max_concurrency = 2\nspare_slots = 0\nleftover_threads = \"discard\"\n"});
  const Pool pool = host.pool("work");
  beside_others(pool, [&] {
    const std::int64_t before = pool.call<misbehave::process_id>();
    pool.call<misbehave::leave_thread>();
    EXPECT_TRUE(eventually([&] { return gone(before); })) << before;
    EXPECT_NE(pool.call<misbehave::process_id>(), before);
    return 0;
  });
  EXPECT_EQ(pool.stats().discards, (std::vector<DiscardCount>{{"threads", 1}}));
}

TEST_F(BadLeftovers, AThreadThatSleepsStaysWithItsSlot) {
  const Host host = one_slot();
  const Pool pool = host.pool("work");
  beside_others(pool, [&] {
    const std::int64_t before = pool.call<misbehave::process_id>();
    pool.call<misbehave::leave_thread>();
    EXPECT_TRUE(eventually([&] { return pool.call<misbehave::process_id>() == before; }));
    return 0;
  });
  EXPECT_TRUE(pool.stats().discards.empty());
}

TEST_F(BadLeftovers, AnAlarmLeftBehindDoesNotRingInTheNextCall) {
  const Host host = one_slot();
  const Pool pool = host.pool("work");
  beside_others(pool, [&] {
    pool.call<misbehave::leave_alarm>();
    EXPECT_EQ(pool.call<misbehave::sleep_ms>(1'500), "slept");
    return 0;
  });
}

TEST_F(BadLeftovers, ClosingEveryDescriptorIsCrashedAndNamesTheChannel) {
  const Host host = make_host();
  const Error error = failure_of<misbehave::close_all_files>(host.pool("work"));
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_NE(error.message.find("channel"), std::string::npos) << error.message;
}

TEST_F(BadLeftovers, TheNextCallSeesTheOriginalDirectoryAndMask) {
  const Host host = one_slot();
  const Pool pool = host.pool("work");
  beside_others(pool, [&] {
    const std::string directory = pool.call<misbehave::working_directory>();
    const std::int32_t mask = pool.call<misbehave::file_mode_mask>();
    EXPECT_NE(directory, "/");
    EXPECT_NE(mask, 0);
    pool.call<misbehave::change_directory_and_mask>();
    EXPECT_EQ(pool.call<misbehave::working_directory>(), directory);
    EXPECT_EQ(pool.call<misbehave::file_mode_mask>(), mask);
    return 0;
  });
}

TEST_F(BadLeftovers, ANewSessionIsNotHandedToTheNextCall) {
  const Host host = one_slot();
  const Pool pool = host.pool("work");
  beside_others(pool, [&] {
    static_cast<void>(pool.call<misbehave::start_session>());  // -1 in a slot that leads its session already
    EXPECT_EQ(pool.call<misbehave::session_id>(), pool.call<misbehave::process_id>());
    return 0;
  });
}

TEST_F(BadLeftovers, BlockedSignalsAreUnblockedForTheNextCall) {
  const Host host = one_slot();
  const Pool pool = host.pool("work");
  const Error error = beside_others(pool, [&] {
    pool.call<misbehave::block_signals>();
    const auto result = pool.with({.timeout = std::chrono::seconds(10)}).try_call<misbehave::kill_self>(SIGTERM);
    return result.has_error() ? result.error() : Error{};
  });
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_EQ(error.signal, SIGTERM);
}

TEST_F(BadLeftovers, KillingItsProcessGroupKillsOnlyTheTask) {
  const Host host = make_host();
  const Error error = failure_of<misbehave::kill_group>(host.pool("work"));
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_EQ(error.signal, SIGKILL);
}

TEST_F(BadLeftovers, AHundredMegabytesOnStandardOutputAreCutAndCounted) {
  const Host host = make_host();
  Pool pool = host.pool("work");
  constexpr std::uint64_t kWritten = 100'000'000;
  constexpr std::uint64_t kKeptMax = 1 << 20;
  std::atomic<std::uint64_t> kept = 0;
  std::atomic<std::uint64_t> dropped = 0;
  pool.on_log([&](const LogEvent& event) {
    if (event.source != LogEvent::Source::standard_output) return;
    kept += event.text.size();
    dropped += event.dropped;
  });
  beside_others(pool, [&] {
    pool.call<misbehave::write_stdout>(kWritten);
    return 0;
  });
  EXPECT_TRUE(eventually([&] { return dropped >= kWritten - kKeptMax - 64; })) << kept << " kept, " << dropped;
  EXPECT_GT(kept, 0U);
  EXPECT_LE(kept, kKeptMax);
  pool.on_log({});
}

}  // namespace
}  // namespace flame::test

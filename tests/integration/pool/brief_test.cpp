// Brief calls, which a runner sends to slots that are still busy: each has its own fate all the same.
#include <algorithm>
#include <set>
#include <stop_token>

#include <gmock/gmock.h>

#include "tests/integration/pool/brief_tasks.hpp"
#include "tests/support/pool_test.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::int64_t kSlots = 64;

class Brief : public PoolTest, public testing::WithParamInterface<SlotIsolation> {
 protected:
  using Calls = std::vector<Future<brief::Stamp>>;

  static Host brief_host(SlotIsolation isolation, LeftoverThreads leftover_threads = LeftoverThreads::keep) {
    HostConfig one = config([&](PoolConfig& pool) {
      pool.leftover_threads = leftover_threads;
      pool.plugins = {"brief_tasks"};
      pool.max_concurrency = kSlots;
      pool.isolation = isolation;
      pool.timeout = 60s;
    });
    one.plugin_path = {FLAME_TEST_NESTED_PLUGINS};
    return Host(std::move(one));
  }
  /// As many calls at once as there are slots; `trouble` says what each is to do.
  static Calls burst(const Pool& pool, const std::function<std::string(std::int64_t)>& trouble = {}) {
    Calls calls;
    for (std::int64_t i = 0; i < kSlots; ++i) {
      calls.push_back(pool.async<brief::step>(i, trouble ? trouble(i) : std::string()));
    }
    return calls;
  }
  /// What the calls of a burst returned: each its own value.
  static std::vector<brief::Stamp> stamps_of(Calls calls) {
    std::vector<brief::Stamp> stamps;
    for (std::int64_t i = 0; i < kSlots; ++i) {
      stamps.push_back(calls[static_cast<std::size_t>(i)].get());
      EXPECT_EQ(stamps.back().value, i);
    }
    return stamps;
  }
  static std::size_t slots_of(Calls calls) {
    std::set<std::int64_t> slots;
    for (const brief::Stamp& stamp : stamps_of(std::move(calls))) slots.insert(stamp.slot);
    return slots.size();
  }
  /// Until the runner has learnt that the task is brief. (A machine that stands still lets no call be brief.)
  static bool share_slots(const Pool& pool) {
    return eventually([&] { return slots_of(burst(pool)) <= kSlots / 4; });
  }
  /// Bursts in which call number 20 makes trouble, and what became of it; all others give their own value.
  template <class Check>
  static void trouble_in_the_middle(const Pool& pool, const std::string& trouble, const Check& check) {
    for (int round = 0; round < 20; ++round) {
      Calls calls = burst(pool, [&](std::int64_t i) { return i == 20 ? trouble : std::string(); });
      for (std::int64_t i = 0; i < kSlots; ++i) {
        auto& call = calls[static_cast<std::size_t>(i)];
        if (i == 20) {
          check(error_of([&] { return call.get(); }));
        } else {
          EXPECT_EQ(call.get().value, i);
        }
      }
    }
  }
};

class BriefInProcesses : public Brief {};

INSTANTIATE_TEST_SUITE_P(Slots, Brief, testing::Values(SlotIsolation::process, SlotIsolation::thread),
                         [](const auto& test) { return test.param == SlotIsolation::process ? "process" : "thread"; });

TEST_P(Brief, CallsInFlightShareAFewSlots) {
  const Host host = brief_host(GetParam());
  EXPECT_TRUE(share_slots(host.pool("work")));
}

TEST_P(Brief, ACallThatTurnsOutToBeLongKeepsNoOthersWaiting) {
  const Host host = brief_host(GetParam());
  const Pool pool = host.pool("work");
  ASSERT_TRUE(share_slots(pool));
  for (int round = 0; round < 5; ++round) {
    const std::string gate = "gate" + std::to_string(round);
    Calls calls = burst(pool, [&](std::int64_t i) { return i % 8 == 3 ? file(gate + ".go") : std::string(); });
    for (std::int64_t i = 0; i < kSlots; ++i) {
      if (i % 8 == 3) continue;
      EXPECT_EQ(calls[static_cast<std::size_t>(i)].get().value, i);
    }
    go(gate);
    for (std::int64_t i = 3; i < kSlots; i += 8) EXPECT_EQ(calls[static_cast<std::size_t>(i)].get().value, i);
  }
}

TEST_P(Brief, AThrownExceptionIsItsOwnCallsAndHasItsFrames) {
  const Host host = brief_host(GetParam());
  const Pool pool = host.pool("work");
  ASSERT_TRUE(share_slots(pool));
  trouble_in_the_middle(pool, "throw", [](const Error& error) {
    EXPECT_EQ(error.code, ErrorCode::task_failed);
    EXPECT_THAT(error.message, HasSubstr("thrown by 20"));
    EXPECT_FALSE(error.where.empty());
  });
}

TEST_P(Brief, ADeadlineInTheMiddleEndsItsOwnCallOnly) {
  const Host host = brief_host(GetParam());
  const Pool pool = host.pool("work");
  ASSERT_TRUE(share_slots(pool));
  Calls before = burst(pool);
  // Long enough to get one of the 64 slots on a slow machine.
  auto late = pool.with({.timeout = 1s}).async<brief::step>(1000, file("never"));
  Calls after = burst(pool);
  EXPECT_EQ(error_of([&] { return late.get(); }).code, ErrorCode::timed_out);
  static_cast<void>(stamps_of(std::move(before)));
  static_cast<void>(stamps_of(std::move(after)));
}

TEST_P(Brief, CancelledCallsEndCancelledOrDoneAndTouchNoOthers) {
  const Host host = brief_host(GetParam());
  const Pool pool = host.pool("work");
  ASSERT_TRUE(share_slots(pool));
  for (int round = 0; round < 10; ++round) {
    std::vector<std::stop_source> stops(kSlots);
    Calls calls;
    for (std::int64_t i = 0; i < kSlots; ++i) {
      const auto stop = stops[static_cast<std::size_t>(i)].get_token();
      calls.push_back(pool.with({.stop = stop}).async<brief::step>(i, i % 16 == 7 ? file("never") : std::string()));
    }
    for (std::size_t i = 1; i < kSlots; i += 2) stops[i].request_stop();
    for (std::int64_t i = 0; i < kSlots; ++i) {
      auto& call = calls[static_cast<std::size_t>(i)];
      if (i % 2 == 0) {
        EXPECT_EQ(call.get().value, i);
        continue;
      }
      const Error error = error_of([&] { return call.get(); });
      if (i % 16 == 7 || error.code != ErrorCode::none) {
        EXPECT_EQ(error.code, ErrorCode::cancelled) << error.to_string();
      }
    }
  }
}

// Beyond 16 KiB results lie in an arena that the next call writes to, beyond 2 MiB they are streamed through it.
TEST_P(Brief, LargeResultsAreTheirOwnCalls) {
  const Host host = brief_host(GetParam());
  const Pool pool = host.pool("work");
  for (const std::size_t size : {std::size_t{20'000}, std::size_t{3} << 20}) {
    ASSERT_TRUE(share_slots(pool));
    const auto large = [&](std::int64_t i) { return i % 4 == 1 ? std::to_string(size) : std::string(); };
    for (const brief::Stamp& stamp : stamps_of(burst(pool, large))) {
      const std::int64_t i = stamp.value;
      EXPECT_TRUE(stamp.text == std::string(i % 4 == 1 ? size : 0, static_cast<char>('a' + i % 26))) << i;
    }
  }
}

TEST_F(BriefInProcesses, ASlotThatClaimsTheCallsBehindItIsKilledAndEveryCallIsAnswered) {
  const Host host = brief_host(SlotIsolation::process);
  const Pool pool = host.pool("work");
  ASSERT_TRUE(share_slots(pool));
  for (int round = 0; round < 3; ++round) {
    Calls calls = burst(pool, [](std::int64_t i) { return i == 5 ? std::string("lie") : std::string(); });
    for (std::int64_t i = 0; i < kSlots; ++i) {
      auto& call = calls[static_cast<std::size_t>(i)];
      if (i == 5) continue;
      const Error error = error_of([&] { return call.get().value == i; });
      if (error.code == ErrorCode::none) continue;
      EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
      EXPECT_EQ(error.started, Started::yes) << "nobody can tell that it was not";
    }
    calls[5].cancel();
    EXPECT_NE(error_of([&] { return calls[5].get(); }).code, ErrorCode::none);
  }
}

TEST_F(BriefInProcesses, ACrashTakesNoOtherCallWithIt) {
  const Host host = brief_host(SlotIsolation::process);
  const Pool pool = host.pool("work");
  ASSERT_TRUE(share_slots(pool));
  for (const char* trouble : {"crash", "exit"}) {
    trouble_in_the_middle(pool, trouble, [&](const Error& error) {
      EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
      EXPECT_EQ(error.signal, std::string(trouble) == "crash" ? SIGABRT : 0);
    });
  }
}

TEST_F(BriefInProcesses, AKilledSlotTakesOneCallAtMost) {
  const Host host = brief_host(SlotIsolation::process);
  const Pool pool = host.pool("work");
  ASSERT_TRUE(share_slots(pool));
  for (int round = 0; round < 20; ++round) {
    const auto victim = static_cast<pid_t>(pool.call<brief::step>(0, "").process);
    Calls calls = burst(pool);
    ::kill(victim, SIGKILL);
    int lost = 0;
    for (std::int64_t i = 0; i < kSlots; ++i) {
      auto& call = calls[static_cast<std::size_t>(i)];
      const Error error = error_of([&] { return call.get().value == i; });
      if (error.code == ErrorCode::none) continue;
      ++lost;
      EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
      EXPECT_EQ(error.signal, SIGKILL);
    }
    EXPECT_LE(lost, 1);
  }
}

TEST_F(BriefInProcesses, ATaskThatHangsIsKilledAloneInItsSlot) {
  const Host host = brief_host(SlotIsolation::process);
  const Pool pool = host.pool("work");
  ASSERT_TRUE(share_slots(pool));
  Calls before = burst(pool);
  // It has a slot long before that also on a slow machine: a call that never had one ends as queue_timed_out.
  auto deaf = pool.with({.timeout = 5s}).async<brief::step>(1000, "hang");
  Calls after = burst(pool);
  EXPECT_EQ(error_of([&] { return deaf.get(); }).code, ErrorCode::timed_out);
  static_cast<void>(stamps_of(std::move(before)));
  static_cast<void>(stamps_of(std::move(after)));
}

TEST_F(BriefInProcesses, ASlotThatIsDiscardedAfterACallRunsNoneOfThoseBehindIt) {
  const Host host = brief_host(SlotIsolation::process, LeftoverThreads::discard);
  const Pool pool = host.pool("work");
  ASSERT_TRUE(share_slots(pool));
  for (int round = 0; round < 10; ++round) {
    std::set<std::int64_t> littered;  // processes with a thread left in them
    const auto leave_one = [](std::int64_t i) { return i % 16 == 5 ? std::string("thread") : std::string(); };
    for (const brief::Stamp& stamp : stamps_of(burst(pool, leave_one))) {
      if (stamp.value % 16 != 5) continue;
      EXPECT_TRUE(littered.insert(stamp.process).second) << "a slot with a thread left in it served on";
    }
    for (const brief::Stamp& stamp : stamps_of(burst(pool))) EXPECT_FALSE(littered.contains(stamp.process));
  }
}

TEST_F(BriefInProcesses, OutputBelongsToTheCallThatWroteIt) {
  const Host host = brief_host(SlotIsolation::process);
  Pool pool = host.pool("work");
  std::mutex mutex;
  std::map<std::uint64_t, std::string> written;
  pool.on_log([&](const LogEvent& event) {
    if (event.source != LogEvent::Source::standard_output) return;
    const std::lock_guard lock(mutex);
    written[event.call] += event.text;
  });
  ASSERT_TRUE(share_slots(pool));
  std::map<std::uint64_t, std::string> expected;
  for (int round = 0; round < 10; ++round) {
    Calls calls = burst(pool, [](std::int64_t i) { return i % 8 == 5 ? std::string("write") : std::string(); });
    for (std::size_t i = 5; i < kSlots; i += 8) expected[calls[i].id()] = std::to_string(i);
    static_cast<void>(stamps_of(std::move(calls)));
  }
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return written.size() >= expected.size();
  }));
  pool.on_log({});
  EXPECT_EQ(written, expected);
}

}  // namespace
}  // namespace flame::test

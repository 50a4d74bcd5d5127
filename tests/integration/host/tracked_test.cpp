// Tracked resources as a user sees them: in any result, called, passed on, let go.
#include <atomic>
#include <optional>
#include <thread>

#include <flame/dynamic.hpp>

#include "tests/integration/host/objects_support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using objects::Counter;

class TrackedResources : public ObjectsTest {};

TEST_F(TrackedResources, LiveInTheirSlotAndAnswerCalls) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const Tracked<Counter> counter = pool.call<objects::counter>(40, "");
  EXPECT_EQ(counter.call<&Counter::add>(2), 42);
  EXPECT_EQ(counter.call<&Counter::value>(), 42);
  const auto value = counter.try_call<&Counter::value>();
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(*value, 42);
  EXPECT_EQ(counter.call<&Counter::pid>(), counter.call<&Counter::pid>());
  EXPECT_EQ(pool.stats().slots_held, 1U);
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3) << "other slots serve other calls";
}

TEST_F(TrackedResources, AreReleasedWithTheLastCopyOfTheHandle) {
  const Host host(config());
  const Pool pool = host.pool("work");
  auto first = pool.call<objects::counter>(1, file());
  auto second = first;
  first = {};
  EXPECT_EQ(second.call<&Counter::value>(), 1);
  EXPECT_TRUE(lines().empty());
  second = {};
  EXPECT_TRUE(wrote({"gone"})) << "its destructor runs in the slot";
  EXPECT_TRUE(held(pool, 0));
}

TEST_F(TrackedResources, OfOneCallShareItsSlotUntilTheLastIsReleased) {
  const Host host(config([](PoolConfig& pool) { pool.max_concurrency = 1, pool.idle_shutdown_after = 100ms; }));
  const Pool pool = host.pool("work");
  auto counters = pool.call<objects::counters>(2, file());
  const auto pid = counters[0].call<&Counter::pid>();
  EXPECT_EQ(counters[1].call<&Counter::pid>(), pid);
  counters[0] = {};
  EXPECT_TRUE(wrote({"gone"}));
  EXPECT_EQ(code_of([&] { pool.with({.timeout = 200ms}).call<objects::add>(1, 2); }), ErrorCode::queue_timed_out);
  EXPECT_EQ(counters[1].call<&Counter::value>(), 1);
  EXPECT_EQ(pool.stats().runners, 1U);
  counters[1] = {};
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3);
  EXPECT_EQ(pool.stats().boots, 1U) << "the same runner";
  EXPECT_TRUE(eventually([&] { return pool.stats().runners == 0; })) << "then it idles out";
}

TEST_F(TrackedResources, KeepTheirRunnerUpForAsLongAsTheyLive) {
  std::atomic<bool> shrunk = false;
  const Host host(config([](PoolConfig& pool) { pool.idle_shutdown_after = 50ms; }));
  const Pool pool = host.pool("work");
  Pool(pool).on_shrink([&](const Shrink&) { shrunk = true; });
  auto counter = pool.call<objects::counter>(1, "");
  EXPECT_FALSE(eventually([&] { return shrunk.load(); }, 1s));
  EXPECT_EQ(counter.call<&Counter::value>(), 1);
  counter = {};
  EXPECT_TRUE(eventually([&] { return shrunk.load(); }));
}

TEST_F(TrackedResources, MayStandAtAnyDepthOfAResult) {
  const Host host(config());
  const auto nested = host.pool("work").call<objects::nested>();
  EXPECT_EQ(nested.at("both")->first.call<&Counter::value>(), 1);
  EXPECT_EQ(nested.at("both")->second.call<&Counter::value>(), 2);
  EXPECT_EQ(nested.at("one")->first.call<&Counter::value>(), 3);
  EXPECT_FALSE(nested.at("one")->second);
  EXPECT_FALSE(nested.at("none").has_value());
  EXPECT_EQ(code_of([&] { nested.at("one")->second.call<&Counter::value>(); }), ErrorCode::invalid_argument);
}

TEST_F(TrackedResources, AreArgumentsOfTasksWhichGoToTheirSlot) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto counters = pool.call<objects::counters>(4, "");
  EXPECT_EQ(pool.call<objects::sum>(counters), 6);
  EXPECT_EQ(pool.call<objects::difference>(counters[3], counters[1]), 2);
  EXPECT_EQ(pool.call<objects::difference>(counters[3], counters[3]), 0);
  EXPECT_EQ(pool.call<objects::where>(counters[0]), counters[0].call<&Counter::pid>());
  const auto of_objects = counters[0].call<&Counter::pid>();
  EXPECT_NE(pool.call<objects::where>(std::nullopt), of_objects) << "without an object a free slot";
  EXPECT_NE(pool.call<objects::where>(Tracked<Counter>()), of_objects);
  EXPECT_EQ(pool.call<objects::sum>(pool.call<objects::counters>(3, file())), 3) << "a temporary lives long enough";
  EXPECT_TRUE(wrote({"gone", "gone", "gone"}));
}

TEST_F(TrackedResources, AreArgumentsOfCallsThatGoToTheirRunnerAmongSeveral) {
  const Host host(config([](PoolConfig& pool) { pool.max = 2, pool.max_concurrency = 2; }));
  const Pool pool = host.pool("work");
  std::vector<Tracked<Counter>> counters;
  for (int i = 0; i < 4; ++i) counters.push_back(pool.call<objects::counter>(i, ""));
  ASSERT_EQ(pool.stats().runners, 2U);
  for (const auto& counter : counters) EXPECT_EQ(pool.call<objects::where>(counter), counter.call<&Counter::pid>());
  ASSERT_EQ(::kill(parent_of(counters[0].call<&Counter::pid>()), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return pool.stats().runners_lost == 1; }));
  int lost = 0;
  for (const auto& counter : counters) {
    const auto where = pool.try_call<objects::where>(counter);
    const ErrorCode code = where.has_error() ? where.error().code : ErrorCode::none;
    lost += code == ErrorCode::runner_lost ? 1 : 0;
    EXPECT_TRUE(code == ErrorCode::none || code == ErrorCode::runner_lost) << to_string(code);
  }
  EXPECT_EQ(lost, 2) << "those of the other runner go on";
}

TEST_F(TrackedResources, InDifferentSlotsCannotMeetInOneCall) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto a = pool.call<objects::counter>(1, "");
  const auto b = pool.call<objects::counter>(2, "");
  EXPECT_NE(a.call<&Counter::pid>(), b.call<&Counter::pid>());
  const auto result = pool.try_call<objects::difference>(a, b);
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(result.error().message.find("different slots"), std::string::npos) << result.error().message;
  EXPECT_EQ(a.call<&Counter::value>(), 1);
  EXPECT_EQ(b.call<&Counter::value>(), 2);
}

TEST_F(TrackedResources, OfAnotherPoolAreRefused) {
  HostConfig settings = config();
  settings.pools["other"] = settings.pools["work"];
  const Host host(settings);
  const auto counter = host.pool("work").call<objects::counter>(1, "");
  const auto result = host.pool("other").try_call<objects::where>(counter);
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(result.error().message.find("pool \"work\""), std::string::npos) << result.error().message;
  EXPECT_EQ(host.pool("other").stats().boots, 0U);
}

TEST_F(TrackedResources, CanBeMadeAndReturnedByCallsInTheirSlot) {
  const Host host(config());
  const Pool pool = host.pool("work");
  auto first = pool.call<objects::counter>(1, file());
  auto second = first.call<&Counter::sibling>(20);
  auto third = pool.call<objects::same>(second);
  EXPECT_EQ(second.call<&Counter::add>(1), 21);
  EXPECT_EQ(third.call<&Counter::value>(), 21) << "the same object, once more";
  EXPECT_EQ(pool.call<objects::difference>(third, first), 20);
  EXPECT_TRUE(held(pool, 1));
  first = {};
  EXPECT_TRUE(wrote({"gone"}));
  second = {};
  EXPECT_EQ(third.call<&Counter::value>(), 21);
  third = {};
  EXPECT_TRUE(wrote({"gone", "gone"}));
  EXPECT_TRUE(held(pool, 0));
}

TEST_F(TrackedResources, TakeCallsOfManyThreadsOneAtATime) {
  const Host host(config());
  const auto counter = host.pool("work").call<objects::counter>(0, "");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([counter] {
      for (int j = 0; j < 50; ++j) counter.call<&Counter::add>(1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.call<&Counter::value>(), 200);
}

TEST_F(TrackedResources, CarryPayloadsOfEverySizeThroughTheirMethods) {
  const Host host(config());
  const auto counter = host.pool("work").call<objects::counter>(0, "");
  for (const std::size_t size : {0UL, 65'000UL, 300'000UL, 9'000'000UL}) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    const Bytes sent(std::move(text));
    EXPECT_EQ(counter.call<&Counter::echo>(sent), sent) << size;
  }
}

TEST_F(TrackedResources, AnExceptionOfAMethodIsAnErrorAndTheObjectLivesOn) {
  const Host host(config());
  const auto counter = host.pool("work").call<objects::counter>(7, "");
  const Error error = error_of([&] { counter.call<&Counter::fail>("no such key"); });
  EXPECT_EQ(error.code, ErrorCode::task_failed);
  EXPECT_EQ(error.message, "no such key");
  EXPECT_EQ(error.plugin, "host_objects@1.0.0");
  EXPECT_EQ(counter.call<&Counter::value>(), 7);
}

TEST_F(TrackedResources, MayHaveThreadsAndTheSlotIsJudgedWhenTheyAreGone) {
  const Host host(config([](PoolConfig& pool) { pool.leftover_threads = LeftoverThreads::discard; }));
  const Pool pool = host.pool("work");
  auto counter = pool.call<objects::counter>(7, "");
  const pid_t slot = counter.call<&Counter::pid>();
  counter.call<&Counter::leave_thread>();
  EXPECT_EQ(counter.call<&Counter::pid>(), slot);
  counter = {};
  EXPECT_TRUE(gone(slot));
  EXPECT_TRUE(held(pool, 0));
}

TEST_F(TrackedResources, OfACallThatFailsAreGoneWithIt) {
  const Host host(config());
  const Pool pool = host.pool("work");
  EXPECT_EQ(code_of([&] { static_cast<void>(pool.call<objects::half>(file())); }), ErrorCode::task_failed);
  EXPECT_TRUE(wrote({"gone"}));
  EXPECT_TRUE(held(pool, 0));
}

TEST_F(TrackedResources, ThatNobodyWaitsForAnyMoreAreReleased) {
  const Host host(config());
  const Pool pool = host.pool("work");
  { auto dropped = pool.with({.link = false}).async<objects::late>(50, file()); }
  EXPECT_TRUE(wrote({"gone"})) << "nobody took the result";
  pool.cast<objects::late>(10, file());
  EXPECT_TRUE(wrote({"gone", "gone"}));
  auto cancelled = pool.async<objects::late>(10'000, file());
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  cancelled.cancel();
  EXPECT_EQ(code_of([&] { static_cast<void>(cancelled.get()); }), ErrorCode::cancelled);
  EXPECT_TRUE(wrote({"gone", "gone", "gone"})) << "it came after the cancel";
  EXPECT_TRUE(held(pool, 0));
  EXPECT_EQ(code_of([&] { static_cast<void>(pool.with({.timeout = 50ms}).call<objects::late>(10'000, file())); }),
            ErrorCode::timed_out);
  EXPECT_TRUE(wrote({"gone", "gone", "gone", "gone"})) << "it came after the deadline";
  EXPECT_TRUE(held(pool, 0));
}

TEST_F(TrackedResources, AreReleasedWhenTheFuturesValueIsNotTheFuture) {
  const Host host(config());
  auto future = host.pool("work").async<objects::counter>(1, file());
  {
    const Tracked<Counter> counter = future.get();
    EXPECT_EQ(counter.call<&Counter::value>(), 1);
  }
  EXPECT_TRUE(wrote({"gone"})) << "a future whose value was taken holds nothing";
}

TEST_F(TrackedResources, HandlesMayOutliveTheirHost) {
  std::optional<Tracked<Counter>> counter;
  {
    const Host host(config());
    counter = host.pool("work").call<objects::counter>(1, file());
    EXPECT_EQ(counter->call<&Counter::value>(), 1);
  }
  EXPECT_TRUE(wrote({"gone"})) << "the end of the host releases it";
  EXPECT_EQ(code_of([&] { counter->call<&Counter::value>(); }), ErrorCode::shutting_down);
  counter.reset();
}

TEST_F(TrackedResources, ShutdownDoesNotWaitForThem) {
  Host host(config([](PoolConfig& pool) { pool.shutdown_timeout = 20s; }));
  const auto counter = host.pool("work").call<objects::counter>(1, file());
  const auto begin = std::chrono::steady_clock::now();
  host.shutdown();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_EQ(lines(), (std::vector<std::string>{"gone"}));
}

TEST_F(TrackedResources, AreTheOneLeaseOfASingleUseRunner) {
  const Host host(config([](PoolConfig& pool) { pool.single_use = true, pool.max = 2; }));
  const Pool pool = host.pool("work");
  auto counter = pool.call<objects::counter>(1, file());
  const pid_t pid = counter.call<&Counter::pid>();
  EXPECT_NE(pool.call<objects::pid>(), pid) << "another runner";
  EXPECT_EQ(counter.call<&Counter::add>(1), 2);
  counter = {};
  EXPECT_TRUE(wrote({"gone"}));
  EXPECT_TRUE(eventually([&] { return pool.stats().runners == 0; }));
}

TEST_F(TrackedResources, WorkWithFreshSlotsPerCall) {
  const Host host(config([](PoolConfig& pool) { pool.reuse = false; }));
  const Pool pool = host.pool("work");
  auto counter = pool.call<objects::counter>(1, file());
  const pid_t slot = counter.call<&Counter::pid>();
  EXPECT_EQ(counter.call<&Counter::add>(1), 2);
  EXPECT_EQ(counter.call<&Counter::pid>(), slot);
  counter = {};
  EXPECT_TRUE(gone(slot));
}

TEST_F(TrackedResources, CannotBePassedAsBytes) {
  const Host host(config());
  const Pool pool = host.pool("work");
  const auto counter = pool.call<objects::counter>(1, "");
  RawPayload bytes = detail::encode_arguments<objects::same>(counter);
  ASSERT_EQ(bytes.resources.size(), 1U);
  EXPECT_EQ(call_raw(pool, "objects::same", std::move(bytes)).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(
      call_raw(pool, "objects::Counter::value", detail::encode_arguments<&Counter::value, Counter>()).error().code,
      ErrorCode::invalid_argument)
      << "a method without its object";
  EXPECT_TRUE(call_raw(pool, "objects::counter", detail::encode_arguments<objects::counter>(1, file())).has_value());
  EXPECT_TRUE(wrote({"gone"})) << "bytes hold nothing";
}

TEST_F(TrackedResources, LiveInThreadsOfATrustedProcessToo) {
  const Host host(config([](PoolConfig& pool) { pool.isolation = SlotIsolation::thread; }));
  const Pool pool = host.pool("work");
  auto a = pool.call<objects::counter>(1, file());
  auto b = pool.call<objects::counter>(2, file());
  EXPECT_EQ(a.call<&Counter::pid>(), b.call<&Counter::pid>());
  EXPECT_EQ(a.call<&Counter::add>(1), 2);
  EXPECT_EQ(b.call<&Counter::add>(1), 3);
  EXPECT_EQ(pool.call<objects::add>(1, 2), 3);
  EXPECT_EQ(code_of([&] { pool.call<objects::difference>(a, b); }), ErrorCode::invalid_argument);
  a = {};
  EXPECT_TRUE(wrote({"gone"}));
  EXPECT_EQ(b.call<&Counter::value>(), 3);
  b = {};
  EXPECT_TRUE(wrote({"gone", "gone"}));
  EXPECT_TRUE(held(pool, 0));
}

}  // namespace
}  // namespace flame::test

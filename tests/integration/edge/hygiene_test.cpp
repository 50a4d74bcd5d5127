// What one caller's task changes in its process does not reach the next caller, and what a call leaves is nobody else's
// shortage.
#include "tests/integration/edge/hygiene_tasks.hpp"

#include <signal.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <string>

#include "tests/integration/edge/support.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class EdgeHygiene : public EdgeTest {
 protected:
  /// One slot and no spare: each call gets the slot of the one before, unless that was discarded.
  static Host one_slot(const std::function<void(PoolConfig&)>& change = {}) {
    return Host(config("hygiene", [&](PoolConfig& pool) {
      pool.max_concurrency = 1;
      pool.spare_slots = 0;
      if (change) change(pool);
    }));
  }
};

/// What tasks of a pool have printed.
class Printed {
 public:
  explicit Printed(Pool& pool) : pool_(pool) {
    pool_.on_log([this](const LogEvent& event) {
      const std::lock_guard lock(mutex_);
      text_ += event.text + "\n";
    });
  }
  ~Printed() { pool_.on_log({}); }
  Printed(const Printed&) = delete;
  Printed& operator=(const Printed&) = delete;

  [[nodiscard]] bool has(const std::string& text) const {
    const std::lock_guard lock(mutex_);
    return text_.find(text) != std::string::npos;
  }

 private:
  Pool& pool_;
  mutable std::mutex mutex_;
  std::string text_;
};

TEST_F(EdgeHygiene, RoundingOfOneCallerDoesNotReachTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const double third = pool.call<hygiene::one_third>();
  const auto slot = pool.call<hygiene::process_id>();
  pool.call<hygiene::round_upwards>();
  EXPECT_EQ(pool.call<hygiene::one_third>(), third);
  EXPECT_EQ(pool.call<hygiene::process_id>(), slot) << "that is restored, so the slot serves on";
}

TEST_F(EdgeHygiene, EnvironmentOfOneCallerDoesNotReachTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  pool.call<hygiene::set_variable>("FLAME_TEST_SECRET", "of caller A");
  EXPECT_EQ(pool.call<hygiene::variable>("FLAME_TEST_SECRET"), "");
  const std::string home = pool.call<hygiene::variable>("PATH");
  pool.call<hygiene::set_variable>("PATH", "/tmp/of-caller-A");
  EXPECT_EQ(pool.call<hygiene::variable>("PATH"), home);
}

TEST_F(EdgeHygiene, AVariableThatIsOverwrittenInPlaceDoesNotReachTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  EXPECT_EQ(pool.call<hygiene::variable>("FLAME_TEST_BUFFER"), "first");
  pool.call<hygiene::overwrite_variable_in_place>("mine");
  EXPECT_EQ(pool.call<hygiene::variable>("FLAME_TEST_BUFFER"), "first");
}

TEST_F(EdgeHygiene, AVariableThatWasSetForAMomentCostsNoSlot) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto slot = pool.call<hygiene::process_id>();
  for (int i = 0; i < 3; ++i) pool.call<hygiene::set_variable_for_a_moment>();
  EXPECT_EQ(pool.call<hygiene::process_id>(), slot);
}

TEST_F(EdgeHygiene, AVariableInMemoryThatIsGoneCrashesNothing) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto slot = pool.call<hygiene::process_id>();
  pool.call<hygiene::lose_a_variable>();
  EXPECT_NE(pool.call<hygiene::process_id>(), slot);
}

TEST_F(EdgeHygiene, LocaleOfOneCallerDoesNotReachTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const std::string home = pool.call<hygiene::locale_name>();
  ASSERT_NE(home, "C.UTF-8");
  pool.call<hygiene::use_locale>("C.UTF-8");
  EXPECT_EQ(pool.call<hygiene::locale_name>(), home);
}

TEST_F(EdgeHygiene, LocaleOfTheThreadDoesNotReachTheNextEitherThoughItTakesNoSystemCall) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.call<hygiene::has_global_locale>()) << "after " << i;
    pool.call<hygiene::use_locale_of_thread>();
  }
  EXPECT_TRUE(pool.call<hygiene::has_global_locale>());
}

TEST_F(EdgeHygiene, LocaleOfStandardOutputDoesNotReachTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  pool.call<hygiene::imbue_standard_output>();
  EXPECT_TRUE(pool.call<hygiene::standard_output_is_classic>());
}

TEST_F(EdgeHygiene, NumberFormatOfStandardOutputDoesNotReachTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  pool.call<hygiene::print_hexadecimal>();
  EXPECT_EQ(pool.call<hygiene::printed_number>(), "255");
}

TEST_F(EdgeHygiene, SignalsThatOneCallerIgnoresEndTheNextCallersCommandsAsUsual) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  pool.call<hygiene::ignore_signal>(SIGCHLD);
  EXPECT_EQ(pool.call<hygiene::status_of_command>("exit 3"), 3);
  pool.call<hygiene::ignore_signal>(SIGTERM);
  EXPECT_EQ(pool.call<hygiene::status_of_command>("kill -TERM $$; exit 4"), -1);
}

TEST_F(EdgeHygiene, AHandlerInThePlaceOfAnotherDoesNotReachTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  pool.call<hygiene::exit_at_signal>(SIGSEGV);
  const auto crash = pool.try_call<hygiene::crash>();
  ASSERT_TRUE(crash.has_error());
  EXPECT_EQ(crash.error().signal, SIGSEGV) << crash.error().to_string();
}

TEST_F(EdgeHygiene, ASignalThatIsLeftPendingDoesNotReachTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  pool.call<hygiene::block_and_raise>();
  EXPECT_EQ(pool.call<hygiene::status_of_command>("exit 3"), 3);
}

TEST_F(EdgeHygiene, ResourceLimitsOfOneCallerDoNotReachTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto home = pool.call<hygiene::open_files_limit>();
  pool.call<hygiene::lower_open_files>(64);
  EXPECT_EQ(pool.call<hygiene::open_files_limit>(), home);
}

TEST_F(EdgeHygiene, TheRunnersOwnLimitOnCpuTimeCostsNoSlot) {
  Host host = one_slot([](PoolConfig& pool) { pool.limits.cpu_time = 60s; });
  const Pool pool = host.pool("p");
  const auto slot = pool.call<hygiene::process_id>();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pool.call<hygiene::process_id>(), slot);
}

void expect_scheduling_does_not_stay(const Pool& pool) {
  const auto nice = pool.call<hygiene::niceness>();
  pool.call<hygiene::be_nice>();
  EXPECT_EQ(pool.call<hygiene::niceness>(), nice);
  const auto cpus = pool.call<hygiene::cpus>();  // with one the rest shows nothing
  pool.call<hygiene::use_one_cpu>();
  EXPECT_EQ(pool.call<hygiene::cpus>(), cpus);
}

TEST_F(EdgeHygiene, CpusAndPriorityOfOneCallerDoNotReachTheNext) {
  Host host = one_slot();
  expect_scheduling_does_not_stay(host.pool("p"));
}

TEST_F(EdgeHygiene, CpusAndPriorityOfOneCallerDoNotReachTheNextInAThreadEither) {
  Host host = one_slot([](PoolConfig& pool) { pool.isolation = SlotIsolation::thread; });
  expect_scheduling_does_not_stay(host.pool("p"));
}

void expect_latency_does_not_stay(const Pool& pool) {
  const auto slot = pool.call<hygiene::process_id>();
  const auto slack = pool.call<hygiene::timer_slack>();
  const auto priority = pool.call<hygiene::io_priority>();
  pool.call<hygiene::be_late_and_idle>();
  EXPECT_EQ(pool.call<hygiene::timer_slack>(), slack);
  EXPECT_EQ(pool.call<hygiene::io_priority>(), priority);
  EXPECT_EQ(pool.call<hygiene::process_id>(), slot) << "that is restored, so the slot serves on";
}

TEST_F(EdgeHygiene, TimerSlackAndIoPriorityOfOneCallerDoNotReachTheNext) {
  Host host = one_slot();
  expect_latency_does_not_stay(host.pool("p"));
}

TEST_F(EdgeHygiene, TheRootDirectoryOfOneCallerIsNotTheNextOnes) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto root = pool.call<hygiene::root_inode>();
  pool.call<hygiene::change_root>("/tmp");  // where the tests do not run as root it may not, and nothing changes
  EXPECT_EQ(pool.call<hygiene::root_inode>(), root);
}

TEST_F(EdgeHygiene, HandlersOfOneCallerDoNotRunForTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto slot = pool.call<hygiene::process_id>();
  pool.call<hygiene::set_handlers>();
  EXPECT_EQ(pool.call<hygiene::set_handlers_found>(), "");
  EXPECT_EQ(pool.call<hygiene::process_id>(), slot) << "they are restored, so the slot serves on";
}

TEST_F(EdgeHygiene, ADescriptorThatOneCallerClosedIsNotTheNextOnesOutput) {
  Host host = one_slot();
  Pool pool = host.pool("p");
  Printed printed(pool);
  for (const int fd : {0, 1, 2}) {
    pool.call<hygiene::close_descriptor>(fd);
    EXPECT_GT(pool.call<hygiene::lowest_free_descriptor>(), 2) << "after " << fd;
  }
  pool.call<hygiene::close_standard_output>();
  pool.call<hygiene::print_line>("after fclose()");
  EXPECT_TRUE(eventually([&] { return printed.has("after fclose()"); }));
  EXPECT_TRUE(eventually([&] { return printed.has("closed its standard input, output or error"); })) << "the reason";
}

TEST_F(EdgeHygiene, OutputThatOneCallerRedirectedIsTheNextOnesAgain) {
  const TempDir directory;
  Host host = one_slot();
  Pool pool = host.pool("p");
  Printed printed(pool);
  const auto slot = pool.call<hygiene::process_id>();
  for (const bool reopen : {false, true}) {
    const std::string name = reopen ? "freopen" : "dup2";
    const std::string path = directory / name;
    pool.call<hygiene::redirect_output>(path, "in the file of " + name, reopen);
    pool.call<hygiene::print_line>("next after " + name);
    EXPECT_TRUE(eventually([&] { return printed.has("next after " + name); }));
    std::ifstream file(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "in the file of " + name + "\n");
  }
  EXPECT_FALSE(printed.has("in the file"));
  EXPECT_EQ(pool.call<hygiene::process_id>(), slot) << "that is restored, so the slot serves on";
}

TEST_F(EdgeHygiene, ABufferThatOneCallerLentToStandardOutputIsNotUsedForTheNext) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  pool.call<hygiene::lend_standard_output_a_buffer>();
  EXPECT_FALSE(pool.call<hygiene::standard_output_uses_that_buffer>());
}

TEST_F(EdgeHygiene, AProfilerOfStartSlotLivesOn) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pool.call<hygiene::profiler_interval>(), 250'000);
}

TEST_F(EdgeHygiene, AThreadThatSleepsInAReadOfAStreamKeepsNoResultBack) {
  Host host = one_slot();
  const Pool pool = host.pool("p");
  const auto result = pool.with({.timeout = 20s}).try_call<hygiene::leave_reader>();
  EXPECT_TRUE(result.has_value()) << result.error().to_string();
  pool.call<hygiene::print_line>("still printed");
}

TEST_F(EdgeHygiene, OutputOfATaskThatEndsTheSyncWithStdioArrivesAndSoDoesTheNextOnes) {
  Host host = one_slot();
  Pool pool = host.pool("p");
  Printed printed(pool);
  const auto slot = pool.call<hygiene::process_id>();
  pool.call<hygiene::print_unsynchronized>("first");
  EXPECT_TRUE(eventually([&] { return printed.has("first"); }));
  pool.call<hygiene::print_by_cout>("second");
  EXPECT_TRUE(eventually([&] { return printed.has("second"); }));
  EXPECT_NE(pool.call<hygiene::process_id>(), slot) << "there is no way back to the sync";
  EXPECT_TRUE(eventually([&] { return printed.has("sync_with_stdio(false)"); })) << "the log says why";
}

#ifndef __SANITIZE_ADDRESS__  // limits.memory leaves no room for its shadow
TEST_F(EdgeHygiene, ASlotThatFillsWithMemoryIsReplacedBeforeItFailsACall) {
  Host host = one_slot([](PoolConfig& pool) { pool.limits.memory = 128 << 20; });
  const Pool pool = host.pool("p");
  std::set<std::int64_t> slots;
  for (int i = 0; i < 40; ++i) {
    const auto kept = pool.try_call<hygiene::keep_memory>(10 << 20);
    ASSERT_TRUE(kept.has_value()) << i << ": " << kept.error().to_string();
    const auto used = pool.try_call<hygiene::use_memory>(50 << 20);
    ASSERT_TRUE(used.has_value()) << i << ": an innocent call pays: " << used.error().to_string();
    slots.insert(pool.call<hygiene::process_id>());
  }
  EXPECT_LT(slots.size(), 10U) << "half of the limit holds six of these calls";
}

TEST_F(EdgeHygiene, MemoryOfACallThatRunsBesideOthersInItsProcessIsNoLeak) {
  Host host(config("hygiene", [](PoolConfig& pool) {
    pool.isolation = SlotIsolation::thread;
    pool.limits.memory = 64 << 20;
  }));
  const Pool pool = host.pool("p");
  auto holder = pool.async<hygiene::hold_memory>(80 << 20);
  ASSERT_TRUE(eventually([&] { return pool.call<hygiene::memory_is_held>(); }));
  const auto process = pool.call<hygiene::process_id>();
  for (int i = 0; i < 40; ++i) ASSERT_EQ(pool.call<hygiene::process_id>(), process) << "after " << i << " calls";
  pool.call<hygiene::release_memory>();
  EXPECT_TRUE(holder.get());
}

TEST_F(EdgeHygiene, MemoryThatACallHasGivenBackCostsNoSlot) {
  Host host = one_slot([](PoolConfig& pool) { pool.limits.memory = 128 << 20; });
  const Pool pool = host.pool("p");
  const auto slot = pool.call<hygiene::process_id>();
  for (int i = 0; i < 5; ++i) pool.call<hygiene::use_memory>(100 << 20);
  EXPECT_EQ(pool.call<hygiene::process_id>(), slot);
}

TEST_F(EdgeHygiene, ACallThatRunsOutOfMemoryIsItsSlotsLast) {
  Host host = one_slot([](PoolConfig& pool) { pool.limits.memory = 64 << 20; });
  const Pool pool = host.pool("p");
  const auto slot = pool.call<hygiene::process_id>();
  pool.call<hygiene::keep_memory>(20 << 20);
  const auto result = pool.try_call<hygiene::use_all_memory>();
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, ErrorCode::out_of_memory);
  EXPECT_NE(result.error().message.find("Earlier calls of its slot had left"), std::string::npos)
      << result.error().message;
  EXPECT_NE(pool.call<hygiene::process_id>(), slot);
}
#endif

TEST_F(EdgeHygiene, ASlotThatFillsWithDescriptorsIsReplacedBeforeItFailsACall) {
  Host host = one_slot([](PoolConfig& pool) { pool.limits.open_files = 256; });
  const Pool pool = host.pool("p");
  pool.call<hygiene::keep_files>(200);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(pool.call<hygiene::opens_a_file>()) << i;
    pool.call<hygiene::keep_files>(30);
  }
}

TEST_F(EdgeHygiene, TheReasonIsToldOnceForATaskWithWhatToDo) {
  Host host = one_slot();
  Pool pool = host.pool("p");
  std::atomic<int> told = 0;
  std::atomic<int> with_remedy = 0;
  pool.on_log([&](const LogEvent& event) {
    if (event.text.find("the slot is discarded") == std::string::npos) return;
    ++told;
    if (event.text.find("start helpers in start_slot()") != std::string::npos) ++with_remedy;
  });
  for (int i = 0; i < 5; ++i) pool.call<hygiene::leave_child>();
  pool.call<hygiene::set_variable>("FLAME_TEST_OTHER", "1");
  EXPECT_TRUE(eventually([&] { return told >= 2; }));
  EXPECT_EQ(told, 2) << "one for each task";
  EXPECT_EQ(with_remedy, 1);
  pool.on_log({});
}

}  // namespace
}  // namespace flame::test

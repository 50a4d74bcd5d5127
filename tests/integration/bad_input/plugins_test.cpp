// Plugins that cannot be used: the error says why, and the host goes on.
#include <signal.h>
#include <unistd.h>

#include <string>

#include "answers.hpp"
#include "tests/integration/bad_input/support.hpp"
#include "tests/support/processes.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class BadPlugins : public BadInputTest {
 protected:
  /// What making a host with a file that is no usable plugin throws.
  static Error refused(const std::string& plugin) {
    return error_of([&] { static_cast<void>(make_host({.plugin = plugin, .directory = FLAME_FIXTURE_BAD})); });
  }

  /// What the first call of a plugin gives that no process can load or start, while "misbehave" serves beside it.
  template <auto F>
  static Error call_error(const std::string& plugin, const std::string& pool_lines = {}) {
    const Host host = make_host({.plugin = plugin + "@1\", \"misbehave@1", .pool = pool_lines});
    const Pool pool = host.pool("work");
    EXPECT_EQ(pool.call<misbehave::add>(40, 2), 42);
    const auto result = pool.try_call<F>();
    EXPECT_EQ(pool.call<misbehave::echo>("after"), "after");
    EXPECT_EQ(pool.stats().boots, 1U);
    return result.has_error() ? result.error() : Error{};
  }

  static void expect_text(const Error& error, const std::string& text) {
    EXPECT_NE(error.message.find(text), std::string::npos) << error.to_string();
  }
};

TEST_F(BadPlugins, AFileThatIsNoElfIsRefusedByName) {
  const Error error = refused("not_elf@1");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument) << error.to_string();
  expect_text(error, "not_elf.so");
  expect_text(error, "ELF");
}

TEST_F(BadPlugins, AnUnknownPluginIsNotFoundWithItsPlaceAndTheNearestName) {
  const Error error = error_of([&] { static_cast<void>(make_host({.plugin = "misbehav@1"})); });
  EXPECT_EQ(error.code, ErrorCode::not_found) << error.to_string();
  expect_text(error, "pools.work.plugins");
  expect_text(error, "did you mean \"misbehave\"");
}

TEST_F(BadPlugins, ASharedObjectWithoutANoteIsRefusedByName) {
  const Error error = refused("no_note@1");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument) << error.to_string();
  expect_text(error, "no_note.so");
  expect_text(error, "FLAME_PLUGIN");
}

TEST_F(BadPlugins, AnotherAbiMajorIsIncompatible) {
  const Error error = refused("wrong_major@1");
  EXPECT_EQ(error.code, ErrorCode::incompatible) << error.to_string();
  expect_text(error, "2.0");
}

TEST_F(BadPlugins, ATableThatIsNotWhatTheNoteSaysFailsItsCalls) {
  const Host host = make_host({.plugin = "note_lies@1", .directory = FLAME_FIXTURE_BAD});
  const auto result = host.pool("work").try_call<undefined_symbol::answer>();
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, ErrorCode::not_found) << result.error().to_string();
}

TEST_F(BadPlugins, AnUndefinedSymbolIsNamed) {
  const Error error = call_error<undefined_symbol::answer>("undefined_symbol");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument) << error.to_string();
  expect_text(error, "defined_nowhere");
  EXPECT_EQ(error.started, Started::no);
  EXPECT_EQ(error.plugin, "undefined_symbol@1.0.0");
}

TEST_F(BadPlugins, AThrowingStaticConstructorIsToldWithWhatItThrew) {
  const Error error = call_error<static_throw::answer>("static_throw");
#ifdef __clang__  // what it makes of the constructor can be unwound: the loader hears of the exception
  EXPECT_EQ(error.code, ErrorCode::invalid_argument) << error.to_string();
  EXPECT_NE(error.message.find("thrown by a static constructor"), std::string::npos) << error.message;
#else
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_NE(error.log_tail.find("thrown by a static constructor"), std::string::npos) << error.log_tail;
#endif
}

TEST_F(BadPlugins, ACrashingStaticConstructorIsToldWithItsSignal) {
  const Error error = call_error<static_crash::answer>("static_crash");
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_EQ(error.started, Started::no);
}

TEST_F(BadPlugins, AStartThatThrowsIsToldWithWhatItThrew) {
  const Error error = call_error<start_fails::answer>("start_fails");
  EXPECT_EQ(error.code, ErrorCode::task_failed) << error.to_string();
  expect_text(error, "start()");
  expect_text(error, "the model is missing");
  EXPECT_EQ(error.started, Started::no);
}

TEST_F(BadPlugins, AStartThatCrashesIsToldWithItsSignal) {
  const Error error = call_error<start_crashes::answer>("start_crashes");
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  expect_text(error, "start()");
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_EQ(error.started, Started::no);
}

TEST_F(BadPlugins, AStartThatHangsFailsTheCallAtItsDeadlineAndIsNamed) {
  const Error error = call_error<start_hangs::answer>("start_hangs", "timeout = \"500ms\"\nboot_timeout = \"1s\"\n");
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.to_string();
  EXPECT_NE(error.started, Started::yes);
  expect_text(error, "start()");
}

TEST_F(BadPlugins, AStartThatHangsIsKilledAfterTheBootTimeoutAndTriedAgain) {
  const Host host = make_host({.plugin = "start_hangs@1", .pool = "timeout = \"60s\"\nboot_timeout = \"500ms\"\n"});
  const Pool pool = host.pool("work");
  auto waiting = pool.async<start_hangs::answer>();
  pid_t zygote = 0;
  ASSERT_TRUE(eventually([&] { return (zygote = runner_processes(::getpid()).zygote) != 0; }));
  ASSERT_TRUE(waiting.wait_for(20s));
  const Error error = error_of([&] { static_cast<void>(waiting.get()); });
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.to_string();
  EXPECT_EQ(error.started, Started::no);
  EXPECT_EQ(error.plugin, "start_hangs@1.0.0");
  expect_text(error, "start() did not return within 500ms");
  expect_text(error, "boot_timeout");
  EXPECT_TRUE(is_gone(zygote));
  EXPECT_EQ(pool.try_call<start_hangs::answer>().error().code, ErrorCode::timed_out);
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(BadPlugins, AStartSlotThatHangsIsKilledAfterTheBootTimeoutAndNamed) {
  const Host host =
      make_host({.plugin = "start_slot_hangs@1", .pool = "timeout = \"60s\"\nboot_timeout = \"500ms\"\n"});
  const Pool pool = host.pool("work");
  auto waiting = pool.async<start_slot_hangs::answer>();
  ASSERT_TRUE(waiting.wait_for(20s));
  const Error error = error_of([&] { static_cast<void>(waiting.get()); });
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.to_string();
  EXPECT_EQ(error.started, Started::no);
  expect_text(error, "start_slot() did not return within 500ms");
  EXPECT_EQ(pool.try_call<start_slot_hangs::answer>().error().code, ErrorCode::timed_out);
  EXPECT_EQ(pool.stats().runners_lost, 0U);
}

TEST_F(BadPlugins, AStartSlotThatHangsInOneProcessOfThreadsIsNamedToo) {
  const Host host = make_host({.plugin = "start_slot_hangs@1",
                               .pool = "isolation = \"thread\"\ntimeout = \"60s\"\nboot_timeout = \"500ms\"\n"});
  const Error error = error_of([&] { static_cast<void>(host.pool("work").call<start_slot_hangs::answer>()); });
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.to_string();
  expect_text(error, "start_slot()");
}

TEST_F(BadPlugins, AStartSlotThatThrowsIsToldWithWhatItThrew) {
  const Error error = call_error<start_slot_fails::answer>("start_slot_fails");
  EXPECT_EQ(error.code, ErrorCode::task_failed) << error.to_string();
  expect_text(error, "The plugin's start_slot() failed: std::runtime_error: no device for this slot.");
  EXPECT_EQ(error.started, Started::no);
  EXPECT_EQ(error.plugin, "start_slot_fails@1.0.0");
}

TEST_F(BadPlugins, AStartSlotThatCrashesIsToldWithItsSignalPlaceAndLastLines) {
  const Error error = call_error<start_slot_crashes::answer>("start_slot_crashes");
  EXPECT_EQ(error.code, ErrorCode::crashed) << error.to_string();
  expect_text(error, "The plugin's start_slot() crashed: segmentation fault (signal 11) at address 0x0");
  EXPECT_EQ(error.signal, SIGSEGV);
  EXPECT_EQ(error.started, Started::no);
  EXPECT_NE(error.log_tail.find("opening the device"), std::string::npos) << error.log_tail;
  expect_crashed_in(error, "start_slot_crashes::", "start_slot_crashes.so");
}

TEST_F(BadPlugins, AStartThatLeavesAThreadOnlyCostsTheFork) {
  const Host host = make_host({.plugin = "start_leaves_thread@1"});
  EXPECT_EQ(host.pool("work").call<start_leaves_thread::answer>(), 42);
}

}  // namespace
}  // namespace flame::test

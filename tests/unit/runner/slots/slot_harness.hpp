// A small supervisor for tests: one zygote, its slots, and waiting for what they say.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "runner/slots/slot_handle.hpp"
#include "runner/slots/zygote_handle.hpp"
#include "tests/support/leftovers.hpp"

namespace flame::slot {

inline constexpr std::uint64_t kFixtureFingerprint = 42;  // FIXTURE_FINGERPRINT

/// A slot and everything it said.
struct TestSlot {
  std::unique_ptr<SlotHandle> handle;
  pid_t pid = 0;
  bool ready = false;
  bool sends_later = false;
  std::string discard_reason;  // why it is not reusable
  DiscardReason discard = DiscardReason::none;
  std::uint32_t threads = 0;  // that it keeps
  std::optional<SlotResult> result;
  std::string streamed;  // bytes of a streamed result
  std::vector<SlotProgress> progress;
  std::vector<SlotLog> logs;
  std::optional<Error> child_end;
  std::optional<std::string> closed;
  std::string out, err;
};

class SlotTest : public test::LeftoversTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// A spec for tests/fixtures/c_plugins/<file>.so.
  static LoadSpec spec(const std::string& file, const std::string& name);
  /// Starts the zygote and waits until it is ready or has failed.
  void start_zygote(LoadSpec load);
  /// A slot process with `count` slots, ready or refused.
  std::vector<TestSlot*> make_slots(std::size_t count, bool threads);
  TestSlot& make_slot() { return *make_slots(1, false).front(); }
  /// The usual start: the hostile fixture and one slot.
  TestSlot& hostile_slot(SlotLimits limits = {});

  /// Sends a call; `argument` is the table.
  void begin(TestSlot& slot, std::string_view task, std::string_view argument, InvokeView options = {});
  /// begin(), then waits for the result and the slot's verdict, or for its end.
  void call(TestSlot& slot, std::string_view task, std::string_view argument = {}, InvokeView options = {});

  /// Destroys objects and waits for the slot's verdict.
  void destroy(TestSlot& slot, std::vector<std::uint64_t> objects);

  /// One turn of the loop: polls all fds up to 10 ms, reads what is there, reaps children.
  void turn();
  /// Turns until `done` or 20 s have passed.
  [[nodiscard]] bool until(const std::function<bool()>& done);
  /// The wait status of a process that ended; waits for it.
  int status_of(pid_t pid);
  [[nodiscard]] bool ended(pid_t pid) const { return statuses_.contains(pid); }

  std::unique_ptr<ZygoteHandle> zygote_;
  std::optional<ZygoteReady> zygote_ready_;
  std::optional<Error> zygote_error_;
  bool zygote_closed_ = false;
  std::string zygote_output_;
  std::vector<std::unique_ptr<TestSlot>> slots_;

 private:
  void take(TestSlot& slot, SlotEvent& event);
  void take(const ZygoteEvent& event);
  void read_slot(TestSlot& slot);
  void reap();

  std::map<pid_t, int> statuses_;
  std::uint64_t next_id_ = 1;
  std::uint64_t next_request_ = 1;
};

/// The bytes of a number as a task's argument.
[[nodiscard]] std::string number(std::uint64_t value);
/// A result's table as text.
[[nodiscard]] std::string table(const TestSlot& slot);

}  // namespace flame::slot

// Calls through a real zygote and slot: payloads of all sizes, errors, reports, stop, output.
#include <sys/wait.h>

#include <cstring>

#include "plugin_sdk/base/task_id.hpp"
#include "tests/unit/runner/slots/slot_harness.hpp"

namespace flame::slot {
namespace {

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
  return bytes;
}

class Calls : public SlotTest {};

TEST_F(Calls, ASlotServesManyCallsInOneProcess) {
  TestSlot& slot = hostile_slot();
  for (int i = 0; i < 200; ++i) {
    call(slot, "process_id");
    ASSERT_TRUE(slot.ready);
    std::int64_t pid = 0;
    ASSERT_EQ(table(slot).size(), sizeof(pid));
    std::memcpy(&pid, table(slot).data(), sizeof(pid));
    ASSERT_EQ(pid, slot.pid);
    ASSERT_EQ(slot.discard_reason, "");
  }
}

TEST_F(Calls, PayloadsOfEverySizeComeBackUnchanged) {
  TestSlot& slot = hostile_slot();
  for (const std::size_t size : {0ul, 1ul, 15ul, 16ul, 17ul, kInlineMax - 1, kInlineMax, kInlineMax + 1, 1ul << 20,
                                 kArenaInput - 16, kArenaInput, kArenaInput + 1, 5'000'001ul, 10ul << 20}) {
    const std::string bytes = pattern(size);
    call(slot, "echo", bytes);
    ASSERT_TRUE(slot.result.has_value()) << size;
    ASSERT_EQ(slot.result->error.code, ErrorCode::none) << slot.result->error.message;
    ASSERT_EQ(table(slot), bytes) << size;
    ASSERT_EQ(slot.discard_reason, "") << size;
    ASSERT_TRUE(slot.handle->idle());
  }
}

TEST_F(Calls, AttachmentsKeepTheirOrderAndSizes) {
  TestSlot& slot = hostile_slot();
  const std::vector<std::uint64_t> parts = {3, 0, 17, 100'000};
  std::string bytes;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    bytes.append(parts[i], static_cast<char>('a' + i));
    bytes.resize(padded(bytes.size()));
  }
  InvokeView options;
  options.parts = parts;
  options.bytes = std::as_bytes(std::span(bytes));
  call(slot, "echo", {}, options);
  ASSERT_TRUE(slot.result.has_value());
  EXPECT_EQ(slot.result->parts, parts);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(slot.result->bytes.data()), slot.result->bytes.size()), bytes);
}

TEST_F(Calls, APayloadThatArrivesInPiecesIsFedAsItComes) {
  TestSlot& slot = hostile_slot();
  for (const std::size_t size : {100ul, 100'000ul, 9'000'000ul}) {
    std::string bytes = pattern(size);
    const std::uint64_t part = size;
    InvokeView view;
    view.id = 1000 + size;
    view.task = base::task_id("fixture::echo", kFixtureFingerprint);
    view.parts = std::span(&part, 1);
    slot.result.reset();
    slot.ready = false;
    slot.streamed.clear();
    ASSERT_TRUE(slot.handle->invoke(view).has_value());
    bytes.resize(padded(size));
    std::size_t at = 0;
    ASSERT_TRUE(until([&] {
      const std::size_t piece = std::min<std::size_t>(bytes.size() - at, 70'000);
      at += slot.handle->feed(std::as_bytes(std::span(bytes).subspan(at, piece)));
      return at == bytes.size() && (slot.ready || slot.closed);
    }));
    EXPECT_EQ(slot.handle->missing_bytes(), 0u);
    EXPECT_EQ(table(slot), pattern(size));
  }
}

TEST_F(Calls, AnUnsentPayloadCanBeWithdrawn) {
  TestSlot& slot = hostile_slot();
  const std::uint64_t part = 1000;
  InvokeView view;
  view.id = 7;
  view.task = base::task_id("fixture::echo", kFixtureFingerprint);
  view.parts = std::span(&part, 1);
  ASSERT_TRUE(slot.handle->invoke(view).has_value());
  EXPECT_FALSE(slot.handle->begun());
  EXPECT_TRUE(slot.handle->withdraw());
  EXPECT_TRUE(slot.handle->idle());
  call(slot, "echo", "next");
  EXPECT_EQ(table(slot), "next");
}

TEST_F(Calls, AFailureCarriesItsTypeAndCleanText) {
  TestSlot& slot = hostile_slot();
  call(slot, "fails");
  ASSERT_TRUE(slot.result.has_value());
  EXPECT_EQ(slot.result->error.code, ErrorCode::task_failed);
  EXPECT_EQ(slot.result->error.type, "std::runtime_error");
  EXPECT_EQ(slot.result->error.message, "bad\xef\xbf\xbd input");
  EXPECT_TRUE(slot.handle->idle());
}

TEST_F(Calls, ATaskThatThePluginDoesNotHaveIsATypedError) {
  TestSlot& slot = hostile_slot();
  call(slot, "no_such_task");
  ASSERT_TRUE(slot.result.has_value());
  EXPECT_EQ(slot.result->error.code, ErrorCode::not_found);
  InvokeView options;
  options.task = base::task_id("fixture::echo", kFixtureFingerprint + 1);
  call(slot, "echo", "x", options);
  EXPECT_EQ(slot.result->error.code, ErrorCode::not_found) << "of another signature";
  call(slot, "echo", "x");
  EXPECT_EQ(slot.result->error.code, ErrorCode::none);
}

TEST_F(Calls, AResultOverThePayloadLimitIsTooLarge) {
  SlotLimits limits;
  limits.payload_max = 1 << 20;
  TestSlot& slot = hostile_slot(limits);
  call(slot, "big_result", number((1 << 20) + 1));
  ASSERT_TRUE(slot.result.has_value());
  EXPECT_EQ(slot.result->error.code, ErrorCode::too_large);
  call(slot, "big_result", number(1 << 20));
  EXPECT_EQ(table(slot), pattern(1 << 20));
}

TEST_F(Calls, AStopRequestWakesAWaitingTask) {
  TestSlot& slot = hostile_slot();
  for (int round = 0; round < 3; ++round) {
    begin(slot, "waits_for_stop", {});
    ASSERT_TRUE(until([&] { return slot.handle->begun(); }));
    slot.handle->request_stop();
    ASSERT_TRUE(until([&] { return slot.ready; }));
    EXPECT_EQ(table(slot), std::string("\1\0\0\0", 4));
  }
}

TEST_F(Calls, ProgressIsCoalescedAndItsLastStepArrives) {
  TestSlot& slot = hostile_slot();
  call(slot, "reports");
  ASSERT_FALSE(slot.progress.empty());
  EXPECT_LT(slot.progress.size(), 50u);
  EXPECT_EQ(slot.progress.back().fraction, 1.0);
  EXPECT_EQ(slot.progress.back().message, "step");
  ASSERT_EQ(slot.logs.size(), 1u);
  EXPECT_EQ(slot.logs[0].text, "a line");
  EXPECT_EQ(slot.logs[0].level, 2);
}

TEST_F(Calls, OutputIsInThePipesBeforeTheResult) {
  TestSlot& slot = hostile_slot();
  begin(slot, "prints", {});
  std::vector<SlotEvent> events;
  ASSERT_TRUE(until([&] { return slot.ready; }));
  slot.handle->drain(OutputStream::out, slot.out);
  slot.handle->drain(OutputStream::err, slot.err);
  EXPECT_EQ(slot.out, "to stdout\n");
  EXPECT_EQ(slot.err, "to stderr\n");
}

TEST_F(Calls, AHundredMegabytesOfOutputBlockNobody) {
  TestSlot& slot = hostile_slot();
  call(slot, "floods_stdout");
  ASSERT_TRUE(slot.ready);
  ASSERT_TRUE(until([&] { return slot.out.size() == 1600u * 65536u; }));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they keep what is freed
TEST_F(Calls, UsageIsOfThisInvocationAlone) {
  TestSlot& slot = hostile_slot();
  call(slot, "big_result", number(64 << 20));
  ASSERT_TRUE(slot.result.has_value());
  EXPECT_GT(slot.result->usage.peak_memory, 60u << 20);
  EXPECT_GT(slot.result->usage.user_ns + slot.result->usage.system_ns, 1'000'000);
  call(slot, "echo", "x");
  EXPECT_LT(slot.result->usage.peak_memory, 30u << 20);
  EXPECT_LT(slot.result->usage.user_ns, 100'000'000);
}
#endif

TEST_F(Calls, TrackedObjectsStayInTheSlotUntilDestroyed) {
  TestSlot& slot = hostile_slot();
  call(slot, "make_counter", number(40));
  ASSERT_TRUE(slot.result.has_value());
  ASSERT_EQ(slot.result->resources.size(), 1u);
  InvokeView method;
  method.object = slot.result->resources[0];
  call(slot, "Counter::increment", {}, method);
  call(slot, "Counter::increment", {}, method);
  EXPECT_EQ(table(slot), number(42));
  destroy(slot, {method.object});
  call(slot, "Counter::increment", {}, method);
  EXPECT_EQ(slot.result->error.code, ErrorCode::runner_lost);
}

TEST_F(Calls, SlotsOfOneThreadedProcessWorkAtTheSameTime) {
  start_zygote(spec("fixture_hostile", "hostile"));
  const auto slots = make_slots(100, true);
  for (TestSlot* slot : slots) {
    ASSERT_TRUE(slot->ready);
    ASSERT_EQ(slot->pid, slots[0]->pid);
    begin(*slot, "waits_for_stop", {});
  }
  ASSERT_TRUE(until(
      [&] { return std::all_of(slots.begin(), slots.end(), [](const TestSlot* s) { return s->handle->begun(); }); }));
  for (TestSlot* slot : slots) slot->handle->request_stop();
  for (TestSlot* slot : slots) {
    ASSERT_TRUE(until([&] { return slot->ready; }));
    EXPECT_EQ(slot->discard_reason, "");
  }
  const std::string bytes = pattern(5'000'000);
  call(*slots[1], "echo", bytes);
  EXPECT_EQ(table(*slots[1]), bytes);
}

TEST_F(Calls, AClosedChannelEndsAnIdleSlot) {
  TestSlot& slot = hostile_slot();
  const pid_t pid = slot.pid;
  slot.handle.reset();
  EXPECT_EQ(status_of(pid), 0);
}

}  // namespace
}  // namespace flame::slot

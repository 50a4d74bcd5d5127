// Children and held objects in real slots: run() beside methods, its end, and what a slot is judged by.
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/runner/slots/slot_harness.hpp"

namespace flame::slot {
namespace child_thread_test {

class ChildThreads : public SlotTest {
 protected:
  enum What : std::uint64_t { kWaits = 0, kReturns, kFails, kIgnores, kCrashes };
  /// Places a child; its object.
  std::uint64_t place(TestSlot& slot, What what) {
    InvokeView options;
    options.places_child = true;
    call(slot, "make_child", number(what), options);
    EXPECT_TRUE(slot.result.has_value() && slot.result->resources.size() == 1);
    return slot.result && !slot.result->resources.empty() ? slot.result->resources[0] : 0;
  }
};

#if !defined(__SANITIZE_THREAD__)  // which has a thread of its own in each process, and these count threads
TEST_F(ChildThreads, RunBesideMethodsUntilTheyAreStopped) {
  TestSlot& slot = hostile_slot();
  InvokeView method;
  method.object = place(slot, kWaits);
  call(slot, "Child::ask", {}, method);
  EXPECT_EQ(table(slot), number(kWaits));
  EXPECT_EQ(slot.discard_reason, "") << "the thread of run() is no leftover";
  EXPECT_FALSE(slot.child_end.has_value());
  slot.handle->request_child_stop();
  EXPECT_TRUE(until([&] { return slot.child_end.has_value(); }));
  EXPECT_EQ(slot.child_end->code, ErrorCode::none);
  destroy(slot, {method.object});
  EXPECT_EQ(slot.discard_reason, "") << "the slot is as it was before";
  EXPECT_TRUE(until([&] { return slot.out.find("destroyed after run()") != std::string::npos; }));
  call(slot, "process_id");
  EXPECT_EQ(slot.result->error.code, ErrorCode::none);
}
#endif

TEST_F(ChildThreads, ADestroyWaitsForRun) {
  TestSlot& slot = hostile_slot();
  const std::uint64_t object = place(slot, kWaits);
  slot.handle->destroy_objects(std::span(&object, 1));
  slot.ready = false;
  for (int turns = 0; turns < 20; ++turns) turn();
  EXPECT_FALSE(slot.ready) << "run() has not been asked to stop";
  slot.handle->request_child_stop();
  EXPECT_TRUE(until([&] { return slot.ready; }));
  EXPECT_TRUE(until([&] { return slot.out.find("destroyed after run()") != std::string::npos; }));
}

TEST_F(ChildThreads, ARunThatReturnsAtOnceIsHeardAfterTheResult) {
  TestSlot& slot = hostile_slot();
  for (int i = 0; i < 20; ++i) {
    slot.child_end.reset();
    const std::uint64_t object = place(slot, kReturns);
    EXPECT_TRUE(until([&] { return slot.child_end.has_value(); }));
    EXPECT_FALSE(slot.closed.has_value()) << *slot.closed;
    destroy(slot, {object});
  }
}

TEST_F(ChildThreads, ARunThatFailsSaysWhy) {
  TestSlot& slot = hostile_slot();
  place(slot, kFails);
  EXPECT_TRUE(until([&] { return slot.child_end.has_value(); }));
  EXPECT_EQ(slot.child_end->code, ErrorCode::task_failed);
  EXPECT_EQ(slot.child_end->type, "std::logic_error");
  EXPECT_EQ(slot.child_end->message, "run() failed");
}

TEST_F(ChildThreads, AStopOfAMethodIsNotOneOfRun) {
  TestSlot& slot = hostile_slot();
  place(slot, kWaits);
  begin(slot, "waits_for_stop", {});
  EXPECT_TRUE(until([&] { return slot.handle->begun(); }));
  slot.handle->request_stop();
  EXPECT_TRUE(until([&] { return slot.result.has_value() && slot.ready; }));
  EXPECT_FALSE(slot.child_end.has_value());
  slot.handle->request_child_stop();
  EXPECT_TRUE(until([&] { return slot.child_end.has_value(); }));
}

TEST_F(ChildThreads, ACrashOfRunIsReportedAsOneOfTheSlot) {
  TestSlot& slot = hostile_slot();
  place(slot, kCrashes);
  const int status = status_of(slot.pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  const auto report = slot.handle->post_mortem().crash;
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->signal, SIGSEGV);
}

TEST_F(ChildThreads, AClosedChannelEndsASlotWhoseRunIgnoresItsStop) {
  TestSlot& slot = hostile_slot();
  place(slot, kIgnores);
  const pid_t pid = slot.pid;
  slot.handle.reset();
  EXPECT_EQ(status_of(pid), 0);
}

TEST_F(ChildThreads, AFactoryThatMakesNothingFails) {
  TestSlot& slot = hostile_slot();
  InvokeView options;
  options.places_child = true;
  call(slot, "no_child", {}, options);
  EXPECT_EQ(slot.result->error.code, ErrorCode::task_failed);
  EXPECT_TRUE(slot.result->resources.empty());
}

TEST_F(ChildThreads, ASlotIsNotJudgedWhileObjectsLiveInIt) {
  TestSlot& slot = hostile_slot();
  call(slot, "make_counter", number(1));
  const std::uint64_t object = slot.result->resources.at(0);
  call(slot, "leaves_child");
  EXPECT_EQ(slot.discard_reason, "");
  destroy(slot, {object});
  EXPECT_NE(slot.discard_reason.find("child"), std::string::npos) << slot.discard_reason;
}

TEST_F(ChildThreads, LiveInTheThreadsOfOneProcess) {
  start_zygote(spec("fixture_hostile", "hostile"));
  const auto slots = make_slots(3, true);
  std::vector<std::uint64_t> objects;
  for (TestSlot* slot : slots) objects.push_back(place(*slot, kWaits));
  slots[1]->handle->request_child_stop();
  EXPECT_TRUE(until([&] { return slots[1]->child_end.has_value(); }));
  EXPECT_FALSE(slots[0]->child_end.has_value());
  destroy(*slots[1], {objects[1]});
  call(*slots[1], "process_id");
  EXPECT_EQ(slots[1]->result->error.code, ErrorCode::none);
}

}  // namespace child_thread_test
}  // namespace flame::slot

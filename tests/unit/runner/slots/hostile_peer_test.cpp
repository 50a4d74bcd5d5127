// A slot that lies: the supervisor's handle closes it and never reads or writes out of bounds.
#include "tests/unit/runner/slots/peer_test.hpp"

namespace flame::slot {
namespace {

class HostilePeer : public PeerTest {};

TEST_F(HostilePeer, AnHonestResultIsTaken) {
  run_call();
  say(result(), numbers({0}));
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<SlotResult>(events_[0]));
  EXPECT_TRUE(std::get<SlotReady>(events_[1]).reusable);
}

TEST_F(HostilePeer, HelloCarriesTheKernelsPid) {
  say(make_message<HelloMessage>(Kind::hello));
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(std::get<SlotHello>(events_[0]).pid, ::getpid());
}

TEST_F(HostilePeer, ReadyBeforeHelloCloses) {
  say(make_message<ReadyMessage>(Kind::ready));
  expect_closed();
}

TEST_F(HostilePeer, AShortDatagramCloses) {
  run_call();
  const std::byte one{};
  say(std::span(&one, 1));
  expect_closed();
}

TEST_F(HostilePeer, AnUnknownKindCloses) {
  run_call();
  say(make_message<HelloMessage>(Kind::fork));
  expect_closed();
}

TEST_F(HostilePeer, ASizeThatLiesCloses) {
  run_call();
  auto message = result();
  message.header.size = 4096;
  say(as_datagram(message));
  expect_closed();
}

TEST_F(HostilePeer, AResultOfAnotherInvocationCloses) {
  expect_closed_by([](ResultMessage& m) { m.id = 6; });
}

TEST_F(HostilePeer, ASecondResultCloses) {
  run_call();
  say(result(), numbers({0}));
  say(result(), numbers({0}));
  expect_closed();
}

TEST_F(HostilePeer, PartsBeyondTheDatagramClose) {
  expect_closed_by([](ResultMessage& m) { m.part_count = 4096; });
}

TEST_F(HostilePeer, PartsThatDoNotAddUpClose) {
  expect_closed_by([](ResultMessage& m) { m.total = 16; }, std::string(16, 'x') + numbers({17}));
}

TEST_F(HostilePeer, ASumThatOverflowsCloses) {
  expect_closed_by([](ResultMessage& m) { m.part_count = 2; }, numbers({~0ull - 14, 15}));
}

TEST_F(HostilePeer, ATotalOverThePayloadLimitCloses) {
  begin_stream(8 << 20);
  expect_closed();
}

TEST_F(HostilePeer, ArenaOffsetsOutsideTheOutputHalfClose) {
  for (const std::uint64_t offset : {std::uint64_t{0}, kArenaInput - 16, limits::kArenaBytes - 16,
                                     limits::kArenaBytes + 16, ~std::uint64_t{0} - 15}) {
    SetUp();
    events_.clear();
    const auto lie = [](ResultMessage& m) {
      m.carrier = Carrier::arena;
      m.total = 32;
    };
    expect_closed_by(lie, numbers({32, offset}));
  }
}

TEST_F(HostilePeer, AnUnknownErrorCodeCloses) {
  const auto lie = [](ResultMessage& m) {
    m.part_count = 0;
    m.code = 200;
  };
  expect_closed_by(lie, {});
}

TEST_F(HostilePeer, AnUnknownCarrierCloses) {
  expect_closed_by([](ResultMessage& m) { m.carrier = static_cast<Carrier>(9); });
}

TEST_F(HostilePeer, MoreChunksThanTheWindowClose) {
  begin_stream(4 << 20);
  auto data = chunk(kStreamSlab);
  for (std::uint32_t i = 0; i < kStreamSlabs; ++i, data.offset += kStreamSlab) {
    data.sequence = i;
    say(data);
    ASSERT_FALSE(std::holds_alternative<SlotClosed>(events_.back())) << i;
  }
  data.sequence = kStreamSlabs;
  say(data);
  expect_closed();
}

TEST_F(HostilePeer, AChunkLargerThanASlabCloses) {
  begin_stream(1 << 20);
  say(chunk(kStreamSlab + 1));
  expect_closed();
}

TEST_F(HostilePeer, AShortChunkThatIsNotTheLastCloses) {
  begin_stream(1 << 20);
  say(chunk(16));
  expect_closed();
}

TEST_F(HostilePeer, ReportsOfOtherInvocationsAreNotAttributed) {
  run_call();
  auto progress = make_message<ProgressMessage>(Kind::progress);
  progress.id = 4;
  progress.fraction = 0.5;
  say(progress);
  EXPECT_TRUE(events_.empty());
  progress.id = 5;
  progress.fraction = 7;
  say(progress);
  EXPECT_TRUE(events_.empty());
  auto log = make_message<LogMessage>(Kind::log);
  log.id = 4;
  log.level = 1000;
  say(log, "text");
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(std::get<SlotLog>(events_[0]).id, 0u);
  EXPECT_EQ(std::get<SlotLog>(events_[0]).level, 3);
}

TEST_F(HostilePeer, TheSharedMemoryCannotBeTruncated) {
  EXPECT_NE(::ftruncate(control_.get(), 0), 0);
  EXPECT_NE(::ftruncate(control_.get(), 1 << 20), 0);
}

TEST_F(HostilePeer, ALyingControlPageGivesABoundedReport) {
  void* page = ::mmap(nullptr, kControlBytes, PROT_READ | PROT_WRITE, MAP_SHARED, control_.get(), 0);
  ASSERT_NE(page, MAP_FAILED);
  CrashInfo& crash = static_cast<ControlPage*>(page)->crash;
  crash.frame_count = 1'000'000;
  crash.signal = 4711;
  crash.frames[2].address = 100;  // before it are those of the handler
  std::memset(crash.frames[2].module, '\x1b', sizeof(crash.frames[2].module));
  crash.announced = 1;
  const auto report = handle_->post_mortem().crash;
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->frames.size(), kCrashFrames - 2);
  EXPECT_EQ(report->signal, 64);
  EXPECT_EQ(report->frames[0].module, std::string(64, ' '));
  EXPECT_EQ(report->frames[0].offset, 0x64u);
  ThrowInfo& thrown = static_cast<ControlPage*>(page)->thrown;
  thrown.invocation = 7;
  thrown.frame_count = 1'000'000;
  EXPECT_EQ(handle_->thrown_at(7).size(), kThrowFrames);
  EXPECT_TRUE(handle_->thrown_at(8).empty());
  ::munmap(page, kControlBytes);
}

TEST_F(HostilePeer, ImpossibleCallsAreRefusedBeforeTheyAreSent) {
  become_idle();
  InvokeView call;
  call.id = 1;
  EXPECT_EQ(handle_->invoke(call).error().code, ErrorCode::invalid_argument);  // no table
  const std::uint64_t huge[] = {~0ull, 17};
  call.parts = huge;
  EXPECT_EQ(handle_->invoke(call).error().code, ErrorCode::too_large);
  EXPECT_TRUE(handle_->idle());
}

TEST_F(HostilePeer, AnEndOfAChildThatIsNotThereCloses) {
  run_call();
  auto message = make_message<ChildEndedMessage>(Kind::child_ended);
  message.id = 5;
  say(message);
  expect_closed();
}

TEST_F(HostilePeer, AChildEndsOnceAndWithinItsBounds) {
  become_idle();
  InvokeView call = a_call();
  call.places_child = true;
  ASSERT_TRUE(handle_->invoke(call).has_value());
  say(result(), numbers({0}));
  events_.clear();
  auto message = make_message<ChildEndedMessage>(Kind::child_ended);
  message.id = 5;
  message.code = static_cast<std::uint32_t>(ErrorCode::task_failed);
  message.type_size = 1;
  message.message_size = 4;
  say(message, "Eboom");
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(std::get<SlotChildEnded>(events_[0]).error.message, "boom");
  EXPECT_TRUE(handle_->idle());
  say(message, "Eboom");
  expect_closed();
}

TEST_F(HostilePeer, AnEndOfAChildThatLiesAboutItsSizeCloses) {
  become_idle();
  InvokeView call = a_call();
  call.places_child = true;
  ASSERT_TRUE(handle_->invoke(call).has_value());
  auto message = make_message<ChildEndedMessage>(Kind::child_ended);
  message.id = 5;
  message.message_size = 1 << 30;
  say(message, "boom");
  expect_closed();
}

TEST_F(HostilePeer, AReadyThatNobodyAskedForClosesAndOneAfterADestroyDoesNot) {
  become_idle();
  const std::uint64_t object = 1;
  handle_->destroy_objects(std::span(&object, 1));
  EXPECT_FALSE(handle_->idle());
  auto ready = make_message<ReadyMessage>(Kind::ready);
  ready.verdict = Verdict::reusable;
  say(ready);
  EXPECT_TRUE(handle_->idle());
  say(ready);
  expect_closed();
}

}  // namespace
}  // namespace flame::slot

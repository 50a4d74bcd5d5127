// Brief calls that are sent to a slot before it is idle: what the handle makes of an honest slot's words and of lies.
#include "tests/unit/runner/slots/peer_test.hpp"

namespace flame::slot {
namespace {

class Pipelined : public PeerTest {
 protected:
  void SetUp() override {
    PeerTest::SetUp();
    page_ = static_cast<ControlPage*>(
        ::mmap(nullptr, kControlBytes, PROT_READ | PROT_WRITE, MAP_SHARED, control_.get(), 0));
    ASSERT_NE(page_, MAP_FAILED);
    become_idle();
    ASSERT_TRUE(handle_->invoke(brief(5)).has_value());
    events_.clear();
  }
  void TearDown() override { ::munmap(page_, kControlBytes); }

  [[nodiscard]] static InvokeView brief(std::uint64_t id) {
    InvokeView call = a_call(id);
    call.brief = true;
    return call;
  }
  void push(std::initializer_list<std::uint64_t> ids) {
    for (const std::uint64_t id : ids) handle_->push(brief(id));
  }
  /// The slot claims the call with this number; the first has 1.
  void begin(std::uint32_t number) {
    const Claims claims = Claims::unpack(page_->claims.load());
    page_->claims.store(Claims{number, claims.revoked}.pack());
  }
  [[nodiscard]] static ResultMessage result_of(std::uint64_t id, bool runs_pipelined = true) {
    ResultMessage message = result();
    message.id = id;
    message.runs_pipelined = runs_pipelined ? 1 : 0;
    return message;
  }
  void answer(std::uint64_t id, bool runs_pipelined = true) { say(result_of(id, runs_pipelined), numbers({0})); }
  /// "result 5, ready, revoked 6 7, closed".
  [[nodiscard]] std::string heard() const {
    std::string text;
    for (const SlotEvent& event : events_) {
      text += text.empty() ? "" : ", ";
      if (const auto* result = std::get_if<SlotResult>(&event)) text += "result " + std::to_string(result->id);
      if (std::holds_alternative<SlotReady>(event)) text += "ready";
      if (std::holds_alternative<SlotClosed>(event)) text += "closed";
      if (const auto* revoked = std::get_if<SlotRevoked>(&event)) {
        text += "revoked";
        for (const std::uint64_t id : revoked->ids) text += " " + std::to_string(id);
      }
    }
    return text;
  }

  ControlPage* page_ = nullptr;
};

using Ids = std::vector<std::uint64_t>;

TEST_F(Pipelined, ASlotAnswersOneAfterTheOtherAndIsIdleAfterTheLast) {
  push({6, 7});
  for (const std::uint64_t id : {5U, 6U, 7U}) {
    EXPECT_FALSE(handle_->idle());
    EXPECT_EQ(handle_->invocation(), id);
    answer(id);
  }
  EXPECT_TRUE(handle_->idle());
  EXPECT_EQ(heard(), "result 5, ready, result 6, ready, result 7, ready");
}

TEST_F(Pipelined, AResultOutOfTurnCloses) {
  push({6, 7});
  answer(6);
  EXPECT_EQ(heard(), "closed");
}

TEST_F(Pipelined, ACallThatIsNotBriefHasNoneBehindIt) {
  answer(5);
  ASSERT_TRUE(handle_->invoke(a_call(6)).has_value());
  EXPECT_FALSE(handle_->takes_pipelined());
}

TEST_F(Pipelined, NoneIsSentBehindACallThatWasAskedToStop) {
  EXPECT_TRUE(handle_->takes_pipelined());
  handle_->request_stop();
  EXPECT_FALSE(handle_->takes_pipelined()) << "it would see the request";
  answer(5);
  ASSERT_TRUE(handle_->invoke(brief(6)).has_value());
  EXPECT_TRUE(handle_->takes_pipelined());
}

TEST_F(Pipelined, ThereAreOnlySoMany) {
  for (std::uint64_t id = 6; id < 6 + kPipelinedMax; ++id) {
    ASSERT_TRUE(handle_->takes_pipelined());
    push({id});
  }
  EXPECT_FALSE(handle_->takes_pipelined());
}

TEST_F(Pipelined, WhatHasNotBegunIsRevokedAndNeverBegins) {
  push({6, 7, 8});
  begin(2);
  EXPECT_EQ(handle_->revoke(), (Ids{7, 8}));
  EXPECT_EQ(Claims::unpack(page_->claims.load()).revoked, 4U);
  answer(5);
  answer(6);
  EXPECT_TRUE(handle_->idle());
}

TEST_F(Pipelined, TheFirstCallIsNotRevokedThoughTheSlotHasNotSeenItYet) {
  push({6});
  EXPECT_EQ(handle_->revoke(), Ids{6});
  const Claims claims = Claims::unpack(page_->claims.load());
  EXPECT_EQ(claims.begun, 1U) << "by this the slot knows that it may run it";
  EXPECT_EQ(claims.revoked, 2U);
}

TEST_F(Pipelined, WhatComesAfterARevocationHasAnotherNumber) {
  push({6});
  static_cast<void>(handle_->revoke());
  push({7});
  begin(3);
  EXPECT_EQ(handle_->revoke(), Ids{}) << "7 has begun";
}

TEST_F(Pipelined, AResultThatLeavesSomethingGivesThemBack) {
  const std::vector<std::function<void(ResultMessage&)>> leave = {
      [](ResultMessage& m) { m.runs_pipelined = 0; }, [](ResultMessage& m) { m.verdict = Verdict::discard; },
      [](ResultMessage& m) { m.objects = 1; }, [](ResultMessage& m) { m.carrier = Carrier::arena; }};
  std::uint64_t id = 5;
  for (const auto& change : leave) {
    push({id + 1, id + 2});
    events_.clear();
    auto message = result_of(id);
    change(message);
    say(message, message.carrier == Carrier::arena ? numbers({0, kArenaInput}) : numbers({0}));
    const std::string text = std::to_string(id + 1) + " " + std::to_string(id + 2);
    EXPECT_EQ(heard(), "result " + std::to_string(id) + ", revoked " + text + ", ready");
    id += 3;
    ASSERT_TRUE(handle_->invoke(brief(id)).has_value());
  }
}

TEST_F(Pipelined, ASlotThatRunsWhatItHasRefusedIsClosed) {
  push({6, 7});
  begin(2);
  answer(5, false);
  EXPECT_EQ(heard(), "result 5, revoked 7, closed");
}

TEST_F(Pipelined, ASlotThatClaimsTheFutureKeepsWhatItWasGivenAndNothingElse) {
  push({6, 7});
  begin(~0U);
  EXPECT_EQ(handle_->revoke(), Ids{});
  answer(5);
  answer(6);
  answer(7);
  EXPECT_TRUE(handle_->idle());
}

TEST_F(Pipelined, ASlotThatDeniesWhatItRunsGetsNoSecondResultIn) {
  push({6});
  begin(0);
  EXPECT_EQ(handle_->revoke(), Ids{6});
  answer(5);
  answer(6);
  EXPECT_EQ(heard(), "result 5, ready, closed");
}

TEST_F(Pipelined, ResultsOfASlotThatDiedWithCallsUnreadAreHeard) {
  push({6, 7});
  begin(2);
  std::string bytes(sizeof(ResultMessage) + sizeof(std::uint64_t), '\0');
  auto message = result_of(5);
  message.header.size = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(bytes.data(), &message, sizeof(message));
  ASSERT_EQ(send_datagram(peer_.get(), std::as_bytes(std::span(bytes)), 0), Sent::yes);
  peer_.reset();
  handle_->read(events_);
  EXPECT_EQ(heard(), "result 5, ready, closed");
  EXPECT_EQ(handle_->revoke(), Ids{7});
}

}  // namespace
}  // namespace flame::slot

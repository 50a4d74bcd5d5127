// SessionTable: who is let in, whose message reaches whom, and what a pool hears of a runner's end.
#include "host/src/transport/session_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/support/fake_transport.hpp"
#include "tests/support/memory_log.hpp"
#include "tests/support/newer_minor.hpp"
#include "tests/unit/host/transport/told_pool.hpp"

namespace flame::pool {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kIncarnation = 5;
constexpr std::uint64_t kNonce = 99;
constexpr Duration kBootTimeout = 30s;

class SessionTableTest : public testing::Test {
 protected:
  SessionTableTest() {
    table_.add_pool(pool_);
    table_.expect("ffmpeg-1", {{0, 1}, kNonce, "key", std::uint64_t{1} << 20, kBootTimeout});
  }

  static wire::Hello hello(const std::string& runner = "ffmpeg-1") {
    wire::Hello hello;
    hello.protocol_major = wire::kProtocolMajor;
    hello.protocol_minor = wire::kProtocolMinor;
    hello.incarnation = kIncarnation;
    hello.runner = runner;
    hello.nonce = kNonce;
    return hello;
  }
  /// Its session, once it has said hello and has both connections.
  Session& connect() {
    transport_.say(control_, 0, hello());
    table_.receive(now_);
    Session& session = *pool_.sessions.at(0);
    transport_.say(bulk_, session.info().id, wire::BulkHello{.session = session.info().id});
    table_.receive(now_);
    table_.flush(now_);
    pool_.told();
    return session;
  }
  /// Says this hello on a connection of its own; the reason of the refusal, "" if there is none.
  std::string refusal(const wire::Hello& hello) {
    const PeerId stranger = test::FakeTransport::peer(Line::control, ++strangers_);
    transport_.say(stranger, 0, hello);
    table_.receive(now_);
    const auto heard = transport_.hear(stranger);
    const auto* refuse = heard ? std::get_if<wire::Refuse>(&heard->envelope.body) : nullptr;
    return refuse == nullptr ? "" : refuse->reason;
  }

  const PeerId control_ = test::FakeTransport::peer(Line::control);
  const PeerId bulk_ = test::FakeTransport::peer(Line::bulk);
  const Instant now_{1000s};
  test::FakeTransport transport_;
  test::ToldPool pool_;
  std::shared_ptr<test::MemoryLog> log_ = std::make_shared<test::MemoryLog>();
  SessionTable table_{transport_, base::Logger(log_, base::LogLevel::debug), kIncarnation};
  std::uint32_t strangers_ = 100;
};

TEST_F(SessionTableTest, ARunnerWithTheRightNonceIsToldToItsPoolOnce) {
  transport_.say(control_, 0, hello());
  EXPECT_TRUE(table_.receive(now_));
  EXPECT_THAT(pool_.told(), ElementsAre("hello ffmpeg-1"));
  EXPECT_TRUE(transport_.watches(control_));
  EXPECT_EQ(pool_.sessions.at(0)->info().runner, 1U);
  EXPECT_EQ(refusal(hello()), "this runner has said hello already");
  EXPECT_THAT(pool_.told(), IsEmpty());
}

TEST_F(SessionTableTest, WhoDoesNotBelongHereIsToldWhy) {
  wire::Hello other = hello();
  other.protocol_major = wire::kProtocolMajor + 1;
  EXPECT_EQ(refusal(other), "host and runner speak different protocol versions: deploy matching releases");
  other = hello();
  other.incarnation = kIncarnation + 1;
  EXPECT_EQ(refusal(other), "this runner belongs to another run of the host");
  EXPECT_EQ(refusal(hello("ffmpeg-2")), "no such runner is expected");
  other = hello();
  other.nonce = kNonce + 1;
  EXPECT_EQ(refusal(other), "wrong nonce");
  table_.forget("ffmpeg-1");
  EXPECT_EQ(refusal(hello()), "no such runner is expected");
  EXPECT_THAT(transport_.allowed(), IsEmpty());
  EXPECT_THAT(pool_.told(), IsEmpty());
}

TEST_F(SessionTableTest, AnothersKeyOpensNothing) {
  transport_.encrypt(control_, "ffmpeg-2");
  transport_.say(control_, 0, hello());
  table_.receive(now_);
  EXPECT_THAT(pool_.told(), IsEmpty());
  transport_.encrypt(control_, "ffmpeg-1");
  const Session& session = connect();
  transport_.encrypt(control_, "ffmpeg-2");
  transport_.say(control_, session.info().id, wire::Begun{.id = 7});
  table_.receive(now_);
  EXPECT_THAT(pool_.told(), IsEmpty()) << "the connection of one runner with the key of another";
}

TEST_F(SessionTableTest, MessagesReachThePoolInTheirOrderAndOthersSessionsDoNot) {
  const Session& session = connect();
  transport_.say(control_, session.info().id, wire::Begun{.id = 7});
  transport_.say(control_, session.info().id + 1, wire::Begun{.id = 8});
  transport_.say(control_, session.info().id, wire::make_ended(7));
  transport_.say(control_, session.info().id, wire::Beat{.seq = 1});
  transport_.say(control_, session.info().id, wire::Output{.id = 7, .text = "line"});
  table_.receive(now_);
  EXPECT_THAT(pool_.told(), ElementsAre("begun 7", "ended 7", "beat", "output 7", "heard 1"));
  EXPECT_TRUE(log_->contains("message of another session"));
}

TEST_F(SessionTableTest, WhatIsNoMessageEndsTheSession) {
  const Session& session = connect();
  transport_.say_raw(control_, std::vector<std::byte>(40, std::byte{0xff}));
  transport_.say(control_, session.info().id, wire::Begun{.id = 7});
  table_.receive(now_);
  EXPECT_THAT(pool_.told(), ElementsAre("lost ffmpeg-1")) << "and nothing after it is heard";
  EXPECT_THAT(pool_.why, testing::HasSubstr("no message of this protocol"));
  EXPECT_FALSE(transport_.watches(control_));
  table_.reap();
}

TEST_F(SessionTableTest, LastWordsAreHeardBeforeTheLoss) {
  const Session& session = connect();
  transport_.say(control_, session.info().id, wire::make_ended(7));
  transport_.hang_up(control_);
  table_.receive(now_);
  EXPECT_THAT(pool_.told(), ElementsAre("ended 7", "lost ffmpeg-1"));
  EXPECT_EQ(pool_.why, "the connection was closed");
  table_.reap();
}

TEST_F(SessionTableTest, TheLossOfTheSecondConnectionIsTheLossOfTheRunner) {
  connect();
  transport_.hang_up(bulk_);
  table_.receive(now_);
  EXPECT_THAT(pool_.told(), ElementsAre("lost ffmpeg-1"));
  table_.reap();
}

TEST_F(SessionTableTest, WhoeverPostsIsSentWithTheNextFlush) {
  Session& session = connect();
  session.post(wire::Drain{.grace_ns = 5});
  EXPECT_EQ(table_.flush(now_), Session::Flushed::done);
  const auto heard = transport_.hear(control_);
  ASSERT_TRUE(heard);
  EXPECT_TRUE(std::holds_alternative<wire::Drain>(heard->envelope.body));
  EXPECT_EQ(heard->envelope.session, session.info().id);
}

TEST_F(SessionTableTest, AFullSocketParksItsSessionAndTheOthersGoOn) {
  Session& session = connect();
  transport_.be_full(control_, true);
  session.post(wire::Drain{.grace_ns = 5});
  EXPECT_EQ(table_.flush(now_), Session::Flushed::parked);
  EXPECT_EQ(table_.flush(now_), Session::Flushed::parked) << "it is not forgotten";
  transport_.be_full(control_, false);
  EXPECT_EQ(table_.flush(now_), Session::Flushed::done);
  EXPECT_TRUE(transport_.hear(control_));
}

TEST_F(SessionTableTest, ARunnerThatIsFoundGoneWhenItIsSentToIsLostOnce) {
  Session& session = connect();
  transport_.hang_up(control_);
  session.post(wire::Drain{.grace_ns = 5});
  table_.flush(now_);
  table_.receive(now_);
  table_.receive(now_);
  EXPECT_THAT(pool_.told(), ElementsAre("lost ffmpeg-1"));
  table_.reap();
}

TEST_F(SessionTableTest, ASecondConnectionThatDoesNotComeIsALossUnlessTheHostWasLateItself) {
  transport_.say(control_, 0, hello());
  table_.receive(now_);
  pool_.told();
  table_.beat_all(now_ + kBootTimeout - 1ns, false);
  table_.beat_all(now_ + kBootTimeout, true);
  EXPECT_THAT(pool_.told(), IsEmpty());
  table_.beat_all(now_ + kBootTimeout, false);
  EXPECT_THAT(pool_.told(), ElementsAre("lost ffmpeg-1"));
  EXPECT_EQ(pool_.why, "the bulk connection did not come within boot_timeout");
  const auto heard = transport_.hear(control_);
  ASSERT_TRUE(heard);
  ASSERT_TRUE(std::holds_alternative<wire::Bye>(heard->envelope.body)) << "it must not wait for us for ever";
  EXPECT_THAT(std::get<wire::Bye>(heard->envelope.body).reason, testing::HasSubstr("has given this runner up"));
  table_.reap();
}

TEST_F(SessionTableTest, AClosedSessionSaysFarewellAndHearsNothing) {
  Session& session = connect();
  const std::uint64_t id = session.info().id;
  table_.close(session, wire::Bye{.reason = "over"});
  EXPECT_TRUE(session.closed());
  const auto heard = transport_.hear(control_);
  EXPECT_TRUE(heard && std::holds_alternative<wire::Bye>(heard->envelope.body));
  table_.reap();
  transport_.say(control_, id, wire::Begun{.id = 7});
  transport_.say(bulk_, id, wire::Chunk{.transfer = 1, .offset = 0});
  table_.receive(now_);
  EXPECT_THAT(pool_.told(), IsEmpty());
  EXPECT_FALSE(log_->contains("message before hello")) << "what it still says is no news";
}

TEST_F(SessionTableTest, AnUnknownRequestOfANewerRunnerIsAnswered) {
  const Session& session = connect();
  wire::Invoke request;
  request.id = 7;
  request.digest = std::string(64, 'a');
  request.task = 9;
  transport_.say_raw(control_, test::of_a_newer_minor(wire::encode(session.info().id, request)));
  table_.receive(now_);
  table_.flush(now_);
  const auto heard = transport_.hear(control_);
  const auto* answer = heard ? std::get_if<wire::Unsupported>(&heard->envelope.body) : nullptr;
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(answer->id, 7U);
  EXPECT_THAT(pool_.told(), ElementsAre("heard 1"));
}

TEST_F(SessionTableTest, StrangersAreComplainedOfAndNotForEver) {
  for (std::uint32_t i = 0; i < 200; ++i) {
    transport_.say(test::FakeTransport::peer(Line::control, 1000 + i), 1, wire::Begun{.id = 7});
  }
  table_.receive(now_);
  EXPECT_EQ(log_->lines().size(), 20U);
  EXPECT_THAT(pool_.told(), IsEmpty());
}

}  // namespace
}  // namespace flame::pool

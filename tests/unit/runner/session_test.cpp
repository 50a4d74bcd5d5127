// Session: hello, welcome, session id, beats and silence.
#include "runner/session.hpp"

#include <gtest/gtest.h>

namespace flame::runner {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{1000s};

wire::Envelope welcome(std::uint64_t session, std::uint16_t minor = wire::kProtocolMinor) {
  wire::Welcome message;
  message.session = session;
  message.protocol_minor = minor;
  return {0, message};
}

Session open_session() {
  Session session;
  session.greeted(kStart);
  EXPECT_EQ(session.judge(kStart, welcome(9)), Verdict::opened);
  return session;
}

TEST(Session, OpensWithAWelcomeThatAnswersAHello) {
  Session session;
  EXPECT_EQ(session.judge(kStart, welcome(9)), Verdict::drop) << "before the hello";
  session.greeted(kStart);
  EXPECT_EQ(session.judge(kStart, welcome(0)), Verdict::drop) << "no session id";
  EXPECT_EQ(session.judge(kStart, welcome(9)), Verdict::opened);
  EXPECT_EQ(session.id(), 9u);
}

TEST(Session, DropsMessagesOfAnotherSession) {
  Session session = open_session();
  EXPECT_EQ(session.judge(kStart, {9, wire::Beat{1}}), Verdict::deliver);
  EXPECT_EQ(session.judge(kStart, {8, wire::Beat{1}}), Verdict::drop);
  EXPECT_EQ(session.judge(kStart, {0, wire::Beat{1}}), Verdict::drop);
}

TEST(Session, IsRefusedWithTheHostsReason) {
  Session session;
  session.greeted(kStart);
  EXPECT_EQ(session.judge(kStart, {0, wire::Refuse{ErrorCode::incompatible, "speak 2.0"}}), Verdict::refused);
  EXPECT_NE(session.reason().find("speak 2.0"), std::string::npos);
}

TEST(Session, RefusesAMinorThatTheHelloDidNotOffer) {
  Session session;
  session.greeted(kStart);
  EXPECT_EQ(session.judge(kStart, welcome(9, wire::kProtocolMinor + 1)), Verdict::refused);
  EXPECT_FALSE(session.open());
}

TEST(Session, BeatsOnceASecond) {
  Session session = open_session();
  EXPECT_TRUE(session.beat(kStart).has_value());
  EXPECT_FALSE(session.beat(kStart + 999ms).has_value());
  EXPECT_TRUE(session.beat(kStart + 1s).has_value());
}

TEST(Session, DoesNotBeatBeforeItIsOpen) {
  Session session;
  EXPECT_FALSE(session.beat(kStart + 100s).has_value());
  EXPECT_FALSE(session.silent(kStart + 100s));
}

TEST(Session, AnythingOfTheSessionCountsAsLife) {
  Session session = open_session();
  EXPECT_FALSE(session.silent(kStart + 9999ms));
  EXPECT_TRUE(session.silent(kStart + 10s));
  EXPECT_EQ(session.judge(kStart + 9s, {9, wire::Ended{1}}), Verdict::deliver);
  EXPECT_FALSE(session.silent(kStart + 18s));
  EXPECT_EQ(session.judge(kStart + 18s, {8, wire::Ended{1}}), Verdict::drop);
  EXPECT_TRUE(session.silent(kStart + 19s)) << "another session's messages do not count";
}

}  // namespace
}  // namespace flame::runner

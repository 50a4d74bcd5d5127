// HostSession: hello, welcome, session id, beats and silence.
#include "runner/policy/host_session.hpp"

#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"

namespace flame::runner {
namespace host_session_test {

using namespace std::chrono_literals;

constexpr Instant kStart{1000s};

wire::Envelope welcome(std::uint64_t session, std::uint16_t minor = wire::kProtocolMinor) {
  wire::Welcome message;
  message.session = session;
  message.protocol_minor = minor;
  return {0, message};
}

HostSession open_session(bool local = false) {
  HostSession session;
  session.greeted(kStart, local);
  EXPECT_EQ(session.judge(kStart, welcome(9)), Verdict::opened);
  return session;
}

TEST(HostSession, OpensWithAWelcomeThatAnswersAHello) {
  HostSession session;
  EXPECT_EQ(session.judge(kStart, welcome(9)), Verdict::drop) << "before the hello";
  session.greeted(kStart);
  EXPECT_EQ(session.judge(kStart, welcome(0)), Verdict::drop) << "no session id";
  EXPECT_EQ(session.judge(kStart, welcome(9)), Verdict::opened);
  EXPECT_EQ(session.id(), 9u);
}

TEST(HostSession, DropsMessagesOfAnotherSession) {
  HostSession session = open_session();
  EXPECT_EQ(session.judge(kStart, {9, wire::Beat{.seq = 1}}), Verdict::deliver);
  EXPECT_EQ(session.judge(kStart, {8, wire::Beat{.seq = 1}}), Verdict::drop);
  EXPECT_EQ(session.judge(kStart, {0, wire::Beat{.seq = 1}}), Verdict::drop);
}

TEST(HostSession, IsRefusedWithTheHostsReason) {
  HostSession session;
  session.greeted(kStart);
  EXPECT_EQ(session.judge(kStart, {0, wire::make_refuse(ErrorCode::incompatible, "speak 2.0")}), Verdict::refused);
  EXPECT_NE(session.reason().find("speak 2.0"), std::string::npos);
}

TEST(HostSession, RefusesAMinorThatTheHelloDidNotOffer) {
  HostSession session;
  session.greeted(kStart);
  EXPECT_EQ(session.judge(kStart, welcome(9, wire::kProtocolMinor + 1)), Verdict::refused);
  EXPECT_FALSE(session.open());
}

TEST(HostSession, BeatsOnceASecond) {
  HostSession session = open_session();
  EXPECT_TRUE(session.beat(kStart).has_value());
  EXPECT_FALSE(session.beat(kStart + 999ms).has_value());
  EXPECT_TRUE(session.beat(kStart + 1s).has_value());
}

TEST(HostSession, DoesNotBeatBeforeItIsOpen) {
  HostSession session;
  EXPECT_FALSE(session.beat(kStart + 100s).has_value());
  EXPECT_FALSE(session.silent(kStart + 100s));
}

// Beats at `at`; the beat has come and the host repeats its number.
void beat_and_echo(HostSession& session, Instant at) {
  const auto beat = session.beat(at);
  ASSERT_TRUE(beat.has_value());
  EXPECT_EQ(session.judge(at, {9, wire::Beat{.seq = beat->seq}}), Verdict::deliver);
}

TEST(HostSession, AnythingOfTheSessionCountsAsLife) {
  HostSession quiet = open_session();
  for (Duration at = 0s; at < 10s; at += 1s) EXPECT_FALSE(quiet.silent(kStart + at));
  EXPECT_TRUE(quiet.silent(kStart + 10s));
  HostSession session = open_session();
  for (Duration at = 0s; at < 18s; at += 1s) {
    EXPECT_FALSE(session.silent(kStart + at)) << at.count();
    if (at == 5s) beat_and_echo(session, kStart + at);
    if (at == 8s) {
      EXPECT_EQ(session.judge(kStart + at, {9, wire::make_ended(1)}), Verdict::deliver);
    }
  }
  EXPECT_EQ(session.judge(kStart + 17s, {8, wire::make_ended(1)}), Verdict::drop);
  EXPECT_TRUE(session.silent(kStart + 18s)) << "another session's messages do not count";
}

// Else it would work on while its host, which hears nothing, gives its calls to others.
TEST(HostSession, AHostThatTalksButDoesNotHearIsGivenUpBeforeItGivesUp) {
  HostSession session = open_session();
  beat_and_echo(session, kStart);
  for (Duration at = 1s; at < 14s; at += 1s) {
    EXPECT_TRUE(session.beat(kStart + at).has_value());
    EXPECT_EQ(session.judge(kStart + at, {9, wire::Beat{.seq = 1}}), Verdict::deliver);
    EXPECT_FALSE(session.silent(kStart + at));
  }
  EXPECT_EQ(session.wake_at(), kStart + 14s);
  EXPECT_TRUE(session.silent(kStart + 14s)) << "the host heard the first beat at the earliest then, and waits 15 s";
}

TEST(HostSession, AnEchoCountsFromWhenItsBeatWasSent) {
  HostSession session = open_session();
  for (Duration at = 0s; at <= 9s; at += 1s) EXPECT_TRUE(session.beat(kStart + at).has_value());
  EXPECT_EQ(session.judge(kStart + 9s, {9, wire::Beat{.seq = 4}}), Verdict::deliver);
  EXPECT_EQ(session.judge(kStart + 13s, {9, wire::Beat{.seq = 2}}), Verdict::deliver) << "late: says nothing new";
  EXPECT_EQ(session.judge(kStart + 13s, {9, wire::Beat{.seq = 99}}), Verdict::deliver) << "never sent";
  EXPECT_FALSE(session.silent(kStart + 17s - 1ns));
  EXPECT_TRUE(session.silent(kStart + 17s));
}

// Its turns, a beat each.
void turns(HostSession& session, Duration from, Duration to) {
  for (Duration at = from; at <= to; at += 1s) {
    EXPECT_FALSE(session.silent(kStart + at)) << at.count();
    static_cast<void>(session.beat(kStart + at));
  }
}

TEST(HostSession, OverIpcAHostThatIsSilentIsNotGivenUp) {
  HostSession session = open_session(true);
  turns(session, 0s, 60s);
  EXPECT_EQ(session.wake_at(), kStart + 61s) << "it goes on beating";
}

TEST(HostSession, ARunnerThatStoodStillGivesItsHostTheTimeAnew) {
  HostSession session = open_session();
  turns(session, 0s, 1s);
  EXPECT_FALSE(session.silent(kStart + 18s)) << "the host may have stood still with it";
  const auto beat = session.beat(kStart + 18s);
  ASSERT_TRUE(beat.has_value());
  EXPECT_EQ(session.judge(kStart + 19s, {9, wire::Beat{.seq = beat->seq}}), Verdict::deliver);
  turns(session, 19s, 28s);
}

// A host that did not stand still has given its calls to others, or is about to.
TEST(HostSession, ARunnerThatStoodStillDoesNotWaitForLongForAHostThatDoesNotHear) {
  HostSession session = open_session();
  turns(session, 0s, 1s);
  EXPECT_FALSE(session.silent(kStart + 18s));
  EXPECT_EQ(session.judge(kStart + 18s, {9, wire::Beat{.seq = 1}}), Verdict::deliver) << "an old one, from the socket";
  turns(session, 19s, 22s);
  EXPECT_TRUE(session.silent(kStart + 23s)) << "five beats";
}

TEST(HostSession, AShortPauseGivesItsHostNoMoreThanThat) {
  HostSession session = open_session();
  turns(session, 0s, 9s);
  EXPECT_EQ(session.judge(kStart + 9s, {9, wire::make_ended(1)}), Verdict::deliver);
  EXPECT_FALSE(session.silent(kStart + 12s));
  turns(session, 13s, 14s);
  EXPECT_TRUE(session.silent(kStart + 15s)) << "3 s, though at 14 s it would have given up";
}

TEST(HostSession, APauseAfterItsTimeWasOverChangesNothing) {
  HostSession session = open_session();
  EXPECT_FALSE(session.silent(kStart));
  for (Duration at = 1s; at < 14s; at += 1s) {
    EXPECT_EQ(session.judge(kStart + at, {9, wire::make_ended(1)}), Verdict::deliver);
    EXPECT_FALSE(session.silent(kStart + at));
  }
  EXPECT_TRUE(session.silent(kStart + 14s));
  EXPECT_TRUE(session.silent(kStart + 20s));
}

TEST(HostSession, AHostThatWelcomesLateHasAMomentToHearUs) {
  HostSession session;
  session.greeted(kStart);
  const Instant late = kStart + 2 * limits::kRunnerSilence;
  ASSERT_EQ(session.judge(late, welcome(9)), Verdict::opened);
  EXPECT_FALSE(session.silent(late));
  const Instant soon = late + limits::kSilenceBeatsMin * limits::kBeatInterval;
  EXPECT_FALSE(session.silent(soon - 1ms));
  EXPECT_TRUE(session.silent(soon)) << "it may have given us up, and cannot tell";
}

TEST(HostSession, TakesItsFiguresFromTheWelcome) {
  HostSession session;
  session.greeted(kStart);
  wire::Envelope envelope = welcome(9);
  auto& figures = std::get<wire::Welcome>(envelope.body);
  figures.beat_interval_ns = Duration(10ms).count();
  figures.host_silence_ns = Duration(100ms).count();
  figures.runner_silence_ns = Duration(120ms).count();
  EXPECT_EQ(session.judge(kStart, envelope), Verdict::opened);
  EXPECT_TRUE(session.beat(kStart).has_value());
  EXPECT_TRUE(session.beat(kStart + 10ms).has_value());
  EXPECT_EQ(session.judge(kStart + 50ms, {9, wire::Beat{.seq = 1}}), Verdict::deliver);
  EXPECT_FALSE(session.silent(kStart + 109ms));
  EXPECT_TRUE(session.silent(kStart + 110ms));
}

}  // namespace host_session_test
}  // namespace flame::runner

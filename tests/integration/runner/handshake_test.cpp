// A real flame-runner whose host is there and says nothing: how long it waits, whom it tries next, and that it goes.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include <gmock/gmock.h>

#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/runner/fake_host.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/loopback.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

// The kernel accepts connections to it. Nobody else does.
class MuteListener {
 public:
  MuteListener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    endpoint_ = "tcp://127.0.0.1:" + std::to_string(bind_loopback(fd_.get()));
    EXPECT_EQ(::listen(fd_.get(), 16), 0);
  }
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  /// Somebody has dialled.
  [[nodiscard]] bool was_dialled() const {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    return base::UniqueFd(::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC)).get() >= 0;
  }

 private:
  base::UniqueFd fd_;
  std::string endpoint_;
};

class Handshake : public LeftoversTest {
 protected:
  /// All that the runner says until it has gone, and how it went.
  struct End {
    int status = -1;
    std::string log;
    Clock::duration took{};
  };
  static End end_of(FakeHost& host, const std::function<void()>& meanwhile = {}) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const base::UniqueFd reader(ends[0]);
    EXPECT_EQ(::fcntl(reader.get(), F_SETFL, O_NONBLOCK), 0);  // one that does not go holds the other end
    base::UniqueFd writer(ends[1]);
    host.log_fd = writer.get();
    const auto start = Clock::now();
    host.start();
    writer.reset();
    if (meanwhile) meanwhile();
    End end;
    end.status = host.wait_exit();
    end.took = Clock::now() - start;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(reader.get(), buffer, sizeof buffer)) > 0;) {
      end.log.append(buffer, static_cast<std::size_t>(got));
    }
    return end;
  }
  static void expect_failsafe_of_a_second(const End& end) {
    EXPECT_EQ(end.status, 1);
    EXPECT_THAT(end.log, HasSubstr("failsafe"));
    EXPECT_GE(end.took, 1s);
    EXPECT_LT(end.took, 4s);
  }
};

TEST_F(Handshake, AHelloThatIsNotAnsweredIsWaitedForUntilTheFailsafe) {
  FakeHost host;
  host.parent.failsafe_ns = 1'000'000'000;
  const End end = end_of(host, [&] { EXPECT_TRUE(host.expect<wire::Hello>().has_value()); });
  expect_failsafe_of_a_second(end);
}

TEST_F(Handshake, AListenerThatNeverAnswersHoldsNoRunnerLongerThanTheFailsafe) {
  const MuteListener mute;
  FakeHost host;
  host.parent.control = {mute.endpoint()};
  host.parent.bulk = {mute.endpoint()};
  host.parent.failsafe_ns = 1'000'000'000;
  const End end = end_of(host);
  EXPECT_TRUE(mute.was_dialled());
  expect_failsafe_of_a_second(end);
}

TEST_F(Handshake, AListenerThatNeverAnswersIsGivenUpForTheNextEndpoint) {
  const MuteListener mute;
  FakeHost host;
  host.parent.control.insert(host.parent.control.begin(), mute.endpoint());
  host.parent.bulk.insert(host.parent.bulk.begin(), mute.endpoint());
  host.parent.failsafe_ns = 20'000'000'000;
  host.serve();
  EXPECT_TRUE(mute.was_dialled());
  EXPECT_EQ(host.call("echo", "found").text(), "found");
}

TEST_F(Handshake, AZygoteThatIsKilledBeforeTheWelcomeIsReplaced) {
  FakeHost host;
  host.start();
  ASSERT_TRUE(host.expect<wire::Hello>().has_value());
  const pid_t early = host.zygote();
  ASSERT_GT(early, 0) << "it starts while the host is dialled";
  ::kill(early, SIGKILL);
  ASSERT_TRUE(eventually([early] { return ::kill(early, 0) != 0; })) << "the supervisor reaps it";
  host.send(host.welcome);
  EXPECT_EQ(host.call("echo", "served").text(), "served");
}

TEST_F(Handshake, ASecondConnectionThatFailsIsDialledAgainAndWhatWaitedForItComes) {
  FakeHost host;
  host.refuse_bulk();
  host.start();
  ASSERT_TRUE(host.expect<wire::Hello>().has_value());
  host.send(host.welcome);
  EXPECT_EQ(host.call("echo", "small").text(), "small") << "the first connection serves meanwhile";
  const std::uint64_t large = host.invoke("answers_a_mebibyte");
  ASSERT_TRUE(host.answered(large)) << "its bytes wait";
  host.accept_bulk();
  ASSERT_TRUE(host.expect<wire::BulkHello>().has_value());
  EXPECT_EQ(host.finish(large).payload.size(), 1U << 20);
}

TEST_F(Handshake, ARunnerWhoseSecondConnectionNeverStandsGoesAndSaysWhy) {
  FakeHost host;
  host.parent.failsafe_ns = 1'000'000'000;
  host.refuse_bulk();
  const End end = end_of(host, [&] {
    EXPECT_TRUE(host.expect<wire::Hello>().has_value());
    host.send(host.welcome);
  });
  EXPECT_THAT(end.log, HasSubstr("bulk.ipc: connection refused"));
  EXPECT_THAT(end.log, HasSubstr("host lost: the bulk connection did not come to stand: connection refused"));
}

}  // namespace
}  // namespace flame::test

// ControlServer against clients that do not behave; the loop behind it is played by the test.
#include "host/src/control/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/src/control/answer.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/memory_log.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::control {
namespace server_test {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view kStatus = "{\"flame\": 1, \"ask\": \"status\"}\n";

base::UniqueFd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

void say(const base::UniqueFd& fd, std::string_view text) {
  static_cast<void>(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL));
}

// Until the server hangs up.
std::string hear(const base::UniqueFd& fd) {
  std::string text;
  std::array<char, 65536> chunk;
  while (true) {
    const ssize_t got = ::recv(fd.get(), chunk.data(), chunk.size(), 0);
    if (got <= 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

class ControlServerTest : public testing::Test {
 protected:
  void serve(Duration client_time = limits::kControlClientTime, Upkeep upkeep = {}) {
    auto socket = ControlSocket::open(path_);
    ASSERT_TRUE(socket.has_value());
    server_ = std::make_unique<ControlServer>(
        std::move(*socket), [this](const Request&, ControlServer::Reply reply) { return on_ask(std::move(reply)); },
        base::Logger(log_), std::move(upkeep), client_time);
  }
  /// Answers at once unless held_.
  bool on_ask(ControlServer::Reply reply) {
    const std::lock_guard lock(mutex_);
    ++asked_;
    if (ended_) return false;
    if (hold_) {
      held_.push_back(std::move(reply));
    } else {
      reply(status_);
    }
    return true;
  }
  [[nodiscard]] std::string ask() {
    const auto fd = connect_to(path_);
    say(fd, kStatus);
    return hear(fd);
  }
  [[nodiscard]] std::size_t held() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }

  test::TempDir directory_;
  std::string path_ = directory_ / "control.sock";
  std::shared_ptr<test::MemoryLog> log_ = std::make_shared<test::MemoryLog>();
  std::mutex mutex_;
  HostStatus status_{.name = "web-1", .pid = 1, .version = "0", .uptime = {}, .pools = {}};
  bool hold_ = false;
  bool ended_ = false;
  int asked_ = 0;
  std::vector<ControlServer::Reply> held_;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlServerTest, AnswersAndHangsUp) {
  serve();
  EXPECT_EQ(ask(), encode_answer(status_));
  EXPECT_EQ(ask(), encode_answer(status_));
}

TEST_F(ControlServerTest, AnswersAClientThatHasNothingMoreToSay) {
  serve();
  const auto fd = connect_to(path_);
  say(fd, kStatus);
  ::shutdown(fd.get(), SHUT_WR);
  EXPECT_EQ(hear(fd), encode_answer(status_));
}

TEST_F(ControlServerTest, TellsGarbageWhatARightRequestIs) {
  serve();
  const auto fd = connect_to(path_);
  say(fd, "GET / HTTP/1.1\r\n\r\n");
  EXPECT_THAT(hear(fd), HasSubstr("a right one is"));
  const auto endless = connect_to(path_);
  say(endless, std::string(1 << 16, 'x'));
  EXPECT_THAT(hear(endless), HasSubstr("too_large"));
  EXPECT_EQ(asked_, 0) << "the loop was asked for garbage";
}

TEST_F(ControlServerTest, HangsUpOnHalfARequestAndServesOthersMeanwhile) {
  serve(300ms);
  const auto silent = connect_to(path_);
  const auto half = connect_to(path_);
  say(half, "{\"flame\": 1,");
  EXPECT_EQ(ask(), encode_answer(status_));
  EXPECT_EQ(hear(silent), "");
  EXPECT_EQ(hear(half), "");
}

TEST_F(ControlServerTest, DropsAClientThatNeverReadsItsAnswer) {
  status_.name = std::string(1 << 20, 'x');  // more than a socket's buffers hold
  serve(1s);
  const auto deaf = connect_to(path_);
  say(deaf, kStatus);
  EXPECT_EQ(ask().size(), encode_answer(status_).size());
  EXPECT_TRUE(test::eventually([&] { return ::send(deaf.get(), "x", 1, MSG_NOSIGNAL) < 0; })) << "it was let go";
  const std::size_t buffered = hear(deaf).size();
  EXPECT_GT(buffered, 0U);
  EXPECT_LT(buffered, status_.name.size());
}

TEST_F(ControlServerTest, AsksTheLoopForOneAnswerAtATime) {
  hold_ = true;
  serve();
  const auto first = connect_to(path_);
  const auto second = connect_to(path_);
  say(first, kStatus);
  ASSERT_TRUE(test::eventually([&] { return held() == 1; }));
  say(second, kStatus);
  const auto garbage = connect_to(path_);
  say(garbage, "x\n");
  EXPECT_THAT(hear(garbage), HasSubstr("invalid_argument")) << "which shows that the server has had a turn since";
  EXPECT_EQ(held(), 1U);
  held_[0](status_);
  EXPECT_EQ(hear(first), encode_answer(status_));
  ASSERT_TRUE(test::eventually([&] { return held() == 2; }));
  held_[1](status_);
  EXPECT_EQ(hear(second), encode_answer(status_));
}

TEST_F(ControlServerTest, PausesBetweenTwoQuestionsToTheLoop) {
  constexpr int kAsked = 5;
  serve();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kAsked; ++i) EXPECT_EQ(ask(), encode_answer(status_));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, (kAsked - 1) * limits::kControlPause);
}

TEST_F(ControlServerTest, AnAnswerWhoseClientIsGoneHarmsNobody) {
  hold_ = true;
  serve();
  auto gone = connect_to(path_);
  say(gone, kStatus);
  ASSERT_TRUE(test::eventually([&] { return held() == 1; }));
  gone.reset();
  held_[0](status_);
  const auto next = connect_to(path_);
  say(next, kStatus);
  ASSERT_TRUE(test::eventually([&] { return held() == 2; }));
  held_[1](status_);
  EXPECT_EQ(hear(next), encode_answer(status_));
}

TEST_F(ControlServerTest, EndsWhileClientsAndTheLoopKeepItWaiting) {
  hold_ = true;
  serve();
  const auto half = connect_to(path_);
  const auto waiting = connect_to(path_);
  say(waiting, kStatus);
  ASSERT_TRUE(test::eventually([&] { return held() == 1; }));
  server_.reset();
  EXPECT_EQ(hear(half), "");
  EXPECT_EQ(hear(waiting), "");
  held_[0](status_);  // late, and to nobody
}

TEST_F(ControlServerTest, SaysThatTheHostEndsWhenNobodyIsThereToAnswer) {
  ended_ = true;
  serve();
  EXPECT_THAT(ask(), HasSubstr("shutting_down"));
}

TEST_F(ControlServerTest, OutlivesThousandsOfConnections) {
  serve(200ms);
  for (int i = 0; i < 3000; ++i) {
    const auto fd = connect_to(path_);
    if (i % 3 == 0) say(fd, kStatus);
    if (i % 3 == 1) say(fd, "garbage");
  }
  std::vector<base::UniqueFd> idle;
  for (std::size_t i = 0; i < limits::kControlClientsMax + 20; ++i) idle.push_back(connect_to(path_));
  EXPECT_EQ(ask(), encode_answer(status_)) << "it waited its turn in the backlog";
}

TEST_F(ControlServerTest, ASocketThatSomebodyRemovesIsPutBack) {
  std::atomic<int> kept = 0;
  serve(limits::kControlClientTime, {[&] { ++kept; }, std::chrono::milliseconds(5)});
  ASSERT_TRUE(test::eventually([&] { return kept > 0; }));
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  EXPECT_TRUE(test::eventually([&] { return ::access(path_.c_str(), F_OK) == 0; }));
}

TEST_F(ControlServerTest, NobodyWaitsForAnEngineThatAnotherAsksFor) {
  hold_ = true;
  serve();
  const auto machines = connect_to(path_);
  say(machines, "{\"flame\": 1, \"ask\": \"machines\"}\n");
  ASSERT_TRUE(test::eventually([&] { return held() == 1; }));
  const auto first = connect_to(path_);
  say(first, kStatus);
  ASSERT_TRUE(test::eventually([&] { return held() == 2; }));
  const auto second = connect_to(path_);
  say(second, kStatus);
  held_[0](status_);
  EXPECT_EQ(hear(machines), encode_answer(status_));
  EXPECT_EQ(held(), 2U) << "its answer is not the one that the next question waits for";
  held_[1](status_);
  EXPECT_EQ(hear(first), encode_answer(status_));
  ASSERT_TRUE(test::eventually([&] { return held() == 3; }));
  held_[2](status_);
  EXPECT_EQ(hear(second), encode_answer(status_));
}

TEST_F(ControlServerTest, HangsUpOnOtherUsers) {
  if (::geteuid() != 0) return;  // only root can become somebody else
  serve();
  // Let them in as far as the file system can: what is left is the check of who has connected.
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    const auto fd = connect_to(path_);
    if (!fd) ::_exit(3);
    say(fd, kStatus);
    ::_exit(hear(fd).empty() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0) << "1: it was answered; 2, 3: it could not even ask";
  EXPECT_TRUE(log_->contains("uid=65534"));
  EXPECT_EQ(ask(), encode_answer(status_));
}

}  // namespace server_test
}  // namespace flame::control

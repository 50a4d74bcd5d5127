// A backend that a command has opened: each answer reaches who waits for it, and no wait is without end.
#include "tools/flame/opened_backend.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/idle_backend.hpp"

namespace flame::cli {
namespace opened_backend_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

/// Opens when it is told to, and answers at once then.
class Engine final : public test::IdleBackend {
 public:
  Engine() : IdleBackend("far") {}
  void open(BackendEvents& events) override { says = &events; }
  void list(std::uint64_t ticket, const Labels& scope) override {
    asked.push_back("list " + scope.at("flame-host"));
    says->listed(ticket + 1, Error{.code = ErrorCode::boot_failed, .message = "of another list"});
    if (answers) says->listed(ticket, std::vector{Machine{.name = "flame-a-1"}});
  }
  void logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) override {
    asked.push_back("logs " + machine.name + " " + std::to_string(bytes_max));
    if (answers) says->logged(ticket, std::string("its words"));
  }
  void destroy(const MachineName& name, const MachineId& id) override {
    asked.push_back("destroy " + name + " " + id);
    says->destroyed("flame-another-1", std::nullopt);
    if (answers) says->destroyed(name, left);
  }
  void close(Duration /*within*/) override {
    if (answers) says->closed();
  }

  bool answers = true;
  std::optional<Error> left;
  std::vector<std::string> asked;
  BackendEvents* says = nullptr;
};

class OpenedBackendTest : public testing::Test {
 protected:
  void open(Duration answer_max) {
    const OpenedBackend::Patience patience{.answer_max = answer_max, .stop = interrupt_.get_token()};
    opened_ = std::make_unique<OpenedBackend>(engine_, base::Logger(), patience);
    opened_->open();
  }

  std::shared_ptr<Engine> engine_ = std::make_shared<Engine>();
  std::stop_source interrupt_;
  std::unique_ptr<OpenedBackend> opened_;
};

TEST_F(OpenedBackendTest, IsAskedOnceItHasOpenedWhoeverSaysSo) {
  open(1min);
  std::thread other([this] { engine_->says->opened(EngineFacts{}); });
  const auto machines = opened_->list({{"flame-host", "web"}});
  other.join();
  ASSERT_TRUE(machines.has_value()) << machines.error().message;
  ASSERT_EQ(machines->size(), 1U);
  EXPECT_EQ(machines->front().name, "flame-a-1");
  EXPECT_EQ(opened_->log({.name = "flame-a-1"}, 7).value(), "its words");
  EXPECT_TRUE(opened_->destroy("flame-a-1", "i1").has_value());
  EXPECT_THAT(engine_->asked, ElementsAre("list web", "logs flame-a-1 7", "destroy flame-a-1 i1"));
}

TEST_F(OpenedBackendTest, IsAskedAlsoIfItHasFoundNoEngine) {
  open(1min);
  engine_->says->opened(BootFailure{.error = {.code = ErrorCode::boot_failed, .message = "no engine"}});
  EXPECT_TRUE(opened_->list({{"flame-host", "web"}}).has_value()) << "it answers for itself";
}

TEST_F(OpenedBackendTest, SaysWhyAMachineMayBeLeft) {
  open(1min);
  engine_->says->opened(EngineFacts{});
  engine_->left = Error{.code = ErrorCode::boot_failed, .message = "forbidden"};
  EXPECT_EQ(opened_->destroy("flame-a-1", "").error().message, "forbidden");
  engine_->left.reset();
  EXPECT_TRUE(opened_->destroy("flame-a-1", "").has_value()) << "the answer before is not this one's";
}

TEST_F(OpenedBackendTest, ThatDoesNotAnswerIsNotWaitedForWithoutEnd) {
  open(10ms);
  const auto closed = opened_->list({});
  ASSERT_TRUE(closed.has_error()) << "it has not opened";
  EXPECT_EQ(closed.error().code, ErrorCode::timed_out);
  EXPECT_THAT(closed.error().message, HasSubstr("backend \"far\""));
  engine_->says->opened(EngineFacts{});
  engine_->answers = false;
  EXPECT_EQ(opened_->log({.name = "flame-a-1"}, 7).error().code, ErrorCode::timed_out);
  EXPECT_EQ(opened_->destroy("flame-a-1", "").error().code, ErrorCode::timed_out);
  opened_->close(1s);
  EXPECT_FALSE(opened_->wait_closed(10ms));
  engine_->says->closed();
  EXPECT_TRUE(opened_->wait_closed(1min));
}

TEST_F(OpenedBackendTest, IsNotWaitedForByACommandThatIsInterrupted) {
  open(1min);
  std::thread other([this] { interrupt_.request_stop(); });
  const auto list = opened_->list({});
  other.join();
  EXPECT_EQ(list.error().code, ErrorCode::cancelled);
  engine_->says->opened(EngineFacts{});
  engine_->answers = false;
  EXPECT_EQ(opened_->destroy("flame-a-1", "").error().message,
            "interrupted before backend \"far\" had answered: what it was asked for may still happen");
}

}  // namespace opened_backend_test
}  // namespace flame::cli

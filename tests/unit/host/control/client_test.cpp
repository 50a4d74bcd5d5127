// ControlClient: one request in whatever pieces it comes, one answer in whatever pieces it goes.
#include "host/src/control/client.hpp"

#include <gtest/gtest.h>

#include <string>

#include "plugin_sdk/base/limits.hpp"

namespace flame::control {
namespace client_test {

using State = ControlClient::State;

constexpr std::string_view kStatus = "{\"flame\": 1, \"ask\": \"status\"}\n";

ControlClient client() {
  return ControlClient(1, pool::Instant{});
}

TEST(ControlClient, TakesARequestByteByByte) {
  ControlClient one = client();
  for (const char byte : kStatus.substr(0, kStatus.size() - 1)) {
    EXPECT_FALSE(one.received({&byte, 1}).has_value());
    EXPECT_EQ(one.state(), State::asks);
  }
  const auto request = one.received("\n");
  ASSERT_TRUE(request.has_value());
  EXPECT_TRUE(request->has_value());
  EXPECT_EQ(one.state(), State::waits);
}

TEST(ControlClient, ReadsNothingBehindTheFirstLine) {
  ControlClient one = client();
  const auto request = one.received(std::string(kStatus) + "{\"flame\": 1, \"ask\": \"why\"}\n");
  ASSERT_TRUE(request.has_value());
  EXPECT_TRUE(std::holds_alternative<StatusRequest>(**request));
  EXPECT_FALSE(one.received(kStatus).has_value());
}

TEST(ControlClient, RefusesALineThatDoesNotEnd) {
  ControlClient one = client();
  const std::string spaces(limits::kControlRequestMax, ' ');
  EXPECT_FALSE(one.received(spaces).has_value());
  const auto request = one.received(std::string(1 << 20, ' '));
  ASSERT_TRUE(request.has_value());
  ASSERT_TRUE(request->has_error());
  EXPECT_EQ(request->error().code, ErrorCode::too_large);
  EXPECT_EQ(one.state(), State::waits);
}

TEST(ControlClient, TakesALineAtTheLimit) {
  ControlClient one = client();
  const std::string line(kStatus.substr(0, kStatus.size() - 1));
  const auto request = one.received(line + std::string(limits::kControlRequestMax - line.size(), ' ') + "\n");
  ASSERT_TRUE(request.has_value());
  EXPECT_TRUE(request->has_value());
}

TEST(ControlClient, IsDoneWhenTheLastByteOfItsAnswerIsSent) {
  ControlClient one = client();
  static_cast<void>(one.received("garbage\n"));
  one.answer("abc\n");
  EXPECT_EQ(one.state(), State::listens);
  one.sent(3);
  EXPECT_EQ(one.pending(), "\n");
  one.sent(1);
  EXPECT_EQ(one.state(), State::done);
}

}  // namespace client_test
}  // namespace flame::control

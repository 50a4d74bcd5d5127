// Log lines: levels, fields, escaping, secrets.
#include "plugin_sdk/base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/memory_log.hpp"

namespace flame::base {
namespace {

using testing::ElementsAre;

struct LogTest : testing::Test {
  std::shared_ptr<test::MemoryLog> log = std::make_shared<test::MemoryLog>();
  Logger logger{log, LogLevel::info};
};

TEST_F(LogTest, WritesTheMessageAndThenTheFields) {
  logger.info("runner ready", {{"pool", "ffmpeg"}, {"slots", 5}, {"warm", true}, {"load", 0.25}});
  EXPECT_THAT(log->lines(), ElementsAre("info runner ready pool=ffmpeg slots=5 warm=true load=0.25"));
}

TEST_F(LogTest, DropsWhatIsBelowItsLevel) {
  logger.debug("noise");
  logger.warning("kept");
  EXPECT_THAT(log->lines(), ElementsAre("warning kept"));
}

TEST_F(LogTest, KeepsTheFieldsOfItsContext) {
  const Logger narrower = logger.with({"pool", "a"}).with({"runner", "r-1"});
  narrower.error("gone", {{"signal", 9}});
  logger.info("plain");
  EXPECT_THAT(log->lines(), ElementsAre("error gone pool=a runner=r-1 signal=9", "info plain"));
}

TEST_F(LogTest, QuotesAndEscapesSoThatInputCannotForgeALine) {
  logger.info("odd\nerror forged", {{"a", "two words"}, {"b", "say \"hi\"\n\x1b[31m"}, {"c", ""}});
  EXPECT_THAT(log->lines(),
              ElementsAre("info odd\\nerror forged a=\"two words\" b=\"say \\\"hi\\\"\\n\\x1b[31m\" c=\"\""));
}

TEST_F(LogTest, HidesValuesOfKeysThatNameSecrets) {
  logger.info("x", {{"secret_key", "abc"}, {"api_token", "abc"}, {"password", "abc"}, {"private_key", "abc"}});
  EXPECT_FALSE(log->contains("abc"));
  EXPECT_TRUE(log->contains("api_token=***"));
}

TEST_F(LogTest, ADefaultLoggerDiscards) {
  const Logger nothing;
  EXPECT_FALSE(nothing.enabled(LogLevel::error));
  nothing.error("nobody hears this");
}

TEST_F(LogTest, TheStderrSinkWritesOneLineWithItsName) {
  testing::internal::CaptureStderr();
  Logger(stderr_sink("host"), LogLevel::debug).warning("careful {not a format}", {{"n", 1}});
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, testing::HasSubstr("warning [host] careful {not a format} n=1\n"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "no colours where no terminal is";
}

}  // namespace
}  // namespace flame::base

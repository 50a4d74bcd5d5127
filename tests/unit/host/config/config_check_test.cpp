// check_pool() and check_config(): the same rules for configurations that are made in C++.
#include <flame/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

PoolConfig right() {
  PoolConfig pool;
  pool.plugins = {"video@1"};
  return pool;
}

TEST(ConfigCheck, AcceptsTheDefaultsWithAPlugin) {
  EXPECT_FALSE(check_pool("ffmpeg", right()));
}

TEST(ConfigCheck, NamesEveryImpossibleOption) {
  PoolConfig pool = right();
  pool.max = 0;
  pool.max_concurrency = 5000;
  pool.timeout = 0s;
  pool.shutdown_timeout = kForever;
  pool.payload_max = 0;
  pool.warm = 1;  // no slot is there with max = 0
  pool.spare_slots = 100;
  pool.backend = {""};
  pool.limits.cpu_time = -1s;
  pool.env["A=B"] = "x";
  const auto error = check_pool("ffmpeg", pool);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::invalid_argument);
  for (const char* key : {"max:", "max_concurrency:", "timeout:", "shutdown_timeout:", "payload_max:", "warm:",
                          "spare_slots:", "backend:", "limits.cpu_time:", "env:"})
    EXPECT_THAT(error->message, HasSubstr(std::string("pools.ffmpeg.") + key));
}

TEST(ConfigCheck, AcceptsTheUpperEndOfEachOptionAndNothingBeyond) {
  PoolConfig pool = right();
  pool.max = limits::kRunnersCeiling;
  pool.max_concurrency = limits::kMaxConcurrencyCeiling;
  pool.payload_max = limits::kPayloadMaxCeiling;
  pool.spare_slots = 64;
  pool.backend = {std::string(limits::kNameMax, 'x')};
  EXPECT_FALSE(check_pool("ffmpeg", pool));
  ++pool.max;
  ++pool.max_concurrency;
  ++pool.payload_max;
  ++pool.spare_slots;
  pool.backend[0] += 'x';
  const std::string message = check_pool("ffmpeg", pool).value_or(Error{}).message;
  for (const char* key : {"max:", "max_concurrency:", "payload_max:", "spare_slots:", "backend:"})
    EXPECT_THAT(message, HasSubstr(std::string("pools.ffmpeg.") + key));
}

TEST(ConfigCheck, OnlyWhatMayWaitWithoutEndIsInfinite) {
  PoolConfig pool = right();
  pool.timeout = pool.idle_shutdown_after = pool.min_idle_shutdown_after = kForever;
  EXPECT_FALSE(check_pool("ffmpeg", pool));
  pool.boot_timeout = pool.shutdown_timeout = pool.limits.cpu_time = kForever;
  const std::string message = check_pool("ffmpeg", pool).value_or(Error{}).message;
  for (const char* key : {"boot_timeout:", "shutdown_timeout:", "limits.cpu_time:"})
    EXPECT_THAT(message, HasSubstr(std::string("pools.ffmpeg.") + key));
}

TEST(ConfigCheck, ANameOfTheHostIsANameOnTheWire) {
  HostConfig config;
  config.name = std::string(limits::kNameMax, 'x');
  EXPECT_FALSE(check_config(config));
  config.name += 'x';
  EXPECT_THAT(check_config(config).value_or(Error{}).message, HasSubstr("host.name"));
}

TEST(ConfigCheck, RefusesAPoolWithoutAName) {
  EXPECT_TRUE(check_pool("", right()));
  EXPECT_TRUE(check_pool("a\nb", right()));
  EXPECT_FALSE(check_pool(std::string(234, 'x'), right()));
  EXPECT_TRUE(check_pool(std::string(235, 'x'), right())) << "its runners' names have a number at the end";
  EXPECT_FALSE(check_pool("größer", right()));
}

TEST(ConfigCheck, KnowsWhatAnEndpointIs) {
  const auto accepts = [](const std::string& endpoint) {
    HostConfig config;
    config.listen = {endpoint};
    return !check_config(config);
  };
  EXPECT_TRUE(accepts("ipc://auto"));
  EXPECT_TRUE(accepts("tcp://[::]:0"));
  EXPECT_TRUE(accepts("tcp://10.0.0.1:5555"));
  EXPECT_FALSE(accepts("ipc:///tmp/fixed"));
  EXPECT_FALSE(accepts("tcp://10.0.0.1"));
  EXPECT_FALSE(accepts("tcp://:5555"));
  EXPECT_FALSE(accepts("tcp://host:65536"));
  EXPECT_FALSE(accepts("tcp://host:"));
  EXPECT_FALSE(accepts(""));
}

TEST(ConfigCheck, KeepsNoMoreSlotsWarmThanThereAre) {
  PoolConfig pool = right();
  pool.max = 2;
  pool.max_concurrency = 5;
  pool.warm = 10;
  EXPECT_FALSE(check_pool("ffmpeg", pool));
  pool.warm = 11;
  EXPECT_THAT(check_pool("ffmpeg", pool)->message, HasSubstr("pools.ffmpeg.warm: is 11, more than the 10 slots"));
  pool.single_use = true;
  pool.warm = 3;
  EXPECT_TRUE(check_pool("ffmpeg", pool)) << "a runner serves one call";
}

TEST(ConfigCheck, HoldsTheFiguresOfLivenessTogether) {
  const auto accepts = [](Duration beat, Duration host, Duration runner) {
    HostConfig config;
    config.liveness = {.beat = beat, .host_silence = host, .runner_silence = runner};
    return !check_config(config);
  };
  EXPECT_TRUE(accepts(1s, 10s, 15s));
  EXPECT_TRUE(accepts(100ms, 500ms, 601ms));
  EXPECT_FALSE(accepts(100ms, 500ms, 600ms)) << "the runner must give up first";
  EXPECT_FALSE(accepts(100ms, 499ms, 1s)) << "one late beat is no silence";
  EXPECT_FALSE(accepts(0s, 10s, 15s));
  EXPECT_TRUE(accepts(1s, 10s, 1h));
  EXPECT_FALSE(accepts(1s, 10s, 1h + 1ns));
}

TEST(ConfigCheck, ABeatUnderTenMillisecondsAndAFailsafeUnderASecondAreRefused) {
  const auto message = [](Duration beat, Duration failsafe) {
    HostConfig config;
    config.liveness.beat = beat;
    config.liveness.failsafe = failsafe;
    return check_config(config).value_or(Error{}).message;
  };
  EXPECT_EQ(message(10ms, 1s), "");
  EXPECT_THAT(message(1ns, 1s), HasSubstr("host.liveness.beat: must be at least 10ms and at most 1h, not 1ns"));
  EXPECT_THAT(message(10ms, 1ms), HasSubstr("host.liveness.failsafe: must be at least 1s and at most 1h, not 1ms"));
  HostConfig short_silence;
  short_silence.liveness.host_silence = 49ms;
  EXPECT_THAT(check_config(short_silence).value_or(Error{}).message,
              HasSubstr("host.liveness.host_silence: must be at least 50ms"));
}

TEST(ConfigCheck, SilencesMayBeInfiniteWhereTheKernelTellsOfTheEnd) {
  HostConfig config;
  config.liveness.host_silence = config.liveness.runner_silence = kForever;
  EXPECT_FALSE(check_config(config));
  config.listen.push_back("tcp://127.0.0.1:0");
  EXPECT_THAT(check_config(config)->message,
              HasSubstr("host.liveness.runner_silence: must not be infinite with a tcp endpoint"));
  config = {};
  config.liveness.failsafe = kForever;
  EXPECT_THAT(check_config(config)->message, HasSubstr("host.liveness.failsafe"));
}

TEST(ConfigCheck, BoundsTheListsOfPlugins) {
  HostConfig config;
  config.plugins.trusted_keys.assign(limits::kTrustedKeysMax, "key.pub");
  config.plugins.revoked.assign(limits::kRevokedMax, "sha256:" + std::string(64, 'a'));
  for (std::size_t i = 0; i < limits::kRevokedMax; ++i) config.plugins.min_version["p" + std::to_string(i)] = "1.0.0";
  EXPECT_FALSE(check_config(config));
  config.plugins.trusted_keys.push_back("key.pub");
  config.plugins.revoked.push_back("sha256:" + std::string(64, 'a'));
  config.plugins.min_version["more"] = "1.0.0";
  EXPECT_EQ(check_config(config)->message,
            "plugins.trusted_keys: names 65 keys, of at most 64\n"
            "plugins.revoked: has 4097 entries, of at most 4096\n"
            "plugins.min_version: has 4097 entries, of at most 4096");
}

TEST(ConfigCheck, NeedsAnEndpoint) {
  HostConfig config;
  config.listen.clear();
  EXPECT_THAT(check_config(config)->message, HasSubstr("host.listen"));
}

}  // namespace
}  // namespace flame

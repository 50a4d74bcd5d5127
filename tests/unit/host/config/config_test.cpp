// What a right configuration means: every key, every default, relative paths, backend options.
#include <flame/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

HostConfig parsed(std::string_view toml, const std::string& file = "/etc/app/flame.toml") {
  auto config = parse_config(toml, file);
  EXPECT_TRUE(config) << config.error().message;
  return config ? *config : HostConfig{};
}

TEST(Config, HasFlamesDefaults) {
  const PoolConfig pool = parsed("[pools.a]\nplugins = [\"video\"]\n").pools.at("a");
  EXPECT_EQ(pool.min, 0u);
  EXPECT_EQ(pool.max, 10u);
  EXPECT_EQ(pool.max_concurrency, 100u);
  EXPECT_EQ(pool.timeout, 30s);
  EXPECT_EQ(pool.boot_timeout, limits::kBootTimeoutDefault);
  EXPECT_EQ(pool.shutdown_timeout, 30s);
  EXPECT_EQ(pool.idle_shutdown_after, 30s);
  EXPECT_EQ(pool.min_idle_shutdown_after, kForever);
  EXPECT_FALSE(pool.single_use);
  EXPECT_TRUE(pool.reuse);
  EXPECT_EQ(pool.strategy, Strategy::least_loaded);
  EXPECT_EQ(pool.isolation, SlotIsolation::process);
  EXPECT_EQ(pool.leftover_threads, LeftoverThreads::keep);
  EXPECT_EQ(pool.max_queue, 100'000u);
  EXPECT_EQ(pool.max_queue_bytes, limits::GiB);
  EXPECT_EQ(pool.payload_max, limits::kPayloadMaxDefault);
  EXPECT_TRUE(pool.backend.empty()) << "that of the host";
  EXPECT_EQ(pool.size, "");
  EXPECT_EQ(pool.queue_timeout, 10min);
  EXPECT_EQ(pool.limits.memory, 0u);
}

TEST(Config, AcceptsAnEmptyFile) {
  const HostConfig config = parsed("");
  EXPECT_EQ(config.name, "auto");
  EXPECT_THAT(config.listen, ElementsAre("ipc://auto"));
  EXPECT_THAT(config.backend, ElementsAre("local"));
  EXPECT_EQ(config.plugins.store, "auto");
  EXPECT_FALSE(config.plugins.require_signature || config.plugins.watch);
  EXPECT_TRUE(config.pools.empty());
}

TEST(Config, ReadsEveryKey) {
  const HostConfig config = parsed(R"(
[host]
name = "web-1"
listen = ["ipc://auto", "tcp://[::]:0"]
advertise = "fdaa::3"
control = "/run/app/control"
[plugins]
path = ["/opt/plugins"]
[pools.ffmpeg]
plugins = ["video@1", "audio@2.1.0"]
min = 1
max = 4
max_concurrency = 5
timeout = "infinite"
boot_timeout = "1min"
shutdown_timeout = "5s"
idle_shutdown_after = "500ms"
min_idle_shutdown_after = "1h30min"
single_use = true
reuse = false
strategy = "pack"
isolation = "process"
leftover_threads = "discard"
max_queue = 7
max_queue_bytes = "8MiB"
payload_max = "64MiB"
backend = "fly"
warm = 2
spare_slots = 3
limits = { memory = "1GiB", cpu_time = "10s", open_files = 256, core = true }
env = { TZ = "UTC" }
[pools.fast]
plugins = ["video"]
isolation = "thread"
)");
  EXPECT_EQ(config.name, "web-1");
  EXPECT_THAT(config.listen, ElementsAre("ipc://auto", "tcp://[::]:0"));
  EXPECT_EQ(config.advertise, "fdaa::3");
  EXPECT_EQ(config.control, "/run/app/control");
  EXPECT_THAT(config.plugin_path, ElementsAre("/opt/plugins"));
  const PoolConfig& pool = config.pools.at("ffmpeg");
  EXPECT_THAT(pool.plugins, ElementsAre("video@1", "audio@2.1.0"));
  EXPECT_EQ(pool.min, 1u);
  EXPECT_EQ(pool.max, 4u);
  EXPECT_EQ(pool.max_concurrency, 5u);
  EXPECT_EQ(pool.timeout, kForever);
  EXPECT_EQ(pool.boot_timeout, 1min);
  EXPECT_EQ(pool.shutdown_timeout, 5s);
  EXPECT_EQ(pool.idle_shutdown_after, 500ms);
  EXPECT_EQ(pool.min_idle_shutdown_after, 90min);
  EXPECT_TRUE(pool.single_use);
  EXPECT_FALSE(pool.reuse);
  EXPECT_EQ(pool.strategy, Strategy::pack);
  EXPECT_EQ(pool.leftover_threads, LeftoverThreads::discard);
  EXPECT_EQ(pool.max_queue, 7u);
  EXPECT_EQ(pool.max_queue_bytes, 8u << 20);
  EXPECT_EQ(pool.payload_max, 64u << 20);
  EXPECT_THAT(pool.backend, ElementsAre("fly"));
  EXPECT_EQ(pool.warm, 2u);
  EXPECT_EQ(pool.spare_slots, 3u);
  EXPECT_EQ(pool.limits.memory, 1u << 30);
  EXPECT_EQ(pool.limits.cpu_time, 10s);
  EXPECT_EQ(pool.limits.open_files, 256u);
  EXPECT_TRUE(pool.limits.core);
  EXPECT_EQ(pool.env.at("TZ"), "UTC");
  EXPECT_EQ(config.pools.at("fast").isolation, SlotIsolation::thread);
}

TEST(Config, APoolNamesOneBackendOrSeveral) {
  const HostConfig config = parsed(R"([host]
backend = ["big", "local"]
[pools.a]
plugins = ["x"]
backend = ["local", "fly"]
size = "performance-2x"
queue_timeout = "1h"
)");
  EXPECT_THAT(config.backend, ElementsAre("big", "local"));
  const PoolConfig& pool = config.pools.at("a");
  EXPECT_THAT(pool.backend, ElementsAre("local", "fly"));
  EXPECT_EQ(config.places.at("pools.a.backend[1]").column, 21U);
  EXPECT_EQ(pool.size, "performance-2x");
  EXPECT_EQ(pool.queue_timeout, 1h);
}

// The README's example: what people type first.
TEST(Config, TheFirstLinesAboutBackendsAndSecretsAreFew) {
  const HostConfig config = parsed(R"(
[pools.ffmpeg]
plugins = ["video@1"]
backend = ["local", "spare"]
[pools.ffmpeg.env]
TZ = "UTC"
DATABASE_URL = { env = "DATABASE_URL" }
[backends.local]
max = 4
[backends.spare]
kind = "local"
)");
  const PoolConfig& pool = config.pools.at("ffmpeg");
  EXPECT_THAT(pool.backend, ElementsAre("local", "spare"));
  EXPECT_EQ(pool.env.at("TZ"), "UTC");
  EXPECT_EQ(pool.secret_env.at("DATABASE_URL").describe(), "environment variable DATABASE_URL");
  EXPECT_EQ(config.backends.at("local").max, 4U);
  EXPECT_EQ(config.backends.at("spare").kind, "local");
}

TEST(Config, ReadsEveryKeyOfPlugins) {
  const HostConfig config = parsed(R"(
[plugins]
path = ["/opt/plugins"]
store = "/var/lib/plugins"
trusted_keys = ["flame-public-key-v1 0123456789abcdef AAAA", "keys/build.pub"]
require_signature = true
revoked = ["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]
min_version = { video = "1.4.0", audio = "2.0.0-rc.1" }
watch = true
)");
  EXPECT_THAT(config.plugin_path, ElementsAre("/opt/plugins"));
  EXPECT_EQ(config.plugins.store, "/var/lib/plugins");
  EXPECT_THAT(config.plugins.trusted_keys,
              ElementsAre("flame-public-key-v1 0123456789abcdef AAAA", "/etc/app/keys/build.pub"));
  EXPECT_TRUE(config.plugins.require_signature);
  EXPECT_THAT(config.plugins.revoked,
              ElementsAre("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  EXPECT_EQ(config.plugins.min_version.at("video"), "1.4.0");
  EXPECT_EQ(config.plugins.min_version.at("audio"), "2.0.0-rc.1");
  EXPECT_TRUE(config.plugins.watch);
}

TEST(Config, TakesRelativePluginDirectoriesFromTheDirectoryOfTheFile) {
  const std::string_view toml = "[plugins]\npath = [\"build/plugins\", \"../more\", \"/abs\"]\n";
  EXPECT_THAT(parsed(toml).plugin_path, ElementsAre("/etc/app/build/plugins", "/etc/more", "/abs"));
  EXPECT_THAT(parsed(toml, "flame.toml").plugin_path, ElementsAre("build/plugins", "../more", "/abs"));
}

TEST(Config, TakesARelativeStoreFromTheDirectoryOfTheFileAndLeavesTheKeywordAlone) {
  EXPECT_EQ(parsed("[plugins]\nstore = \"installed\"\n").plugins.store, "/etc/app/installed");
  EXPECT_EQ(parsed("[plugins]\nstore = \"auto\"\n").plugins.store, "auto");
}

TEST(Config, FlattensBackendOptionsAndRemembersWhereTheyStand) {
  const HostConfig config = parsed(R"([backends.fly]
app = "thumbs"
retries = 3
ratio = 0.5
verbose = true
regions = ["ams", "fra"]
guest = { cpu_kind = "performance", cpus = 4 }
[backends.fly.metadata]
team = "media"
)");
  const BackendOptions& fly = config.backends.at("fly");
  EXPECT_EQ(std::get<std::string>(fly.values.at("app").value), "thumbs");
  EXPECT_EQ(std::get<std::int64_t>(fly.values.at("retries").value), 3);
  EXPECT_EQ(std::get<double>(fly.values.at("ratio").value), 0.5);
  EXPECT_EQ(std::get<bool>(fly.values.at("verbose").value), true);
  EXPECT_THAT(std::get<std::vector<std::string>>(fly.values.at("regions").value), ElementsAre("ams", "fra"));
  EXPECT_EQ(std::get<std::int64_t>(fly.values.at("guest.cpus").value), 4);
  EXPECT_EQ(std::get<std::string>(fly.values.at("metadata.team").value), "media");
  EXPECT_EQ(fly.values.at("guest.cpus").where.to_string(), "/etc/app/flame.toml:7:44");
  EXPECT_EQ(fly.where.line, 1u);
}

TEST(Config, NamesSecretsByTheirSource) {
  const HostConfig config = parsed(R"([backends.fly]
token = { env = "FLY_API_TOKEN" }
key = { file = "keys/fly" }
)");
  const auto& values = config.backends.at("fly").values;
  EXPECT_EQ(std::get<Secret>(values.at("token").value).describe(), "environment variable FLY_API_TOKEN");
  EXPECT_EQ(std::get<Secret>(values.at("key").value).describe(), "file /etc/app/keys/fly");
}

TEST(Config, LoadsAFile) {
  const test::TempDir dir;
  const std::string file = dir.write("flame.toml", "[plugins]\npath = [\"p\"]\n");
  const auto config = load_config(file);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->plugin_path, ElementsAre(dir / "p"));
}

TEST(Config, SaysWhichFileCannotBeRead) {
  const auto config = load_config("/nonexistent/flame.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::not_found);
  EXPECT_THAT(config.error().message, HasSubstr("/nonexistent/flame.toml"));
}

TEST(Config, RefusesAFileThatIsNoConfiguration) {
  const test::TempDir dir;
  EXPECT_TRUE(load_config(dir.write("full.toml", std::string(limits::MiB, '\n'))));
  const auto config = load_config(dir.write("over.toml", std::string(limits::MiB + 1, '\n')));
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("over.toml"));
}

}  // namespace
}  // namespace flame

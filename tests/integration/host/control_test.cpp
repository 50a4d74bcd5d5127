// The control socket of real hosts: what status shows, where sockets are, and when they go.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "tests/integration/host/control_support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class Control : public ControlTest {};

TEST_F(Control, StatusShowsWhatAPoolDoes) {
  HostConfig settings = config([](PoolConfig& pool) { pool.max = 1, pool.max_concurrency = 1; });
  settings.name = "web-1";
  Host host(settings);
  const Pool pool = host.pool("ffmpeg");
  pool.call<tasks::nothing>();
  auto running = pool.async<tasks::linger>(60'000);
  auto waiting = pool.async<tasks::linger>(60'000);
  ASSERT_TRUE(eventually([&] { return pool.stats().waiting == 1; }));
  const auto answer = std::get<control::HostStatus>(ask(control::StatusRequest{}).value());
  EXPECT_EQ(answer.name, "web-1");
  EXPECT_EQ(answer.pid, ::getpid());
  EXPECT_GT(answer.uptime, Duration::zero());
  ASSERT_THAT(answer.pools, SizeIs(1));
  const control::PoolStatus& shown = answer.pools[0];
  EXPECT_EQ(shown.name, "ffmpeg");
  EXPECT_EQ(shown.backend, "local");
  EXPECT_EQ(shown.stats.submitted, 3U);
  EXPECT_EQ(shown.stats.succeeded, 1U);
  EXPECT_EQ(shown.stats.waiting, 1U);
  EXPECT_EQ(shown.stats.slots_busy, 1U);
  EXPECT_GT(shown.oldest_wait.value_or(Duration::zero()), Duration::zero());
  ASSERT_THAT(shown.runners, SizeIs(1));
  const control::RunnerStatus& runner = shown.runners[0];
  EXPECT_EQ(runner.name, "ffmpeg-1");
  EXPECT_EQ(runner.state, "ready");
  EXPECT_EQ(runner.slots_busy, 1U);
  EXPECT_EQ(runner.slots, 1U);
  EXPECT_EQ(runner.isolation, "process");
  EXPECT_FALSE(runner.idle);
  EXPECT_TRUE(runner.session_age);
  EXPECT_EQ(runner.machine, runner.facts.at("pid")) << "the local backend's machines are processes";
  ASSERT_THAT(runner.plugins, SizeIs(1));
  EXPECT_EQ(runner.plugins[0].plugin, "host_tasks@1.4.0");
  EXPECT_THAT(runner.plugins[0].digest, SizeIs(64));
  ASSERT_THAT(shown.boots, SizeIs(1));
  EXPECT_EQ(shown.boots[0].state, "ready");
  EXPECT_TRUE(shown.boots[0].machine && shown.boots[0].hello && shown.boots[0].ready);
  running.cancel();
  waiting.cancel();
  EXPECT_TRUE(eventually([&] { return status().runners.at(0).idle.has_value(); }));
}

TEST_F(Control, StatusSaysThatABackendHasAllTheMachinesThatItMayHave) {
  HostConfig settings = config([](PoolConfig& pool) { pool.max_concurrency = 1; });
  settings.backends["local"].max = 1;
  Host host(settings);
  const Pool pool = host.pool("ffmpeg");
  auto running = pool.async<tasks::linger>(60'000);
  auto waiting = pool.async<tasks::linger>(60'000);
  ASSERT_TRUE(eventually([&] { return status().stats.waiting == 1; }));
  const control::PoolStatus shown = status();
  EXPECT_EQ(shown.full, "backend \"local\" has all 1 machines that it may have (max)");
  EXPECT_THAT(shown.runners, SizeIs(1)) << "of the 2 that the pool may have";
  running.cancel();
  waiting.cancel();
}

TEST_F(Control, StatusShowsABootThatIsUnderWay) {
  const TempDir files;
  const std::string never_dials = files.write("runner", "#!/bin/sh\nexec sleep 60\n");
  ASSERT_EQ(::chmod(never_dials.c_str(), 0755), 0);
  HostConfig settings = config();
  settings.backends["local"].values["runner"] = Option{OptionValue(never_dials), {}};
  Host host(settings);
  auto call = host.pool("ffmpeg").async<tasks::nothing>();
  ASSERT_TRUE(eventually([&] { return status().boots.size() == 1 && status().boots[0].machine; }));
  const control::PoolStatus shown = status();
  EXPECT_EQ(shown.boots[0].state, "under_way");
  EXPECT_FALSE(shown.boots[0].hello);
  EXPECT_EQ(shown.runners.at(0).state, "booting");
  EXPECT_EQ(shown.stats.booting, 1U);
  EXPECT_EQ(shown.stats.waiting, 1U);
  EXPECT_EQ(why(call.id()).state, "waiting");
}

TEST_F(Control, StatusShowsWhyBootsFail) {
  HostConfig settings = config();
  settings.backends["local"].values["runner"] = Option{OptionValue(std::string("/nonexistent/runner")), {}};
  Host host(settings);
  EXPECT_EQ(host.pool("ffmpeg").try_call<tasks::nothing>().error().code, ErrorCode::boot_failed);
  const control::PoolStatus shown = status();
  EXPECT_THAT(shown.boot_failure, HasSubstr("/nonexistent/runner"));
  EXPECT_TRUE(shown.next_boot);
  ASSERT_FALSE(shown.boots.empty());
  EXPECT_EQ(shown.boots[0].state, "failed");
  EXPECT_THAT(shown.boots[0].reason, HasSubstr("/nonexistent/runner"));
}

TEST_F(Control, OnePoolCanBeAskedForAndAnUnknownOneIsNamed) {
  HostConfig settings = config();
  settings.pools["thumbs"] = settings.pools["ffmpeg"];
  Host host(settings);
  const auto one = std::get<control::HostStatus>(ask(control::StatusRequest{.pool = "thumbs"}).value());
  ASSERT_THAT(one.pools, SizeIs(1));
  EXPECT_EQ(one.pools[0].name, "thumbs");
  const auto none = ask(control::StatusRequest{.pool = "thumb"}).error();
  EXPECT_EQ(none.code, ErrorCode::not_found);
  EXPECT_THAT(none.message, HasSubstr("did you mean \"thumbs\""));
}

TEST_F(Control, EveryHostHasASocketOfItsOwnThatGoesWithIt) {
  HostConfig settings = config();
  settings.name = "first";
  auto first = std::make_optional<Host>(settings);
  settings.name = "second";
  const Host second(settings);
  std::vector<std::string> names;
  for (const std::string& path : sockets()) {
    const auto answer = control::decode_answer(ask_socket(path, control::encode_request(control::StatusRequest{})));
    names.push_back(std::get<control::HostStatus>(*answer).name);
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
  }
  EXPECT_THAT(names, UnorderedElementsAre("first", "second"));
  first.reset();
  EXPECT_THAT(sockets(), SizeIs(1));
}

TEST_F(Control, ASocketAtAPathOfItsOwnIsFoundAsWell) {
  const TempDir files;
  HostConfig settings = config();
  settings.control = files / "flame.sock";
  {
    Host host(settings);
    EXPECT_EQ(status().name, "ffmpeg");
    EXPECT_NE(ask_socket(settings.control, control::encode_request(control::StatusRequest{})), "");
    EXPECT_THAT(error_of([&] { Host another(settings); }).message, HasSubstr("a running program listens there"));
    EXPECT_NE(ask_socket(settings.control, control::encode_request(control::StatusRequest{})), "");
  }
  EXPECT_FALSE(std::filesystem::exists(settings.control));
}

TEST_F(Control, AHostWithoutASocketIsSeenToHaveNone) {
  HostConfig settings = config();
  settings.control = "off";
  Host host(settings);
  EXPECT_THAT(sockets(), testing::ElementsAre(""));
  settings.control = "/nonexistent/flame.sock";
  EXPECT_EQ(error_of([&] { Host another(settings); }).code, ErrorCode::invalid_argument);
}

TEST_F(Control, StatusAnswersWhileTheHostDrains) {
  Host host(config([](PoolConfig& pool) { pool.shutdown_timeout = 60s; }));
  const Pool pool = host.pool("ffmpeg");
  auto running = pool.async<tasks::linger>(60'000);
  ASSERT_TRUE(eventually([&] { return pool.stats().slots_busy == 1; }));
  std::thread shutdown([&] { host.shutdown(); });
  EXPECT_TRUE(eventually([&] { return pool.try_call<tasks::nothing>().error().code == ErrorCode::shutting_down; }));
  EXPECT_EQ(status().stats.slots_busy, 1U);
  running.cancel();
  shutdown.join();
  EXPECT_THAT(sockets(), SizeIs(0));
}

TEST_F(Control, DirectoriesOfOtherUsersAreLeftToRoot) {
  if (::geteuid() != 0) return;  // only root can make one
  const TempDir base;
  const auto host = pool::RuntimeDir::create_in(base.path());
  ASSERT_TRUE(host.has_value());
  ASSERT_EQ(::chown(host->path().c_str(), 65534, 65534), 0);
  EXPECT_THAT(pool::live_hosts_in(base.path(), false), SizeIs(0));
  ASSERT_THAT(pool::live_hosts_in(base.path(), true), SizeIs(1));
  EXPECT_EQ(pool::live_hosts_in(base.path(), true)[0].user, 65534U);
}

}  // namespace
}  // namespace flame::test

// Calls through a real host and real runners: results, errors, limits.
#include <signal.h>

#include <flame/dynamic.hpp>

#include "tests/integration/host/support.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;

class Calls : public HostTest {};

TEST_F(Calls, ACallGivesTheResultOfTheTask) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  EXPECT_EQ(pool.call<tasks::add>(40, 2), 42);
  EXPECT_EQ(pool.call<tasks::reverse>("abc"), "cba");
  pool.call<tasks::nothing>();
  EXPECT_TRUE(pool.try_call<tasks::nothing>().has_value());
  EXPECT_EQ(pool.stats().runners, 1U);
  EXPECT_EQ(pool.stats().succeeded, 4U);
}

TEST_F(Calls, AnExceptionOfTheTaskIsTaskFailedWithItsTypeAndMessage) {
  Host host(config());
  const Error error = error_of([&] { host.pool("ffmpeg").call<tasks::fail>("no such codec"); });
  EXPECT_EQ(error.code, ErrorCode::task_failed);
  EXPECT_EQ(error.type, "std::runtime_error");
  EXPECT_EQ(error.message, "no such codec");
  EXPECT_EQ(error.plugin, "host_tasks@1.4.0");
  EXPECT_EQ(error.runner, "ffmpeg-1");
}

TEST_F(Calls, ACrashFailsOnlyItsOwnCallAndNamesTheSignal) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  auto other = pool.async<tasks::linger>(300);
  const auto crashed = pool.try_call<tasks::die>(SIGSEGV);
  ASSERT_TRUE(crashed.has_error());
  EXPECT_EQ(crashed.error().code, ErrorCode::crashed) << crashed.error().to_string();
  EXPECT_EQ(crashed.error().signal, SIGSEGV);
  EXPECT_FALSE(other.get());
  EXPECT_EQ(pool.call<tasks::add>(1, 2), 3);
}

TEST_F(Calls, PayloadsOfEverySizeComeBackUnchanged) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  for (const std::size_t size : {0UL, 1UL, 1000UL, 65'000UL, 65'536UL, 300'000UL, 5'000'000UL, 20'000'000UL}) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    const Bytes sent(std::move(text));
    EXPECT_EQ(pool.call<tasks::echo>(sent), sent) << size;
  }
}

TEST_F(Calls, APayloadOverTheLimitIsTooLargeBeforeAnythingIsSent) {
  Host host(config([](PoolConfig& pool) { pool.payload_max = 1 << 20; }));
  const auto result = host.pool("ffmpeg").try_call<tasks::echo>(Bytes(std::string(2 << 20, 'x')));
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, ErrorCode::too_large);
  EXPECT_EQ(result.error().started, Started::no);
  EXPECT_EQ(host.pool("ffmpeg").stats().boots, 0U);
}

TEST_F(Calls, ATimeoutAnswersTheCallerAtItsDeadlineAndFreesTheSlot) {
  Host host(config([](PoolConfig& pool) { pool.max = 1, pool.max_concurrency = 1; }));
  const Pool pool = host.pool("ffmpeg");
  pool.call<tasks::nothing>();
  const auto begin = std::chrono::steady_clock::now();
  const Error error = error_of([&] { pool.with({.timeout = 100ms}).call<tasks::deaf>(); });
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(error.code, ErrorCode::timed_out) << error.to_string();
  EXPECT_EQ(error.started, Started::yes);
  EXPECT_GE(took, 100ms);
  EXPECT_LT(took, 1s);
  EXPECT_EQ(pool.call<tasks::add>(1, 1), 2);
}

TEST_F(Calls, UnknownNamesAreNotFoundAndSuggestTheNearest) {
  Host host(config());
  const Error pool = error_of([&] { static_cast<void>(host.pool("fmpeg")); });
  EXPECT_EQ(pool.code, ErrorCode::not_found);
  EXPECT_NE(pool.message.find("did you mean \"ffmpeg\""), std::string::npos) << pool.message;
  const Error task = error_of([&] { host.pool("ffmpeg").call<tasks::missing>(1); });
  EXPECT_EQ(task.code, ErrorCode::not_found) << task.message;
  HostConfig wrong = config();
  wrong.pools["ffmpeg"].plugins = {"host_taskz"};
  const Error plugin = error_of([&] { Host unused(wrong); });
  EXPECT_EQ(plugin.code, ErrorCode::not_found);
  EXPECT_NE(plugin.message.find("host_tasks"), std::string::npos) << plugin.message;
}

TEST_F(Calls, ChildrenAndTrackedResourcesAreCalledThroughTheirHandles) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  const Child<tasks::Transcoder> transcoder = pool.place_child<tasks::transcoder>("h264");
  EXPECT_EQ(transcoder.call<&tasks::Transcoder::frames>(), 0);
  const Tracked<tasks::Index> index = pool.call<tasks::open_index>("a.idx");
  EXPECT_EQ(index.call<&tasks::Index::query>("foo"), std::vector<std::int64_t>{3});
}

TEST_F(Calls, FullQueuesAndBootsThatFailAreTyped) {
  HostConfig settings = config([](PoolConfig& pool) { pool.max = 1, pool.max_concurrency = 1, pool.max_queue = 1; });
  {
    Host host(settings);
    const Pool pool = host.pool("ffmpeg");
    pool.call<tasks::nothing>();
    auto running = pool.async<tasks::linger>(10'000);
    auto waiting = pool.async<tasks::linger>(10'000);
    ASSERT_TRUE(eventually([&] { return pool.stats().waiting == 1; }));
    EXPECT_EQ(pool.try_call<tasks::nothing>().error().code, ErrorCode::queue_full);
    EXPECT_EQ(pool.with({.timeout = 0ms}).try_call<tasks::nothing>().has_error(), true);
  }
  settings.backends["local"].values["runner"] = Option{OptionValue(std::string("/nonexistent/flame-runner")), {}};
  EXPECT_EQ(error_of([&] { Host(settings).pool("ffmpeg").call<tasks::nothing>(); }).code, ErrorCode::boot_failed);
}

TEST_F(Calls, TasksCanBeListedAndCalledByName) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  EXPECT_EQ(list_tasks(pool).size(), 16U);
  const auto task = find_task(pool, "tasks::reverse");
  ASSERT_TRUE(task.has_value());
  EXPECT_EQ(task->plugin, "host_tasks");
  EXPECT_NE(task->schema.find("table Call"), std::string::npos);
  auto encoded = detail::encode_arguments<tasks::reverse>(std::string("stressed"));
  const auto raw = call_raw(pool, "tasks::reverse", std::move(encoded));
  ASSERT_TRUE(raw.has_value()) << raw.error().to_string();
  EXPECT_EQ(detail::decode_result<tasks::reverse>(*raw, nullptr).value(), "desserts");
  RawPayload garbage{.table = Bytes(std::string(64, 'x')), .attachments = {}, .resources = {}};
  EXPECT_EQ(call_raw(pool, "tasks::reverse", std::move(garbage)).error().code, ErrorCode::invalid_argument);
}

TEST_F(Calls, OutputLogAndProgressArriveWithTheCallTheyBelongTo) {
  std::mutex mutex;
  std::vector<LogEvent> lines;
  std::vector<ProgressEvent> reports;
  Host host(config());
  Pool pool = host.pool("ffmpeg");
  pool.on_log([&](const LogEvent& event) {
    const std::lock_guard lock(mutex);
    lines.push_back(event);
  });
  pool.on_progress([&](const ProgressEvent& event) {
    const std::lock_guard lock(mutex);
    reports.push_back(event);
  });
  auto call = pool.async<tasks::chatty>(3);
  const auto id = call.id();
  EXPECT_EQ(call.get(), 3);
  std::string out;
  std::string err;
  std::string log;
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    out.clear(), err.clear(), log.clear();
    for (const LogEvent& line : lines) {
      std::string& to = line.source == LogEvent::Source::standard_output  ? out
                        : line.source == LogEvent::Source::standard_error ? err
                                                                          : log;
      to += line.text;
      EXPECT_EQ(line.call, id);
      EXPECT_EQ(line.runner, "ffmpeg-1");
    }
    return out == "line 0\nline 1\nline 2" && err == "to stderr" && log == "to the log" && reports.size() == 1;
  })) << out
      << err << log;
}

TEST_F(Calls, ASingleUseRunnerDeliversALargeResultBeforeItLeaves) {
  Host host(config([](PoolConfig& pool) { pool.single_use = true; }));
  const Pool pool = host.pool("ffmpeg");
  const Bytes big(std::string(12 << 20, 'x'));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pool.call<tasks::echo>(big), big);
}

TEST_F(Calls, ManyCallersShareThePool) {
  Host host(config());
  const Pool pool = host.pool("ffmpeg");
  std::vector<Future<std::int32_t>> futures;
  for (std::int32_t i = 0; i < 500; ++i) futures.push_back(pool.async<tasks::add>(i, i));
  for (std::int32_t i = 0; i < 500; ++i) EXPECT_EQ(futures[static_cast<std::size_t>(i)].get(), 2 * i);
  EXPECT_LE(pool.stats().runners, 2U);
}

TEST_F(Calls, TheSameCallsWorkOverTcpWithCurve) {
  HostConfig settings = config();
  settings.listen = {"tcp://127.0.0.1:0"};
  Host host(settings);
  const Pool pool = host.pool("ffmpeg");
  EXPECT_EQ(pool.call<tasks::add>(40, 2), 42);
  const Bytes big(std::string(3'000'000, 'x'));
  EXPECT_EQ(pool.call<tasks::echo>(big), big);
}

}  // namespace
}  // namespace flame::test

// The tables of `flame status` and the lines of `flame why`, as a person sees them without colours.
#include "tools/flame/status_text.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/unique_fd.hpp"
#include "tools/flame/table.hpp"

namespace flame::cli {
namespace status_text_test {

using namespace std::chrono_literals;
using control::BootStatus;
using control::PoolStatus;
using control::RunnerStatus;
using testing::HasSubstr;
using testing::Not;

class StatusText : public testing::Test {
 protected:
  [[nodiscard]] std::string shown(const PoolStatus& pool) const {
    return status_text({.name = "web-1", .pid = 4711, .version = "0.1.0", .uptime = 192s, .pools = {pool}}, plain_);
  }
  static PoolStatus idle_pool() {
    return {.name = "ffmpeg",
            .backend = "local",
            .isolation = "process",
            .max_concurrency = 5,
            .stats = {.max = 10},
            .oldest_wait = {},
            .next_boot = {},
            .boot_failure = {},
            .runners = {},
            .boots = {},
            .children = {},
            .tracked = {}};
  }
  static RunnerStatus runner(std::string name) {
    return {.name = std::move(name),
            .state = "ready",
            .slots_busy = 3,
            .slots = 5,
            .isolation = "process",
            .machine = "4712",
            .age = 190s,
            .session_age = 189s,
            .idle = {},
            .silent = {},
            .plugins = {{"video@1.4.0", "0123456789abcdef0123", true, ""}},
            .facts = {{"hostname", "box"}, {"cpus", "2"}, {"memory", "8321499136"}, {"kernel", "6.1"}},
            .children = {},
            .tracked = {}};
  }

  base::UniqueFd nowhere_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Terminal plain_{nowhere_.get()};
};

TEST_F(StatusText, ASilentRunnerIsShownAsThat) {
  PoolStatus pool = idle_pool();
  pool.runners = {runner("ffmpeg-1")};
  pool.runners[0].state = "silent";
  pool.runners[0].silent = 17s;
  EXPECT_THAT(shown(pool), HasSubstr("silent for 17"));
}

TEST_F(StatusText, AnIdlePoolIsThreeLines) {
  EXPECT_EQ(shown(idle_pool()),
            "host web-1  pid 4711  up 3 min 12 s  flame 0.1.0\n"
            "\n"
            "pool ffmpeg  backend local  0 runners of 0 to 10 up; 0 of 0 slots busy\n"
            "  0 calls: 0 succeeded, 0 failed, 0 retried; 0 boots, 0 failed; 0 runners lost\n");
}

TEST_F(StatusText, SlotsThatWereReplacedAreCountedByReason) {
  PoolStatus pool = idle_pool();
  pool.stats.discards = {{"child_process", 3}, {"memory", 1}};
  EXPECT_THAT(shown(pool), testing::HasSubstr("\n  slots replaced after a call: 3 child_process, 1 memory\n"));
}

TEST_F(StatusText, SaysWhatServesWhatDidAndWhatIsToCome) {
  PoolStatus pool = idle_pool();
  pool.lines = {{"audio", "audio@2.0.0", "cd", "", "", ""},
                {"video@1", "video@1.4.0", "ab", "video@1.3.0", "video@1.5.0", "the pool ffmpeg waits for ffmpeg-1"}};
  EXPECT_THAT(shown(pool), HasSubstr("lost\n"
                                     "  audio: audio@2.0.0 serves\n"
                                     "  video@1: video@1.4.0 serves, before it video@1.3.0; video@1.5.0 is being "
                                     "activated: the pool ffmpeg waits for ffmpeg-1\n"));
}

TEST_F(StatusText, OfManyPluginsOnlyThoseThatChanged) {
  PoolStatus pool = idle_pool();
  pool.lines.assign(5, {"audio", "audio@2.0.0", "cd", "", "", ""});
  pool.lines[3].previous = "audio@1.0.0";
  EXPECT_THAT(shown(pool), HasSubstr("lost\n  audio: audio@2.0.0 serves, before it audio@1.0.0\n"));
  pool.lines.pop_back();
  EXPECT_THAT(shown(pool), HasSubstr("lost\n  audio: audio@2.0.0 serves\n"));
}

TEST_F(StatusText, RunnersQueueAndBootsAreAlignedTables) {
  PoolStatus pool = idle_pool();
  pool.stats = {.runners = 1,
                .booting = 1,
                .slots_busy = 3,
                .waiting = 4,
                .max = 10,
                .submitted = 120,
                .succeeded = 110,
                .failed = 3,
                .retried = 1,
                .boots = 2};
  pool.oldest_wait = 1200ms;
  pool.runners = {runner("ffmpeg-1")};
  pool.runners.push_back({.name = "ffmpeg-12",
                          .state = "booting",
                          .slots = 5,
                          .isolation = "process",
                          .machine = {},
                          .age = 30ms,
                          .session_age = {},
                          .idle = {},
                          .plugins = {},
                          .facts = {},
                          .children = {},
                          .tracked = {}});
  pool.boots = {{.runner = "ffmpeg-12",
                 .state = "under_way",
                 .asked_ago = 30ms,
                 .machine = 1500us,
                 .hello = {},
                 .ready = {},
                 .failed = {},
                 .reason = {}},
                {.runner = "ffmpeg-1",
                 .state = "ready",
                 .asked_ago = 190s,
                 .machine = 2ms,
                 .hello = 31ms,
                 .ready = 31ms,
                 .failed = {},
                 .reason = {}}};
  EXPECT_EQ(shown(pool),
            "host web-1  pid 4711  up 3 min 12 s  flame 0.1.0\n"
            "\n"
            "pool ffmpeg  backend local  1 runner of 0 to 10 up, 1 booting; 3 of 5 slots busy; 4 calls waiting (the "
            "oldest for 1.2 s)\n"
            "  120 calls: 110 succeeded, 3 failed, 1 retried; 2 boots, 0 failed; 0 runners lost\n"
            "  RUNNER     STATE    SLOTS  AGE        IDLE  ISOLATION  PLUGINS                   MACHINE\n"
            "  ffmpeg-1   ready    3/5    3 min 9 s  -     process    video@1.4.0 0123456789ab  4712, box, 2 cpus, 7.7 "
            "GiB\n"
            "  ffmpeg-12  booting  0/5    30 ms      -     process    -                         -\n"
            "  BOOT       STATE      ASKED           MACHINE  HELLO  READY  WHY\n"
            "  ffmpeg-12  under way  30 ms ago       1.5 ms   -      -\n"
            "  ffmpeg-1   ready      3 min 10 s ago  2.0 ms   31 ms  31 ms\n");
}

TEST_F(StatusText, FailedBootsSayWhyAndWhenTheNextOneIsTried) {
  PoolStatus pool = idle_pool();
  pool.boot_failure = "no such image;\nbuild it";
  pool.next_boot = 850ms;
  pool.boots = {{.runner = "ffmpeg-1",
                 .state = "failed",
                 .asked_ago = 2s,
                 .machine = {},
                 .hello = {},
                 .ready = {},
                 .failed = 3ms,
                 .reason = "no such image;\nbuild it"}};
  const std::string text = shown(pool);
  EXPECT_THAT(text, HasSubstr("  the next boot is tried in 850 ms; the last one failed: no such image; build it\n"));
  EXPECT_THAT(text, HasSubstr("after 3.0 ms: no such image; build it\n"));
}

TEST_F(StatusText, OnlyAFewEndedBootsAreShownButAllThatAreUnderWay) {
  PoolStatus pool = idle_pool();
  for (int i = 30; i > 0; --i) {
    pool.boots.push_back({.runner = "r-" + std::to_string(i),
                          .state = i > 20 ? "under_way" : "ready",
                          .asked_ago = 1s,
                          .machine = {},
                          .hello = {},
                          .ready = {},
                          .failed = {},
                          .reason = {}});
  }
  const std::string text = shown(pool);
  EXPECT_THAT(text, HasSubstr("r-21 "));
  EXPECT_THAT(text, HasSubstr("r-16 "));
  EXPECT_THAT(text, Not(HasSubstr("r-15 ")));
}

TEST_F(StatusText, ChildrenAndHandlesAppearWhereAHostHasThem) {
  PoolStatus pool = idle_pool();
  pool.runners = {runner("ffmpeg-1")};
  EXPECT_THAT(shown(pool), Not(HasSubstr("TRACKED"))) << "told by a host that does not count them";
  pool.children = pool.tracked = pool.runners[0].children = pool.runners[0].tracked = 0;
  EXPECT_THAT(shown(pool), Not(HasSubstr("TRACKED")));
  pool.children = 2;
  pool.tracked = 1;
  pool.runners[0].children = 2;
  pool.runners[0].tracked = 1;
  EXPECT_THAT(shown(pool), HasSubstr("; 2 children; 1 tracked handle\n"));
  EXPECT_THAT(shown(pool), HasSubstr("2/1"));
}

TEST_F(StatusText, PluginsThatAreTroubleSaySo) {
  PoolStatus pool = idle_pool();
  pool.runners = {runner("ffmpeg-1")};
  pool.runners[0].plugins = {{"a@1.0.0", "11", false, ""}, {"b@1.0.0", "22", true, "undefined symbol"}};
  EXPECT_THAT(shown(pool), HasSubstr("a@1.0.0 11 (not forkable), b@1.0.0 22 (broken)"));
}

TEST_F(StatusText, NothingFromARunnerReachesTheTerminalAsControlBytes) {
  PoolStatus pool = idle_pool();
  pool.runners = {runner("ffmpeg-1")};
  pool.runners[0].facts["hostname"] = "\x1b[2J\nhost evil";
  const std::string text = shown(pool);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_THAT(text, HasSubstr("?[2J host evil"));
}

TEST_F(StatusText, AStoryIsOneLinePerStepWithAlignedTimes) {
  const control::CallReport call{.host = "web-1",
                                 .pid = 4711,
                                 .invocation = 17,
                                 .pool = "ffmpeg",
                                 .task = "video::resize",
                                 .plugin = "video@1.4.0",
                                 .state = "ended",
                                 .outcome = "crashed",
                                 .submitted_ago = 3s,
                                 .left_out = 1,
                                 .lines = {{0ms, "submitted", "", "submitted to pool ffmpeg"},
                                           {31400us, "sent", "ffmpeg-1", "sent to runner ffmpeg-1"},
                                           {812ms, "answered", "ffmpeg-1", "failed: crashed"}}};
  EXPECT_EQ(story_text(call, plain_),
            "invocation 17  video::resize  ended: crashed  submitted 3.0 s ago to host web-1 (pid 4711)\n"
            "   +0.0 ms  submitted to pool ffmpeg\n"
            "  +31.4 ms  sent to runner ffmpeg-1\n"
            "   +812 ms  failed: crashed\n"
            "  (1 step in the middle not kept)\n");
}

TEST(Approximate, GivesTwoFiguresOrTwoUnits) {
  EXPECT_EQ(approximate(-1s), "0 us");
  EXPECT_EQ(approximate(850us), "850 us");
  EXPECT_EQ(approximate(1234us), "1.2 ms");
  EXPECT_EQ(approximate(31ms), "31 ms");
  EXPECT_EQ(approximate(3400ms), "3.4 s");
  EXPECT_EQ(approximate(125s), "2 min 5 s");
  EXPECT_EQ(approximate(2min), "2 min");
  EXPECT_EQ(approximate(3h + 12min), "3 h 12 min");
  EXPECT_EQ(approximate(99h), "4 d 3 h");
}

}  // namespace status_text_test
}  // namespace flame::cli

// video::resize_quality on real clips.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <flame/plugin.hpp>
#include <flame/testing.hpp>

#include "plugins/video/video.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/plugins/video/clip.hpp"
#include "tests/unit/plugins/video/stop.hpp"

namespace {

using flame::ErrorCode;
using video_test::make_clip;
using video_test::probe;
namespace fs = std::filesystem;

class Resize : public testing::Test {
 protected:
  std::string clip(const std::string& size = "640x360") {
    make_clip(directory_ / "clip.mp4", size, 2);
    return directory_ / "clip.mp4";
  }
  std::string store() const { return directory_ / "store"; }

  flame::test::TempDir directory_;
  flame::testing::Runner runner_;
};

TEST_F(Resize, MakesAnH264VideoOfTheAskedHeightThatLastsAsLong) {
  const auto result = runner_.call<video::resize_quality>({clip(), 180, store()});
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  EXPECT_EQ(result->path, store() + "/clip-180p.mp4");
  EXPECT_EQ(result->width, 320);
  EXPECT_EQ(probe(result->path, "codec_name"), "h264");
  EXPECT_EQ(probe(result->path, "height"), "180");
  EXPECT_NEAR(std::atof(probe(result->path, "duration").c_str()), 2.0, 0.1);
  EXPECT_EQ(static_cast<std::uintmax_t>(result->bytes), fs::file_size(result->path));
}

TEST_F(Resize, Takes480LinesWhenNoHeightIsAsked) {
  const auto result = runner_.call<video::resize_quality>({clip("1280x720"), 0, store()});
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  EXPECT_EQ(probe(result->path, "height"), "480");
}

TEST_F(Resize, ReportsItsProgressUpToTheEnd) {
  ASSERT_TRUE(runner_.call<video::resize_quality>({clip(), 90, store()}).has_value());
  const auto reports = runner_.progress();
  ASSERT_GE(reports.size(), 10U);
  EXPECT_EQ(reports.back().fraction, 1.0);
  for (std::size_t i = 1; i < reports.size(); ++i) EXPECT_GE(reports[i].fraction, reports[i - 1].fraction);
}

TEST_F(Resize, RecordsTheResultOnceHoweverOftenItRuns) {
  const std::string source = clip();
  ASSERT_TRUE(runner_.call<video::resize_quality>({source, 90, store()}).has_value());
  ASSERT_TRUE(runner_.call<video::resize_quality>({source, 90, store()}).has_value());
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((store() + "/videos.sqlite").c_str(), &database), SQLITE_OK);
  std::string rows;
  sqlite3_exec(
      database, "SELECT height || ' ' || width FROM videos",
      [](void* out, int, char** values, char**) {
        *static_cast<std::string*>(out) += std::string(values[0]) + ";";
        return 0;
      },
      &rows, nullptr);
  sqlite3_close(database);
  EXPECT_EQ(rows, "90 160;");
}

TEST_F(Resize, StopsWhenItIsAskedToAndLeavesNoPartialFile) {
  const std::string source = clip();
  runner_.request_stop();
  const auto result = runner_.call<video::resize_quality>({source, 90, store()});
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().type, "video::Stopped");
  EXPECT_TRUE(fs::is_empty(store()));
}

TEST_F(Resize, StopsInTheMiddleAndLeavesNoPartialFile) {
  make_clip(directory_ / "long.mp4", "640x360", 30);
  const video_test::StopsAtFirstReport stop(runner_);
  const auto result = runner_.call<video::resize_quality>({directory_ / "long.mp4", 360, store()});
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().type, "video::Stopped");
  ASSERT_FALSE(runner_.progress().empty());
  EXPECT_LT(runner_.progress().back().fraction, 1.0);
  EXPECT_TRUE(fs::is_empty(store()));
}

TEST_F(Resize, KeepsTheSound) {
  const std::string source = clip();
  const auto result = runner_.call<video::resize_quality>({source, 90, store()});
  ASSERT_TRUE(result.has_value()) << result.error().to_string();
  for (const char* entry : {"codec_name", "sample_rate", "channels"}) {
    EXPECT_EQ(probe(result->path, entry, "a:0"), probe(source, entry, "a:0")) << entry;
  }
  EXPECT_EQ(probe(result->path, "codec_name", "a:0"), "aac");
  EXPECT_NEAR(std::atof(probe(result->path, "duration", "a:0").c_str()), 2.0, 0.1);
}

// A process that has ended and was waited for.
pid_t dead_process() {
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  waitpid(pid, nullptr, 0);
  return pid;
}

TEST_F(Resize, RemovesTheUnfinishedFilesOfKilledProcessesOfThisMachineOnly) {
  char machine[256] = {};
  ASSERT_EQ(gethostname(machine, sizeof machine - 1), 0);
  const std::string here = std::string(".") + machine + "-";
  const std::string dead = std::to_string(dead_process());
  fs::create_directories(store());
  const auto part = [&](const std::string& name) { return directory_.write("store/" + name, "x"); };
  const std::string killed = part("other-90p.mp4" + here + dead + ".part");
  const std::vector<std::string> kept = {part("alive.mp4" + here + std::to_string(getppid()) + ".part"),
                                         part("elsewhere.mp4.another-" + dead + ".part"), part("download.part"),
                                         part("clip" + here + dead + ".mp4")};
  ASSERT_TRUE(runner_.call<video::resize_quality>({clip(), 90, store()}).has_value());
  EXPECT_FALSE(fs::exists(killed));
  for (const auto& file : kept) EXPECT_TRUE(fs::exists(file)) << file;
}

TEST_F(Resize, SaysThatAFileIsNoVideo) {
  const auto result =
      runner_.call<video::resize_quality>({directory_.write("noise.mp4", "no video at all"), 90, store()});
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().code, ErrorCode::task_failed);
  EXPECT_EQ(result.error().type, "video::NotAVideo");
  EXPECT_FALSE(fs::exists(store()));
}

TEST_F(Resize, RefusesAHeightOutsideOfItsRange) {
  const auto result = runner_.call<video::resize_quality>({clip(), -1, store()});
  ASSERT_TRUE(result.has_error());
  EXPECT_EQ(result.error().type, "std::invalid_argument");
  EXPECT_EQ(result.error().message, "height -1 is outside of 16 to 4320");
}

TEST_F(Resize, MakesWhatItCanOfATruncatedVideoOrSaysThatItIsNone) {
  const std::string source = clip();
  fs::resize_file(source, fs::file_size(source) / 2);
  const auto result = runner_.call<video::resize_quality>({source, 90, store()});
  EXPECT_TRUE(result.has_value() || result.error().code == ErrorCode::task_failed);
}

}  // namespace

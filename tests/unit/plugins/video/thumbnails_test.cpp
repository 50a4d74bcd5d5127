// video::thumbnails on real clips.
#include <gtest/gtest.h>

#include <filesystem>

#include <flame/plugin.hpp>
#include <flame/testing.hpp>

#include "plugins/video/video.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/plugins/video/clip.hpp"
#include "tests/unit/plugins/video/stop.hpp"

namespace {

using video_test::make_clip;
using video_test::probe;

class Thumbnails : public testing::Test {
 protected:
  flame::test::TempDir directory_;
  flame::testing::Runner runner_;
};

TEST_F(Thumbnails, WritesThatManyPngPicturesOfTheAskedWidth) {
  make_clip(directory_ / "clip.mp4", "640x360", 2);
  const auto paths = runner_.call<video::thumbnails>({directory_ / "clip.mp4", 3, 160, ""});
  ASSERT_TRUE(paths.has_value()) << paths.error().to_string();
  ASSERT_EQ(paths->size(), 3U);
  for (const auto& path : *paths) {
    EXPECT_EQ(probe(path, "codec_name"), "png");
    EXPECT_EQ(probe(path, "width"), "160");
  }
}

TEST_F(Thumbnails, StopsInTheMiddleAndLeavesOnlyWholePictures) {
  make_clip(directory_ / "clip.mp4", "640x360", 2);
  const video_test::StopsAtFirstReport stop(runner_);
  const auto paths = runner_.call<video::thumbnails>({directory_ / "clip.mp4", 1000, 640, directory_ / "store"});
  ASSERT_TRUE(paths.has_error());
  EXPECT_EQ(paths.error().type, "video::Stopped");
  EXPECT_LT(runner_.progress().size(), 1000U);
  std::size_t pictures = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory_ / "store")) {
    EXPECT_EQ(file.path().extension(), ".png");
    ++pictures;
  }
  EXPECT_EQ(pictures, runner_.progress().size());
}

TEST_F(Thumbnails, SaysThatAFileIsNoVideo) {
  const auto paths =
      runner_.call<video::thumbnails>({directory_.write("noise.mp4", "no video at all"), 3, 160, directory_ / "store"});
  ASSERT_TRUE(paths.has_error());
  EXPECT_EQ(paths.error().code, flame::ErrorCode::task_failed);
  EXPECT_EQ(paths.error().type, "video::NotAVideo");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "store"));
}

TEST_F(Thumbnails, RefusesACountOutsideOfItsRange) {
  const auto paths = runner_.call<video::thumbnails>({"any.mp4", 0, 160, ""});
  ASSERT_TRUE(paths.has_error());
  EXPECT_EQ(paths.error().message, "count 0 is outside of 1 to 1000");
}

}  // namespace

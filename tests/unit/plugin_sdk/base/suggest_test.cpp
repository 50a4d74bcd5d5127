// Which slips are recognised, and which names are left alone.
#include "plugin_sdk/base/suggest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flame::base {
namespace {

const std::vector<std::string> kNames{"ffmpeg", "thumbnails", "max_concurrency", "min", "max"};

TEST(Suggest, RecognisesASwapAMissingAnExtraAndAWrongLetter) {
  EXPECT_EQ(nearest("ffmpge", kNames), "ffmpeg");
  EXPECT_EQ(nearest("fmpeg", kNames), "ffmpeg");
  EXPECT_EQ(nearest("ffmpegg", kNames), "ffmpeg");
  EXPECT_EQ(nearest("ffmpag", kNames), "ffmpeg");
  EXPECT_EQ(nearest("max_concurency", kNames), "max_concurrency");
}

TEST(Suggest, TakesTheNearestOfSeveral) {
  EXPECT_EQ(nearest("mxx", kNames), "max");
}

TEST(Suggest, RecognisesAnotherCase) {
  EXPECT_EQ(nearest("FFmpeg", kNames), "ffmpeg");
}

TEST(Suggest, KeepsQuietAboutUnrelatedNames) {
  EXPECT_EQ(nearest("kubernetes", kNames), std::nullopt);
  EXPECT_EQ(nearest("", kNames), std::nullopt);
  EXPECT_EQ(nearest("x", std::vector<std::string>{"y"}), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'f'), kNames), std::nullopt);
}

TEST(Suggest, FormatsTheEndOfASentence) {
  EXPECT_EQ(did_you_mean("ffmpge", kNames), "; did you mean \"ffmpeg\"?");
  EXPECT_EQ(did_you_mean("kubernetes", kNames), "");
}

}  // namespace
}  // namespace flame::base

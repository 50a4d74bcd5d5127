// Where the copies of a plugin and of what stands beside it have their common root.
#include "host/src/origin_libraries.hpp"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace flame::pool {
namespace {

TEST(OriginLibraries, TheCommonDirectoryIsTheDeepestThatHoldsAll) {
  EXPECT_EQ(common_directory({"/a/b/p.so"}), "/a/b");
  EXPECT_EQ(common_directory({"/a/b/p.so", "/a/b/c/x.so"}), "/a/b");
  EXPECT_EQ(common_directory({"/a/lib/plugins/p.so", "/a/lib/x.so", "/a/share/y.so"}), "/a");
  EXPECT_EQ(common_directory({"/a/p.so", "/b/x.so"}), "/");
  EXPECT_EQ(common_directory({"/ab/p.so", "/a/x.so"}), "/");
}

TEST(OriginLibraries, WhatIsNoElfFileHasNone) {
  const test::TempDir directory;
  EXPECT_TRUE(origin_libraries(directory.write("text.so", "no plugin")).empty());
  EXPECT_TRUE(origin_libraries(directory / "missing.so").empty());
}

}  // namespace
}  // namespace flame::pool

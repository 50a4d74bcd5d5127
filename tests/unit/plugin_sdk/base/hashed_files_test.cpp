// Which files need not be hashed again.
#include "plugin_sdk/base/hashed_files.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <ctime>
#include <optional>
#include <string>

namespace flame::base {
namespace hashed_files_test {

struct stat settled() {
  struct stat info {};
  info.st_dev = 1;
  info.st_ino = 2;
  info.st_size = 3;
  info.st_ctim = {std::time(nullptr) - 60, 5};
  return info;
}

TEST(HashedFiles, KnowAFileThatIsAsItWas) {
  HashedFiles files;
  EXPECT_EQ(files.find("/a.so", settled()), std::nullopt);
  const struct stat info = settled();
  files.add("/a.so", info, "digest");
  EXPECT_EQ(files.find("/a.so", info), "digest");
  EXPECT_EQ(files.find("/b.so", info), std::nullopt);
}

TEST(HashedFiles, DoNotKnowAFileThatWasReplacedOrWrittenTo) {
  HashedFiles files;
  const struct stat info = settled();
  files.add("/a.so", info, "digest");
  struct stat other = info;
  other.st_ino = 7;
  EXPECT_EQ(files.find("/a.so", other), std::nullopt);
  other = info;
  other.st_dev = 7;
  EXPECT_EQ(files.find("/a.so", other), std::nullopt);
  other = info;
  other.st_size = 7;
  EXPECT_EQ(files.find("/a.so", other), std::nullopt);
  other = info;
  ++other.st_ctim.tv_nsec;
  EXPECT_EQ(files.find("/a.so", other), std::nullopt);
  other = info;
  ++other.st_ctim.tv_sec;
  EXPECT_EQ(files.find("/a.so", other), std::nullopt);
}

TEST(HashedFiles, DoNotTrustAFileThatMayBeWrittenToWithinTheSameTick) {
  HashedFiles files;
  struct stat info = settled();
  files.add("/a.so", info, "digest");
  info.st_ctim.tv_sec = std::time(nullptr);
  files.add("/a.so", info, "other");
  EXPECT_EQ(files.find("/a.so", info), std::nullopt);
  info.st_ctim.tv_sec += 3600;  // the clock was set back
  files.add("/a.so", info, "other");
  EXPECT_EQ(files.find("/a.so", info), std::nullopt);
}

TEST(HashedFiles, BeginAnewWhenThereAreTooMany) {
  HashedFiles files;
  const struct stat info = settled();
  for (std::size_t i = 0; i < HashedFiles::kFilesMax; ++i) files.add(std::to_string(i), info, "digest");
  EXPECT_EQ(files.find("0", info), "digest");
  files.add("one more", info, "digest");
  EXPECT_EQ(files.find("0", info), std::nullopt);
  EXPECT_EQ(files.find("one more", info), "digest");
}

}  // namespace hashed_files_test
}  // namespace flame::base

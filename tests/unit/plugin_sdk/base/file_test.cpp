// Whole files, private directories, locks, sealed memory.
#include "plugin_sdk/base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/support/leftovers.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::base {
namespace {

TEST(File, ReadsWhatWasWritten) {
  const test::TempDir dir;
  const std::string contents = std::string("a\0b", 3) + std::string(100'000, 'x');
  ASSERT_TRUE(write_file_atomically(dir / "f", contents));
  EXPECT_EQ(*read_file(dir / "f", contents.size()), contents);
}

TEST(File, RefusesOneByteOverTheLimit) {
  const test::TempDir dir;
  for (const std::size_t size : {1u, 4095u, 4096u, 16384u, 16385u, 70000u}) {
    const std::string path = dir.write("f", std::string(size, 'x'));
    EXPECT_TRUE(read_file(path, size)) << size;
    const auto over = read_file(path, size - 1);
    ASSERT_FALSE(over) << size;
    EXPECT_EQ(over.error().code, ErrorCode::too_large);
  }
}

TEST(File, AnErrorNamesThePathAndTheReason) {
  const auto missing = read_file("/nonexistent/file", 10);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().message, "cannot open \"/nonexistent/file\": No such file or directory");
}

TEST(File, AFailedWriteLeavesNoTemporaryFile) {
  const test::TempDir dir;
  mkdir((dir / "target").c_str(), 0700);
  EXPECT_FALSE(write_file_atomically(dir / "target", "x"));
  EXPECT_EQ(test::entries_of(dir.path()), std::vector<std::string>{"target"});
}

TEST(File, WritesWithTheModeAsked) {
  const test::TempDir dir;
  ASSERT_TRUE(write_file_atomically(dir / "f", "x", 0400));
  struct stat status {};
  ASSERT_EQ(stat((dir / "f").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777u, 0400u);
}

TEST(File, APrivateDirectoryIsPrivate) {
  const test::TempDir dir;
  const auto made = make_private_directory(dir.path(), "flame-");
  ASSERT_TRUE(made);
  struct stat status {};
  ASSERT_EQ(stat(made->c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777u, 0700u);
}

TEST(File, RemovingATreeDoesNotFollowLinks) {
  const test::TempDir dir;
  const test::TempDir other;
  const std::string kept = other.write("kept", "x");
  ASSERT_EQ(symlink(other.path().c_str(), (dir / "link").c_str()), 0);
  remove_tree(dir.path());
  EXPECT_TRUE(read_file(kept, 10));
}

TEST(File, ASealedMemoryFileCannotChange) {
  const auto fd = sealed_memfd("secret", "contents");
  ASSERT_TRUE(fd);
  EXPECT_EQ(*read_all(fd->get(), 100, "memfd"), "contents");
  EXPECT_EQ(::write(fd->get(), "x", 1), -1);
  EXPECT_EQ(::ftruncate(fd->get(), 0), -1);
  EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(FileLock, HasOneHolderAtATime) {
  const test::TempDir dir;
  {
    auto first = FileLock::try_lock(dir / "pid");
    ASSERT_TRUE(first && first->has_value());
    ASSERT_TRUE((*first)->write("123"));
    EXPECT_EQ(*read_file(dir / "pid", 10), "123");
    const auto second = FileLock::try_lock(dir / "pid");
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->has_value());
  }
  const auto third = FileLock::try_lock(dir / "pid");
  EXPECT_TRUE(third && third->has_value());
}

TEST(FileLock, RefusesASymbolicLink) {
  const test::TempDir dir;
  ASSERT_EQ(symlink("/etc/passwd", (dir / "pid").c_str()), 0);
  EXPECT_FALSE(FileLock::try_lock(dir / "pid"));
}

}  // namespace
}  // namespace flame::base

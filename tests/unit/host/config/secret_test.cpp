// Secret: read when it is needed, named without being shown.
#include <flame/config.hpp>

#include <sys/stat.h>

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.hpp"

namespace flame {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Secret, ComesFromTheEnvironment) {
  ::setenv("FLAME_TEST_SECRET", "hush", 1);
  const Secret secret = Secret::from_env("FLAME_TEST_SECRET");
  EXPECT_EQ(secret.reveal().value(), "hush");
  EXPECT_THAT(secret.describe(), Not(HasSubstr("hush")));
  ::unsetenv("FLAME_TEST_SECRET");
  const auto missing = secret.reveal();
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(missing.error().message, HasSubstr("FLAME_TEST_SECRET is not set"));
}

TEST(Secret, ComesFromAFileWithoutItsLastNewline) {
  const test::TempDir dir;
  EXPECT_EQ(Secret::from_file(dir.write("token", "hu\nsh\n")).reveal().value(), "hu\nsh");
  EXPECT_THAT(Secret::from_file(dir / "none").reveal().error().message, HasSubstr(dir / "none"));
}

TEST(Secret, IsNoFileOfAnySize) {
  const test::TempDir dir;
  EXPECT_TRUE(Secret::from_file(dir.write("token", std::string(64 * 1024, 'x'))).reveal());
  EXPECT_FALSE(Secret::from_file(dir.write("disk", std::string(64 * 1024 + 1, 'x'))).reveal());
}

TEST(Secret, IsNoPipeNorDirectory) {
  const test::TempDir dir;
  const std::string fifo = dir / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto blocked = Secret::from_file(fifo).reveal();  // nobody ever writes into it
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(blocked.error().message, HasSubstr(fifo + "\" is no regular file"));
  EXPECT_THAT(Secret::from_file("/dev/null").reveal().error().message, HasSubstr("is no regular file"));
  EXPECT_THAT(Secret::from_file(dir / ".").reveal().error().message, HasSubstr("is no regular file"));
}

TEST(Secret, IsNeverEmpty) {
  const test::TempDir dir;
  EXPECT_FALSE(Secret::from_file(dir.write("token", "\n")).reveal());
  EXPECT_FALSE(Secret::literal("").reveal());
}

TEST(Secret, IsNotShownWhenGivenInTheProgram) {
  const Secret secret = Secret::literal("hush");
  EXPECT_EQ(secret.reveal().value(), "hush");
  EXPECT_THAT(secret.describe(), Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace flame

// SHA-256 against published values, and hashing while copying.
#include "plugin_sdk/base/digest.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <unordered_set>

#include "plugin_sdk/base/file.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::base {
namespace {

constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Digest, MatchesThePublishedValues) {
  EXPECT_EQ(sha256(std::string_view("abc")).hex(), kAbc);
  EXPECT_EQ(sha256(std::string_view()).hex(), kEmpty);
}

TEST(Digest, IsTheSameInPieces) {
  Sha256 hash;
  for (const char c : std::string_view("abc")) hash.update(std::as_bytes(std::span(&c, 1)));
  EXPECT_EQ(hash.finish().hex(), kAbc);
}

TEST(Digest, KnowsWhatIsLowerCaseHexOfTheRightLength) {
  EXPECT_TRUE(Digest::is_hex(sha256(std::string_view("x")).hex()));
  std::string text(64, 'a');
  EXPECT_TRUE(Digest::is_hex(text));
  EXPECT_FALSE(Digest::is_hex(text.substr(1)));
  EXPECT_FALSE(Digest::is_hex(text + "a"));
  for (const char bad : {'A', 'g', '/', '.', '\0', ' '}) {
    text[10] = bad;
    EXPECT_FALSE(Digest::is_hex(text)) << bad;
  }
}

TEST(Digest, CanKeyAHashTable) {
  const std::unordered_set<Digest> set{sha256(std::string_view("a")), sha256(std::string_view("b"))};
  EXPECT_TRUE(set.contains(sha256(std::string_view("a"))));
  EXPECT_FALSE(set.contains(Digest{}));
}

TEST(Digest, HashesExactlyTheBytesItCopies) {
  const test::TempDir dir;
  const std::string contents(700'000, 'q');
  const UniqueFd from(open(dir.write("from", contents).c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd to(open((dir / "to").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const auto digest = hash_while_copying(from.get(), to.get(), 1'000'000);
  ASSERT_TRUE(digest);
  EXPECT_EQ(*digest, sha256(std::string_view(contents)));
  EXPECT_EQ(*read_file(dir / "to", 1'000'000), contents);
}

TEST(Digest, StopsAtTheLimit) {
  const test::TempDir dir;
  const std::string path = dir.write("file", std::string(1001, 'q'));
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(hash_fd(fd.get(), 1000).error().code, ErrorCode::too_large);
  lseek(fd.get(), 0, SEEK_SET);
  EXPECT_TRUE(hash_fd(fd.get(), 1001));
}

TEST(Digest, SaysWhyReadingOrWritingFailed) {
  const UniqueFd directory(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_NE(hash_fd(directory.get(), 10).error().message.find("cannot read"), std::string::npos);
  const UniqueFd source(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  const UniqueFd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_NE(hash_while_copying(source.get(), full.get(), 1 << 20).error().message.find("cannot write"),
            std::string::npos);
}

}  // namespace
}  // namespace flame::base

// Files of keys and signatures: who may read them, what is never overwritten, and what the errors say.
#include "host/src/plugins/key_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "plugin_sdk/base/file.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::pool::key_file_test {
namespace {

using ::testing::HasSubstr;

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mode & 07777;
}

std::string contents_of(const std::string& path) {
  return base::read_file(path, 4096).value();
}

class KeyFile : public ::testing::Test {
 protected:
  void SetUp() override { shown_.emplace(make_key_files(secret_).value()); }

  // Of a file that is no usable secret key.
  std::string secret_problem(const std::string& path) {
    const auto key = read_secret_key(path);
    if (key) return "";
    EXPECT_EQ(key.error().code, ErrorCode::invalid_argument);
    return key.error().message;
  }
  std::string write_private(const std::string& name, const std::string& text) {
    std::string path = dir_.write(name, text);
    ::chmod(path.c_str(), 0600);
    return path;
  }

  test::TempDir dir_;
  std::string secret_ = dir_ / "build";
  std::string public_ = dir_ / "build.pub";
  std::optional<PublicKey> shown_;
};

TEST_F(KeyFile, OfAPairGiveBothKeysBack) {
  EXPECT_EQ(read_public_key(public_).value(), *shown_);
  EXPECT_EQ(read_secret_key(secret_).value().public_key(), *shown_);
}

TEST_F(KeyFile, IsForItsOwnerAloneWhateverTheUmaskIs) {
  EXPECT_EQ(mode_of(secret_), 0600u);
  EXPECT_EQ(mode_of(public_), 0644u);
  const mode_t before = ::umask(0);
  ASSERT_TRUE(make_key_files(dir_ / "open"));
  ::umask(0777);
  ASSERT_TRUE(make_key_files(dir_ / "closed"));
  ::umask(before);
  EXPECT_EQ(mode_of(dir_ / "open"), 0600u);
  EXPECT_EQ(mode_of(dir_ / "closed"), 0600u);
  EXPECT_EQ(mode_of(dir_ / "closed.pub"), 0644u);
}

TEST_F(KeyFile, IsNeverOverwritten) {
  const std::string before = contents_of(secret_);
  const auto again = make_key_files(secret_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(again.error().message, "cannot create \"" + secret_ +
                                       "\": File exists. Keys are never overwritten: name another file, or move this "
                                       "one away");
  EXPECT_EQ(contents_of(secret_), before);
}

TEST_F(KeyFile, OfAPairIsMadeWithTheOtherOrNotAtAll) {
  dir_.write("other.pub", "here before");
  const auto pair = make_key_files(dir_ / "other");
  ASSERT_FALSE(pair);
  EXPECT_THAT(pair.error().message, HasSubstr("other.pub\": File exists"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "other"));
  EXPECT_EQ(contents_of(dir_ / "other.pub"), "here before");
}

TEST_F(KeyFile, DoesNotFollowALinkThatWaitsWhereItIsMade) {
  ASSERT_EQ(::symlink((dir_ / "target").c_str(), (dir_ / "link").c_str()), 0);
  EXPECT_FALSE(make_key_files(dir_ / "link"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "target"));
}

TEST_F(KeyFile, NeedsItsDirectory) {
  const auto pair = make_key_files(dir_ / "no/such/key");
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().code, ErrorCode::not_found);
  EXPECT_THAT(pair.error().message, HasSubstr("no/such/key\": No such file or directory"));
}

TEST_F(KeyFile, ThatOthersMayReadOrWriteIsRefused) {
  for (const mode_t mode : {0640u, 0604u, 0620u, 0602u, 0777u}) {
    ::chmod(secret_.c_str(), mode);
    EXPECT_THAT(secret_problem(secret_), HasSubstr("so others than its owner may use the key: chmod 600 it"));
  }
  EXPECT_THAT(secret_problem(secret_), HasSubstr("\"" + secret_ + "\" has mode 0777"));
  ::chmod(secret_.c_str(), 0400);
  EXPECT_TRUE(read_secret_key(secret_));
}

TEST_F(KeyFile, OfAPublicKeyMayBeWrittenByAFewNotByAll) {
  ::chmod(public_.c_str(), 0664);
  EXPECT_TRUE(read_public_key(public_));
  ::chmod(public_.c_str(), 0646);
  EXPECT_EQ(read_public_key(public_).error().message,
            "\"" + public_ + "\" has mode 0646, so anybody could put a key there: chmod o-w it");
}

TEST_F(KeyFile, SaysWhatIsWrongWithWhatItHolds) {
  const std::string text = contents_of(secret_);
  const std::string cut = write_private("cut", text.substr(0, text.size() / 2));
  EXPECT_EQ(secret_problem(cut),
            "\"" + cut + "\" holds a secret key that is cut off or damaged; take it from where it was made");
  const std::string shown = write_private("shown", contents_of(public_));
  EXPECT_EQ(secret_problem(shown), "\"" + shown + "\" holds a public key, not a secret key");
  EXPECT_EQ(read_public_key(secret_).error().message, "\"" + secret_ + "\" holds a secret key, not a public key");
  const std::string large = write_private("large", std::string(limits::kKeyTextMax + 1, 'x'));
  EXPECT_EQ(secret_problem(large), "\"" + large + "\" is too large to be a secret key of flame");
  EXPECT_EQ(secret_problem(dir_.path()), "\"" + dir_.path() + "\" is no file; name the file itself");
}

TEST_F(KeyFile, ShowsNothingOfASecretThatStandsInTheWrongPlace) {
  const std::string secret = contents_of(secret_);
  const std::string seed = secret.substr(secret.rfind(' ') + 1, 20);
  for (const std::string& text : {secret + "x", "x" + secret, seed}) {
    const std::string path = write_private("wrong", text);
    EXPECT_EQ(secret_problem(path).find(seed), std::string::npos);
    EXPECT_EQ(read_public_key(path).error().message.find(seed), std::string::npos);
  }
}

TEST_F(KeyFile, ThatIsNotThereSaysHowToMakeOne) {
  const auto missing = read_secret_key(dir_ / "nothing");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().message, "cannot open \"" + (dir_ / "nothing") +
                                         "\": No such file or directory. Name a file that is there, or make one with "
                                         "`flame plugin keygen`");
}

TEST_F(KeyFile, OfAPipeDoesNotBlock) {
  const std::string pipe = dir_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(secret_problem(pipe), HasSubstr("is no file"));
}

TEST_F(KeyFile, OrTheTextItselfIsATrustedKey) {
  EXPECT_EQ(trusted_key(public_).value(), *shown_);
  EXPECT_EQ(trusted_key(shown_->text()).value(), *shown_);
  EXPECT_EQ(trusted_key("flame-public-key-v1 0123").error().message,
            "the entry holds a public key that is cut off or damaged; take it from where it was made");
  EXPECT_THAT(trusted_key(dir_ / "nothing.pub").error().message, HasSubstr("nothing.pub"));
}

TEST_F(KeyFile, OfASignatureIsReplacedAndMayBeMissing) {
  const std::string path = signature_file_of(dir_ / "video.so");
  EXPECT_EQ(path, dir_ / "video.so.sig");
  EXPECT_EQ(read_signature(path).value(), std::nullopt);
  ASSERT_TRUE(write_signature(path, "old\n"));
  ASSERT_TRUE(write_signature(path, "new\n"));
  EXPECT_EQ(read_signature(path).value(), "new\n");
  EXPECT_THAT(read_signature(dir_.path()).error().message, HasSubstr("is no file"));
  EXPECT_FALSE(write_signature(dir_ / "no/such/video.so.sig", "x"));
}

TEST_F(KeyFile, LeavesNothingElseBehind) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path()))
    names.push_back(entry.path().filename().string());
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("build", "build.pub"));
}

}  // namespace
}  // namespace flame::pool::key_file_test

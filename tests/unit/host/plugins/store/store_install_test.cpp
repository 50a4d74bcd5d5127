// Installing: what the store takes, what it refuses, and what it says.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "tests/unit/host/plugins/store/store_test.hpp"

namespace flame::store {
namespace store_install_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using StoreInstall = StoreTest;

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777u : 0;
}

TEST_F(StoreInstall, KeepsACopyNamedByItsDigestThatNobodyCanWrite) {
  const std::string file = put({.version = "1.4.0"});
  const auto done = store_.install(file, {.now = 1767225600});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(done->already_there);
  EXPECT_EQ(done->replaced, "");
  EXPECT_EQ(done->plugin.reference(), "video@1.4.0");
  EXPECT_EQ(done->plugin.digest, base::sha256(contents(file)).hex());
  EXPECT_EQ(done->plugin.file, root() / "objects" / (done->plugin.digest + ".so"));
  EXPECT_EQ(done->plugin.source, file);
  EXPECT_EQ(done->plugin.installed, 1767225600);
  EXPECT_EQ(contents(done->plugin.file), contents(file));
  EXPECT_EQ(mode_of(done->plugin.file), 0444u);
  EXPECT_EQ(mode_of(root()), 0700u);
  EXPECT_THAT(files_in("staging"), IsEmpty());
}

TEST_F(StoreInstall, RemembersWhereAFileCameFromWhereverOneStood) {
  const std::string file = put({});
  const auto done = store_.install(std::filesystem::relative(file), {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(std::filesystem::path(done->plugin.source).lexically_normal(), file);
}

TEST_F(StoreInstall, TheSameBytesAgainChangeNothing) {
  const Installed first = install({.version = "1.4.0"});
  const auto again = store_.install(put({.version = "1.4.0"}, "elsewhere.so"), {.now = 2000});
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->already_there);
  EXPECT_EQ(again->plugin.digest, first.digest);
  EXPECT_EQ(again->plugin.source, first.source);
  EXPECT_EQ(again->plugin.installed, 1000);
}

TEST_F(StoreInstall, TheSameBytesAgainRepairAFileThatIsGoneOrHasOthers) {
  const Installed first = install({.version = "1.4.0"});
  std::filesystem::remove(first.file);
  EXPECT_FALSE(store_.list()->plugins.front().present);
  install({.version = "1.4.0"});
  EXPECT_TRUE(store_.list()->plugins.front().present);
  std::filesystem::remove(first.file);
  files_.write("store/objects/" + first.digest + ".so", contents(files_ / "plugin.so").substr(1));
  install({.version = "1.4.0"});
  EXPECT_EQ(contents(first.file), contents(files_ / "plugin.so"));
}

TEST_F(StoreInstall, TheSameVersionWithOtherBytesIsRefusedWithBothDigests) {
  const std::string before = installed("1.4.0");
  const std::string file = put({.version = "1.4.0", .salt = "rebuilt"}, "other.so");
  const Error error = refused(file);
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_EQ(error.message, "video@1.4.0 is in the store already with other bytes: sha256:" + before + " (from \"" +
                               files_ / "plugin.so" + "\"), but \"" + file +
                               "\" has sha256:" + base::sha256(contents(file)).hex() +
                               "; give it another version, or replace that one with --force");
  EXPECT_EQ(store_.find(reference("video@1.4.0"))->digest, before);
  EXPECT_THAT(files_in("staging"), IsEmpty());
}

TEST_F(StoreInstall, ForceReplacesAndWhatIsInUseIsStillFoundByItsDigest) {
  const std::string first = installed("1.4.0");
  const std::string second = installed("1.4.0", "second");
  activate({}, second);
  const auto third = store_.install(put({.version = "1.4.0", .salt = "third"}), {.force = true});
  ASSERT_TRUE(third);
  EXPECT_EQ(third->replaced, second);
  EXPECT_EQ(store_.find(reference("video@1"))->digest, third->plugin.digest);
  EXPECT_TRUE(store_.find(reference("video@sha256:" + second))->replaced);
  EXPECT_EQ(store_.find(reference("video@sha256:" + first)).error().code, ErrorCode::not_found);
}

TEST_F(StoreInstall, BuildMetadataMakesAnotherVersion) {
  installed("1.4.0");
  EXPECT_TRUE(store_.install(put({.version = "1.4.0+asan", .salt = "other"}), {}));
  EXPECT_EQ(versions(), "video@1.4.0 video@1.4.0+asan");
}

TEST_F(StoreInstall, RefusesFilesThatOthersCanChange) {
  const std::string file = put({});
  ASSERT_EQ(::chmod(file.c_str(), 0664), 0);
  EXPECT_EQ(refused(file).message, "cannot install \"" + file +
                                       "\": others than its owner can write to it; make sure that it is what you mean, "
                                       "then: chmod go-w \"" +
                                       file + "\"");
  ASSERT_EQ(::chmod(file.c_str(), 0646), 0);
  EXPECT_EQ(refused(file).code, ErrorCode::invalid_argument);
  ASSERT_EQ(::chmod(file.c_str(), 0755), 0);
  EXPECT_EQ(refused(file).code, ErrorCode::none);
}

TEST_F(StoreInstall, RefusesWhatIsNoFileOfItsOwn) {
  EXPECT_EQ(refused(files_ / "none.so").code, ErrorCode::not_found);
  EXPECT_EQ(refused(files_ / "none.so").message,
            "cannot install \"" + files_ / "none.so" + "\": there is no such file");
  EXPECT_THAT(refused(files_.path()).message, HasSubstr("is no regular file"));
  ASSERT_EQ(::mkfifo((files_ / "pipe.so").c_str(), 0600), 0);
  EXPECT_THAT(refused(files_ / "pipe.so").message, HasSubstr("is no regular file")) << "and it is not waited for";
  std::filesystem::create_symlink(put({}), files_ / "link.so");
  EXPECT_THAT(refused(files_ / "link.so").message, HasSubstr("it is a symbolic link; name the file that it leads to"));
}

TEST_F(StoreInstall, RefusesWhatIsNoPluginOfThisRelease) {
  EXPECT_EQ(refused(files_.write("text.so", "#!/bin/sh\n")).code, ErrorCode::invalid_argument);
  EXPECT_THAT(refused(files_.write("bare.so", pool::elf_without_note())).message, HasSubstr("note"));
  const std::string whole = pool::plugin_file({});
  EXPECT_EQ(refused(files_.write("cut.so", whole.substr(0, whole.size() / 2))).code, ErrorCode::invalid_argument);
  const Error abi = refused(put({.abi = "99.0"}));
  EXPECT_EQ(abi.code, ErrorCode::incompatible);
  EXPECT_THAT(abi.message,
              StartsWith("cannot install \"" + files_ / "plugin.so" + "\": video@1.0.0 has plugin ABI 99.0"));
  EXPECT_EQ(refused(put({.sanitizer = detail::sanitizer_name() == "memory" ? "-" : "memory"})).code,
            ErrorCode::incompatible);
  EXPECT_EQ(versions(), "");
  EXPECT_THAT(files_in("staging"), IsEmpty());
  EXPECT_THAT(files_in("objects"), IsEmpty());
}

TEST_F(StoreInstall, RefusesAFileOverTheLimit) {
  const std::string file = put({});
  ASSERT_EQ(::truncate(file.c_str(), static_cast<off_t>(limits::kPluginBytesMax) + 1), 0);
  const Error error = refused(file);
  EXPECT_EQ(error.code, ErrorCode::too_large);
  EXPECT_EQ(error.message, "cannot install \"" + file + "\": it is larger than 1 GiB");
}

TEST_F(StoreInstall, ComparesWithTheDigestThatIsExpected) {
  const std::string file = put({});
  const std::string own = base::sha256(contents(file)).hex();
  const std::string other(64, '0');
  EXPECT_EQ(refused(file, {.expected_digest = own}).code, ErrorCode::none);
  EXPECT_EQ(refused(file, {.expected_digest = other}).message,
            "cannot install \"" + file + "\": its digest is sha256:" + own + ", not the expected sha256:" + other);
}

TEST_F(StoreInstall, AsksWhoeverVerifiesSignaturesAndKeepsThem) {
  std::vector<std::string> asked;
  InstallOptions options;
  options.verify = [&](const SignedBuild& statement) -> Result<void> {
    asked.push_back(statement.name + " " + statement.version + " " + statement.digest + " " +
                    statement.signature.value_or("none"));
    return {};
  };
  const std::string file = put({.version = "1.4.0"});
  const std::string digest = base::sha256(contents(file)).hex();
  ASSERT_TRUE(store_.install(file, options));
  files_.write("plugin.so.sig", "signature");
  ASSERT_TRUE(store_.install(file, options)) << "a signature may come later";
  std::filesystem::remove(files_ / "plugin.so.sig");
  ASSERT_TRUE(store_.install(file, options)) << "and is kept";
  EXPECT_THAT(asked, ElementsAre("video 1.4.0 " + digest + " none", "video 1.4.0 " + digest + " signature",
                                 "video 1.4.0 " + digest + " signature"));
  EXPECT_EQ(contents(root() / "objects" / (digest + ".sig")), "signature");
}

TEST_F(StoreInstall, TakesNothingThatIsNotVerified) {
  InstallOptions options;
  options.verify = [](const SignedBuild&) -> Result<void> {
    return base::make_error(ErrorCode::invalid_argument, "the signature is wrong");
  };
  EXPECT_EQ(refused(put({}), options).message, "the signature is wrong");
  EXPECT_EQ(versions(), "");
  EXPECT_THAT(files_in("objects"), IsEmpty());
}

TEST_F(StoreInstall, RefusesASignatureThatIsNone) {
  const std::string file = put({});
  files_.write("plugin.so.sig", std::string(limits::kSignatureBytesMax, 's'));
  EXPECT_EQ(refused(file).code, ErrorCode::none);
  files_.write("plugin.so.sig", std::string(limits::kSignatureBytesMax + 1, 's'));
  const Error error = refused(file);
  EXPECT_EQ(error.code, ErrorCode::too_large);
  EXPECT_THAT(error.message, HasSubstr("plugin.so.sig\" is larger than 4 KiB, so it is no signature"));
}

}  // namespace store_install_test
}  // namespace flame::store

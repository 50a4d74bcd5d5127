// The plugin store: the right bytes, in files that nobody else could have written.
#include "runner/plugins/plugin_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::runner {
namespace plugin_store_test {

class PluginStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    image = *base::read_file(FLAME_TEST_PROBE, 64 * limits::MiB);
    digest = base::sha256(image).hex();
    wanted = {.name = "probe", .version = "1.0.0", .digest = digest};
  }
  std::string put(const std::string& name, const std::string& contents) {
    const std::string path = directory.write(name, contents);
    ::chmod(path.c_str(), 0444);
    return path;
  }
  Result<StoredPlugin> find() {
    const std::vector<std::string> directories = {directory / "missing", directory.path()};
    base::HashedFiles none;
    return find_plugin(directories, wanted, none);
  }
  void expect_failure(ErrorCode code, const std::string& words) {
    const auto found = find();
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().code, code) << found.error().message;
    EXPECT_NE(found.error().message.find(words), std::string::npos) << found.error().message;
  }

  test::TempDir directory;
  std::string image;
  std::string digest;
  wire::PluginRef wanted;
};

TEST_F(PluginStoreTest, FindsAFileByItsDigest) {
  put(digest + ".so", image);
  const auto found = find();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ(found->path, std::filesystem::canonical(directory.path()).string() + "/" + digest + ".so");
  EXPECT_FALSE(found->manifest->find("probe::echo").empty());
}

TEST_F(PluginStoreTest, FindsAFileByItsNote) {
  put("any-name.so", image);
  put("not-a-plugin.so", "text");
  EXPECT_TRUE(find().has_value());
}

TEST_F(PluginStoreTest, RefusesOtherBytesUnderTheRightName) {
  put(digest + ".so", image + "x");
  expect_failure(ErrorCode::not_found, "has digest");
}

TEST_F(PluginStoreTest, RefusesAFileLargerThanAPlugin) {
  const std::string path = put(digest + ".so", image);
  std::filesystem::resize_file(path, limits::kPluginBytesMax + 1);  // sparse: it takes no space
  expect_failure(ErrorCode::too_large, path);
}

TEST_F(PluginStoreTest, RefusesAFileThatOthersMayWrite) {
  ::chmod(put(digest + ".so", image).c_str(), 0664);
  expect_failure(ErrorCode::not_found, "writable by others");
}

TEST_F(PluginStoreTest, RefusesADirectoryThatOthersMayWrite) {
  put(digest + ".so", image);
  ::chmod(directory.path().c_str(), 0777);
  expect_failure(ErrorCode::not_found, "which others may write to");
}

TEST_F(PluginStoreTest, RefusesASymbolicLink) {
  const test::TempDir elsewhere;
  const std::string target = elsewhere.write("probe.so", image);
  ASSERT_EQ(::symlink(target.c_str(), (directory / (digest + ".so")).c_str()), 0);
  expect_failure(ErrorCode::not_found, "symbolic links");
}

TEST_F(PluginStoreTest, RefusesADigestThatIsAPath) {
  wanted.digest = "../../../../etc/passwd";
  expect_failure(ErrorCode::invalid_argument, "no SHA-256 digest");
}

TEST_F(PluginStoreTest, RefusesAnotherNameUnderTheSameDigest) {
  put(digest + ".so", image);
  wanted.version = "1.0.1";
  expect_failure(ErrorCode::invalid_argument, "not probe@1.0.1");
}

TEST_F(PluginStoreTest, RefusesAPluginForACpuThatThisMachineHasNot) {
  const std::size_t at = image.find("cpu = \"x86-64");
  ASSERT_NE(at, std::string::npos);
  image.replace(at, 13, "cpu = \"x86-99");
  digest = wanted.digest = base::sha256(image).hex();
  put(digest + ".so", image);
  expect_failure(ErrorCode::incompatible, "probe@1.0.0 was compiled for x86-99");
}

TEST_F(PluginStoreTest, SaysWhereItLooked) {
  expect_failure(ErrorCode::not_found, directory.path());
}

}  // namespace plugin_store_test
}  // namespace flame::runner

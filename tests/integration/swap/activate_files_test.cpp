// Plugin files and stores that are not as they should be when a version is activated: what serves goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/base/file.hpp"
#include "tests/integration/swap/swap_test.hpp"
#include "tests/unit/host/plugins/plugin_file.hpp"

namespace flame::test::activate_files_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ActivateFiles : public SwapTest {
 protected:
  /// Cannot be activated; `serving` serves before and after.
  static Error fails(Host& host, const std::string& reference, const std::string& serving = "1.0.0") {
    EXPECT_EQ(host.pool("work").call<swap::version>(), serving);
    const Error error = error_of([&] { return host.activate(reference); });
    EXPECT_NE(error.code, ErrorCode::none) << reference;
    EXPECT_EQ(host.pool("work").call<swap::version>(), serving);
    return error;
  }
};

// --- the file

TEST_F(ActivateFiles, OneThatIsCutOff) {
  add("1.0.0");
  add("1.1.0");
  const std::string file = versions_ / "swap-1.1.0.so";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  Host host(config());
  const Error error = fails(host, "swap@1.1.0");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, AllOf(HasSubstr(file), HasSubstr("cut off")));
}

TEST_F(ActivateFiles, OneOfAnotherAbi) {
  add("1.0.0");
  Host host(config());
  const std::string file =
      versions_.write("swap-1.1.0.so", pool::plugin_file({.name = "swap", .version = "1.1.0", .abi = "99.0"}));
  const Error error = fails(host, "swap@1.1.0");
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_THAT(error.message, AllOf(HasSubstr(file), HasSubstr("99.0"), HasSubstr("rebuild the plugin")));
}

TEST_F(ActivateFiles, OneOfAnotherSanitizer) {
  add("1.0.0");
  Host host(config());
  const std::string other = detail::sanitizer_name() == "memory" ? "-" : "memory";
  const std::string file =
      versions_.write("swap-1.1.0.so", pool::plugin_file({.name = "swap", .version = "1.1.0", .sanitizer = other}));
  const Error error = fails(host, "swap@1.1.0");
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_THAT(error.message, AllOf(HasSubstr(file), HasSubstr(other)));
}

TEST_F(ActivateFiles, OneForACpuThatThisMachineHasNot) {
  add("1.0.0");
  Host host(config());
  std::string bytes = base::read_file(built("1.1.0"), 1 << 30).value();
  const std::string asks_for = "cpu = \"x86-64\"";
  const std::size_t at = bytes.find(asks_for);
  ASSERT_NE(at, std::string::npos);
  static_cast<void>(versions_.write("swap-1.1.0.so", bytes.replace(at, asks_for.size(), "cpu = \"x86-99\"")));
  const Error error = fails(host, "swap@1.1.0");
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_THAT(error.message, AllOf(HasSubstr("swap"), HasSubstr("was compiled for x86-99")));
}

TEST_F(ActivateFiles, AFileOfTheStoreThatWasChanged) {
  install("1.0.0");
  Host host(config());
  const std::string file = install("1.1.0").file.string();
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  std::ofstream(file, std::ios::binary | std::ios::app) << "more";
  const Error error = fails(host, "swap@1.1.0");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, AllOf(HasSubstr(file), HasSubstr("install the plugin again")));
}

// --- the store

// What this process mounts nobody else sees.
class ActivateOnDisk : public ActivateFiles {
 protected:
  void SetUp() override {
    ActivateFiles::SetUp();
    const int own = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
    ASSERT_EQ(::unshare(own), 0) << "this user may mount nothing, not even for itself: " << std::strerror(errno);
    ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0) << std::strerror(errno);
    ASSERT_EQ(::mkdir(store_.c_str(), 0700), 0);
    ASSERT_EQ(::mount("tmpfs", store_.c_str(), "tmpfs", 0, "size=64m,mode=0700"), 0) << std::strerror(errno);
    install("1.0.0");
    install("1.1.0");
  }
  void TearDown() override {
    while (::umount2(store_.c_str(), MNT_DETACH) == 0) continue;
    ActivateFiles::TearDown();
  }
};

TEST_F(ActivateOnDisk, AStoreOnAFullDisk) {
  Host host(config());
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.1.0");
  {
    std::ofstream fill(store_ + "/fill", std::ios::binary);
    const std::string piece(1 << 20, 'x');
    while (fill.write(piece.data(), static_cast<std::streamsize>(piece.size())).flush()) continue;
  }
  const Error error = fails(host, "swap@1.0.0", "1.1.0");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, AllOf(HasSubstr(store_), HasSubstr("No space left"), HasSubstr("flame plugin gc")));
  std::filesystem::remove(store_ + "/fill");
  host.activate("swap@1.0.0");
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
}

TEST_F(ActivateOnDisk, AStoreThatIsReadOnly) {
  Host host(config());
  const char* const store = store_.c_str();  // a mount of its own: the host has its file open in the other one
  ASSERT_EQ(::mount(store, store, nullptr, MS_BIND, nullptr), 0) << std::strerror(errno);
  ASSERT_EQ(::mount(nullptr, store, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), 0) << std::strerror(errno);
  const Error error = fails(host, "swap@1.0.0", "1.1.0");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr(store_), HasSubstr("Read-only file system"), HasSubstr("[plugins] store")));
}

TEST_F(ActivateFiles, AStoreOfAnotherUser) {
  install("1.0.0");
  install("1.1.0");
  Host host(config());
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.1.0");
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(store_.c_str(), 65534, 65534), 0);
  } else {
    std::filesystem::rename(store_, data_ / "ours");
    std::filesystem::create_directory_symlink("/usr", store_);
  }
  const Error error = fails(host, "swap@1.0.0", "1.1.0");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, AllOf(HasSubstr(store_), HasSubstr("belongs to another user (uid ")));
}

}  // namespace
}  // namespace flame::test::activate_files_test

// ControlSocket: whom it gives way to, whom it replaces, what it leaves.
#include "host/src/control/socket.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::control {
namespace socket_test {

using testing::HasSubstr;

class ControlSocketTest : public testing::Test {
 protected:
  [[nodiscard]] static Error refusal(const std::string& path) {
    const auto socket = ControlSocket::open(path);
    return socket ? Error{} : socket.error();
  }

  test::TempDir directory_;
  std::string path_ = directory_ / "control.sock";
};

TEST_F(ControlSocketTest, OnlyItsOwnerMayConnectAndItGoesWhenItEnds) {
  {
    const auto socket = ControlSocket::open(path_);
    ASSERT_TRUE(socket.has_value()) << socket.error().message;
    struct stat info {};
    ASSERT_EQ(::lstat(path_.c_str(), &info), 0);
    EXPECT_TRUE(S_ISSOCK(info.st_mode));
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    EXPECT_EQ(::fcntl(socket->fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ControlSocketTest, LetsABoundedNumberOfClientsWait) {
  const auto socket = ControlSocket::open(path_);
  ASSERT_TRUE(socket.has_value()) << socket.error().message;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  std::vector<base::UniqueFd> waiting;
  for (bool connected = true; connected && waiting.size() < 10 * limits::kControlBacklog;) {
    base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    connected = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (connected) waiting.push_back(std::move(fd));
  }
  EXPECT_EQ(waiting.size(), limits::kControlBacklog + 1U) << "Linux lets one more wait than it is told";
}

TEST_F(ControlSocketTest, GivesWayToALivingHost) {
  const auto first = ControlSocket::open(path_);
  ASSERT_TRUE(first.has_value());
  const Error error = refusal(path_);
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, HasSubstr("a running program listens there"));
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ControlSocketTest, ReplacesWhatAKilledHostHasLeft) {
  {
    auto killed = ControlSocket::open(path_);
    ASSERT_TRUE(killed.has_value());
    std::filesystem::create_hard_link(path_, directory_ / "kept");
  }
  std::filesystem::rename(directory_ / "kept", path_);
  const auto next = ControlSocket::open(path_);
  EXPECT_TRUE(next.has_value()) << next.error().message;
}

TEST_F(ControlSocketTest, NeverRemovesAnythingThatIsNoSocket) {
  std::ofstream(path_) << "precious";
  EXPECT_THAT(refusal(path_).message, HasSubstr("something that is no socket is there"));
  EXPECT_TRUE(std::filesystem::is_regular_file(path_));
  const std::string link = directory_ / "link";
  std::filesystem::create_symlink("/nonexistent", link);
  EXPECT_EQ(refusal(link).code, ErrorCode::invalid_argument);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
}

TEST_F(ControlSocketTest, LeavesASocketThatAnotherHasPutInItsPlace) {
  auto first = std::make_optional(ControlSocket::open(path_));
  ASSERT_TRUE(first->has_value());
  std::filesystem::rename(path_, directory_ / "moved");
  const auto second = ControlSocket::open(path_);
  ASSERT_TRUE(second.has_value());
  first.reset();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ControlSocketTest, SaysWhyAPathIsImpossible) {
  EXPECT_THAT(refusal(directory_ / std::string(200, 'x')).message, HasSubstr("1 to 107 bytes"));
  EXPECT_THAT(refusal(directory_ / "missing/control.sock").message, HasSubstr("No such file or directory"));
}

TEST_F(ControlSocketTest, DoesNotWaitForEverForADirectoryThatSomebodyHolds) {
  const base::UniqueFd held(::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  EXPECT_THAT(refusal(path_).message, HasSubstr("busy"));
}

}  // namespace socket_test
}  // namespace flame::control

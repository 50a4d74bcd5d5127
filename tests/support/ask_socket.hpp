// One question to a unix socket: a line there, everything back.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::test {

/// "" when nobody listens or answers.
[[nodiscard]] inline std::string ask_socket(const std::string& path, const std::string& line) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
  static_cast<void>(::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL));
  std::string text;
  std::array<char, 65536> chunk;
  for (ssize_t got = 1; got > 0; text.append(chunk.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)))) {
    got = ::recv(fd.get(), chunk.data(), chunk.size(), 0);
  }
  return text;
}

}  // namespace flame::test

// IPv4 addresses of this machine for tests that need a socket of their own.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace flame::test {

[[nodiscard]] inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Binds the socket to a port that is free and returns that. Throws std::system_error.
[[nodiscard]] inline std::uint16_t bind_loopback(int fd) {
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, raw, size) != 0 || ::getsockname(fd, raw, &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "a socket on the loopback address");
  }
  return ntohs(address.sin_port);
}

}  // namespace flame::test

// SEQPACKET datagrams: pairs, send, receive, fds to a trusted peer. recv and send only (never read and write): when a
// task replaces the fd by a file of its own, they fail instead of writing into that file.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "plugin_sdk/base/unique_fd.hpp"
#include "runner/protocol/protocol.hpp"

namespace flame::slot {

using base::UniqueFd;

/// Both ends CLOEXEC and blocking, with room for two of the largest datagrams. False: errno.
[[nodiscard]] bool make_channel(UniqueFd& ours, UniqueFd& theirs);

enum class Sent { yes, would_block, lost };

/// `flags`: 0 or MSG_DONTWAIT. Never raises SIGPIPE; retries EINTR.
[[nodiscard]] Sent send_datagram(int fd, std::span<const std::byte> datagram, int flags);
[[nodiscard]] Sent send_with_fds(int fd, std::span<const std::byte> datagram, std::span<const int> fds);

/// Bytes received, 0 at the end, -1 with errno. All that the peer has sent comes before its end. A datagram larger than
/// `buffer` counts as the end. No fd is accepted.
[[nodiscard]] ssize_t receive_datagram(int fd, std::span<std::byte> buffer, int flags);
/// Also the sender's pid from the kernel (needs pass_credentials), 0 if there was none.
[[nodiscard]] ssize_t receive_with_sender(int fd, std::span<std::byte> buffer, int flags, pid_t& sender);
/// Also the fds that came along (CLOEXEC). For the zygote: its peer, the supervisor, is trusted.
[[nodiscard]] ssize_t receive_with_fds(int fd, std::span<std::byte> buffer, std::vector<UniqueFd>& fds);

void pass_credentials(int fd, bool on);

template <typename T>
[[nodiscard]] std::span<const std::byte> as_datagram(const T& message) {
  return std::as_bytes(std::span<const T, 1>(&message, 1));
}

template <typename T>
[[nodiscard]] T make_message(Kind kind, std::size_t size = sizeof(T)) {
  T message{};
  message.header = Header{kind, static_cast<std::uint32_t>(size)};
  return message;
}

/// The fixed part of a datagram; false if it is shorter than that or its size field lies.
template <typename T>
[[nodiscard]] bool read_message(std::span<const std::byte> datagram, T& message) {
  if (datagram.size() < sizeof(T)) return false;
  std::memcpy(&message, datagram.data(), sizeof(T));
  return message.header.size == datagram.size();
}

}  // namespace flame::slot

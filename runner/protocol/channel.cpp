// SEQPACKET datagrams over unix socket pairs.
#include "runner/protocol/channel.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "plugin_sdk/base/assert.hpp"

namespace flame::slot {
namespace {

constexpr std::size_t kFdsMax = 253;  // SCM_MAX_FD

// ECONNRESET tells once that the peer ended with datagrams unread. What it had sent before is still to be had.
bool is_passing(int error) {
  return error == EINTR || error == ECONNRESET;
}

ssize_t receive_message(int fd, std::span<std::byte> buffer, int flags, msghdr& message) {
  iovec piece{buffer.data(), buffer.size()};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  ssize_t size = 0;
  do size = ::recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
  while (size < 0 && is_passing(errno));
  return size > 0 && (message.msg_flags & MSG_TRUNC) != 0 ? 0 : size;
}

}  // namespace

bool make_channel(UniqueFd& ours, UniqueFd& theirs) {
  int pair[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return false;
  ours.reset(pair[0]);
  theirs.reset(pair[1]);
  const int room = static_cast<int>(2 * kDatagramMax);  // the system's ceiling may cut it; one datagram fits anyway
  for (const int fd : pair) static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)));
  return true;
}

Sent send_datagram(int fd, std::span<const std::byte> datagram, int flags) {
  for (;;) {
    if (::send(fd, datagram.data(), datagram.size(), flags | MSG_NOSIGNAL) >= 0) return Sent::yes;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ? Sent::would_block : Sent::lost;
  }
}

Sent send_with_fds(int fd, std::span<const std::byte> datagram, std::span<const int> fds) {
  FLAME_ASSERT(!fds.empty() && fds.size() <= kFdsMax, "the caller splits longer lists");
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kFdsMax * sizeof(int))> control{};
  iovec piece{const_cast<std::byte*>(datagram.data()), datagram.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  for (;;) {
    if (::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Sent::yes;
    if (errno == EINTR) continue;
    // The rest is a lack of something (descriptors in flight, memory) that may come back.
    return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ? Sent::lost : Sent::would_block;
  }
}

ssize_t receive_datagram(int fd, std::span<std::byte> buffer, int flags) {
  ssize_t size = 0;
  do size = ::recv(fd, buffer.data(), buffer.size(), flags | MSG_TRUNC);
  while (size < 0 && is_passing(errno));
  return size > static_cast<ssize_t>(buffer.size()) ? 0 : size;
}

ssize_t receive_with_sender(int fd, std::span<std::byte> buffer, int flags, pid_t& sender) {
  // Room for the credentials and not a byte more: fds that a slot attaches are dropped by the kernel.
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(ucred))> control{};
  msghdr message{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = receive_message(fd, buffer, flags, message);
  sender = 0;
  if (size < 0) return size;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(part), sizeof(credentials));
    sender = credentials.pid;
  }
  return size;
}

ssize_t receive_with_fds(int fd, std::span<std::byte> buffer, std::vector<UniqueFd>& fds) {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kFdsMax * sizeof(int))> control{};
  msghdr message{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = receive_message(fd, buffer, 0, message);
  if (size < 0) return size;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, kFdsMax> received{};
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(received.data(), CMSG_DATA(part), count * sizeof(int));
    for (std::size_t i = 0; i < count; ++i) fds.emplace_back(received[i]);
  }
  return size;
}

void pass_credentials(int fd, bool on) {
  const int value = on ? 1 : 0;
  const int result = ::setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &value, sizeof(value));
  FLAME_ASSERT(result == 0, "a socket of ours takes SO_PASSCRED");
}

}  // namespace flame::slot

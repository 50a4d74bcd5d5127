// What strangers and hostile peers may cost on a TCP port: connections that say nothing, messages that never end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Watches the connections of one ROUTER by the descriptors that libzmq names. Loop thread. No call blocks, and none
/// touches a descriptor that libzmq has closed meanwhile: it is told by its cookie.
///
/// Strangers: above limits::kStrangersMax connections whose peer has not said hello, the kernel drops what dials the
/// port until half of them are gone. Nothing is accepted then, so neither descriptors nor CPU are used; connections
/// that exist are not affected, and the port stays this host's.
///
/// Unfinished messages: libzmq keeps all parts of a message until its last one, without a limit. A connection that has
/// brought more than limits::kUnfinishedMax since its last whole message is cut; a stranger's after
/// limits::kUnfinishedHelloMax, for one key may open many.
class TcpGuard {
 public:
  void listens(int fd) { listeners_.push_back(fd); }
  void accepted(int fd);
  void closed(int fd);
  /// Its peer is known: a stranger no more.
  void introduced(int fd);
  /// A whole message has come from it.
  void spoke(int fd);

  /// Cuts what is due; returns how many connections that were. Call at next_check().
  unsigned check(Instant now);
  /// kNever when there is no connection.
  [[nodiscard]] Instant next_check() const noexcept { return connections_.empty() ? kNever : next_check_; }

  [[nodiscard]] std::size_t strangers() const noexcept { return strangers_; }
  [[nodiscard]] bool is_shut() const noexcept { return shut_; }

 private:
  struct Connection {
    std::uint64_t cookie = 0;   // of the socket behind the number
    std::uint64_t counted = 0;  // bytes that had come when it was last seen to have spoken
    bool stranger = true;
    bool spoke = false;  // since the last check
  };

  void count_stranger(int change);
  void shut(bool on);

  std::vector<int> listeners_;
  std::unordered_map<int, Connection> connections_;
  std::size_t strangers_ = 0;
  bool shut_ = false;
  Instant next_check_{};
};

}  // namespace flame::pool

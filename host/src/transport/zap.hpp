// Decides which CURVE keys may connect (ZeroMQ's ZAP, RFC 27): the allow-list of runner keys.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

namespace zmq {
class context_t;
}

namespace flame::pool {

/// Owned and used by the loop thread only. Must be constructed before the first bind in its context: libzmq lets
/// everybody in while nobody answers on inproc://zeromq.zap.01.
class ZapHandler {
 public:
  explicit ZapHandler(zmq::context_t& context);
  ~ZapHandler();
  ZapHandler(const ZapHandler&) = delete;
  ZapHandler& operator=(const ZapHandler&) = delete;

  /// From now on the holder of this key (Z85) gets in as `user`. A key belongs to one user.
  void allow(const std::string& public_key, const std::string& user);
  /// New connections with this key are refused.
  void revoke(const std::string& public_key);

  /// Readable when serve() has something to do (edge-triggered).
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// Answers every waiting request; returns how many were refused.
  unsigned serve();

 private:
  struct Socket;
  std::unique_ptr<Socket> socket_;
  int fd_ = -1;
  std::unordered_map<std::string, std::string> users_;  // raw 32-byte key → user
};

}  // namespace flame::pool

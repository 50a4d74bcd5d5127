// A TCP proxy on loopback that can stop forwarding, as a broken network does: nothing is closed, nothing arrives.
#pragma once

#include <poll.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "plugin_sdk/base/event_fd.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::test {

/// One thread; all functions: any thread. What came during a cut is forwarded when it heals, as TCP would.
class TcpProxy {
 public:
  TcpProxy();
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  /// An endpoint "tcp://127.0.0.1:PORT" that leads to `target`, which has the same form.
  [[nodiscard]] std::string forward(const std::string& target);
  /// Stops forwarding towards the targets (`up`), from them (`down`), or both. New connections stay unanswered.
  void cut(bool up = true, bool down = true);
  void heal() { cut(false, false); }
  /// Ends every connection, with a reset.
  void reset_all();

 private:
  struct Listener {
    base::UniqueFd fd;
    std::uint16_t target = 0;
  };
  struct Pipe {
    base::UniqueFd client;
    base::UniqueFd server;
    std::string to_server;  // read, not yet written
    std::string to_client;
  };

  void run();
  std::vector<pollfd> step();
  void accept(const Listener& listener);
  static bool pump(Pipe& pipe, bool up, bool down);
  void drop_pipes();

  base::EventFd wake_;
  std::mutex mutex_;  // guards the lists
  std::vector<Listener> listeners_;
  std::vector<std::unique_ptr<Pipe>> pipes_;
  std::atomic<bool> cut_up_ = false;
  std::atomic<bool> cut_down_ = false;
  std::atomic<bool> reset_ = false;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace flame::test

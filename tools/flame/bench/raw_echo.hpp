// The yardstick: a bare libzmq ROUTER here and a DEALER in another process that sends back what it gets.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tools/flame/bench/measure.hpp"

namespace flame::bench {

enum class Wire { ipc, tcp_curve };

/// Starts its peer process; ends it when destroyed. For one thread.
class RawEcho {
 public:
  /// Throws std::runtime_error when the peer does not come up.
  explicit RawEcho(Wire wire);
  ~RawEcho();
  RawEcho(const RawEcho&) = delete;
  RawEcho& operator=(const RawEcho&) = delete;

  /// Round trips of `bytes`, one after the other; seconds each.
  [[nodiscard]] std::vector<double> latencies(std::size_t bytes, Clock::duration time);
  /// Round trips per second with `in_flight` messages of `bytes` under way.
  [[nodiscard]] double rate(std::size_t bytes, int in_flight, Clock::duration time);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The peer's main(): echoes until its parent closes standard input. `server_key`: the server's CURVE key, or empty for
/// ipc.
int run_echo_peer(const std::string& endpoint, const std::string& server_key);

}  // namespace flame::bench

// The other yardstick: what this machine itself takes for a call into another process and back.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "plugin_sdk/base/unique_fd.hpp"
#include "tools/flame/bench/measure.hpp"

namespace flame::bench {

/// Where both ends run. Left alone, the scheduler chooses, and an echo has two prices that differ by half.
enum class Placement { one_cpu, two_cpus };

/// A pair of SEQPACKET sockets with a process at the other end that sends back what it gets; both sides block.
/// Ends that process when destroyed. For one thread.
class SeqpacketEcho {
 public:
  /// Throws std::runtime_error, also where two CPUs are meant and this process may use only one.
  explicit SeqpacketEcho(Placement placement);
  ~SeqpacketEcho();
  SeqpacketEcho(const SeqpacketEcho&) = delete;
  SeqpacketEcho& operator=(const SeqpacketEcho&) = delete;

  /// Round trips of `bytes`, one after the other; seconds each. The calling thread is pinned meanwhile.
  [[nodiscard]] std::vector<double> latencies(std::size_t bytes, Clock::duration time);

 private:
  base::UniqueFd socket_;
  pid_t peer_ = -1;
  int cpu_ = 0;  // of this side
};

/// The peer's main(): pinned to `cpu`, echoes on standard input until the other side is gone.
int run_seqpacket_peer(const std::string& cpu);

}  // namespace flame::bench

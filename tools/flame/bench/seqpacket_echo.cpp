// SEQPACKET echo.
#include "tools/flame/bench/seqpacket_echo.hpp"

#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "plugin_sdk/base/spawn.hpp"

namespace flame::bench {
namespace {

constexpr std::size_t kMessageMax = 64 * 1024;

cpu_set_t allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) throw std::runtime_error("cannot tell which CPUs may be used");
  return set;
}

std::vector<int> numbers_of(const cpu_set_t& set) {
  std::vector<int> numbers;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) numbers.push_back(cpu);
  }
  return numbers;
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) throw std::runtime_error("cannot pin a thread to a CPU");
}

// The calling thread is on one CPU while this lives.
class Pinned {
 public:
  explicit Pinned(int cpu) : before_(allowed_cpus()) { pin_to(cpu); }
  ~Pinned() { ::sched_setaffinity(0, sizeof before_, &before_); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_;
};

}  // namespace

SeqpacketEcho::SeqpacketEcho(Placement placement) {
  const auto cpus = numbers_of(allowed_cpus());
  if (placement == Placement::two_cpus && cpus.size() < 2) throw std::runtime_error("only one CPU may be used");
  cpu_ = cpus.front();
  const int other = placement == Placement::one_cpu ? cpu_ : cpus[1];
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::runtime_error("cannot make a pair of sockets");
  }
  socket_.reset(ends[0]);
  const base::UniqueFd theirs(ends[1]);
  auto spawned = base::spawn({.path = "/proc/self/exe",
                              .argv = {"flame", "bench", "--seqpacket-peer", std::to_string(other)},
                              .env = {},
                              .fds = {{theirs.get(), STDIN_FILENO}}});
  if (!spawned) throw std::runtime_error("cannot start the echo process: " + spawned.error().message());
  peer_ = spawned->pid;
}

SeqpacketEcho::~SeqpacketEcho() {
  socket_.reset();
  if (peer_ > 0) ::waitpid(peer_, nullptr, 0);
}

std::vector<double> SeqpacketEcho::latencies(std::size_t bytes, Clock::duration time) {
  const Pinned pinned(cpu_);
  std::vector<char> message(bytes, 'x');
  std::vector<double> samples;
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
    const auto begin = Clock::now();
    const bool sent = ::send(socket_.get(), message.data(), bytes, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes);
    if (!sent || ::recv(socket_.get(), message.data(), bytes, 0) != static_cast<ssize_t>(bytes)) {
      throw std::runtime_error("the echo process is gone");
    }
    samples.push_back(seconds_since(begin));
  }
  return samples;
}

int run_seqpacket_peer(const std::string& cpu) {
  pin_to(std::stoi(cpu));
  std::vector<char> message(kMessageMax);
  while (true) {
    const auto got = ::recv(STDIN_FILENO, message.data(), message.size(), 0);
    if (got <= 0) return 0;
    if (::send(STDIN_FILENO, message.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) < 0) return 0;
  }
}

}  // namespace flame::bench

// Kills and stops processes of runners at random.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace flame::soak {

/// One thread, from the constructor to stop(). Spares one runner, known by its guardian.
class Chaos {
 public:
  Chaos(pid_t spared_guardian, std::uint32_t seed);
  ~Chaos() { stop(); }
  Chaos(const Chaos&) = delete;
  Chaos& operator=(const Chaos&) = delete;

  void stop();
  [[nodiscard]] std::string summary() const;

 private:
  struct Stop {
    pid_t supervisor = 0;
    std::chrono::steady_clock::time_point until;
  };
  void run(std::uint32_t seed);
  void let_go(std::chrono::steady_clock::time_point now);
  void strike(std::uint32_t dice);

  pid_t spared_;
  // By guardian: supervisors that stand still. With its guardian killed one would for ever.
  std::map<pid_t, Stop> stopped_;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> done_;
  std::thread thread_;
};

}  // namespace flame::soak

// Kills and stops processes of runners at random.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
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
  void run(std::uint32_t seed);
  void strike(std::uint32_t dice);

  pid_t spared_;
  std::set<pid_t> stopped_;  // guardians whose supervisor stands still: with its guardian killed it would for ever
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> done_;
  std::thread thread_;
};

}  // namespace flame::soak

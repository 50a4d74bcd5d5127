// Reads /proc.
#include "tests/soak/census.hpp"

#include <malloc.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "tests/support/leftovers.hpp"

namespace flame::soak {

std::size_t descriptors_of(pid_t pid) {
  std::size_t count = 0;
  std::error_code gone;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
    ++count;
  }
  return count;
}

std::uint64_t memory_of(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  statm >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

Census Census::take(pid_t supervisor) {
  ::malloc_trim(0);  // what the allocator keeps of freed memory is no leak
  return {.descriptors = descriptors_of(::getpid()),
          .memory = memory_of(::getpid()),
          .runner_descriptors = descriptors_of(supervisor),
          .runner_memory = memory_of(supervisor),
          .runner_processes = test::descendants(supervisor).size()};
}

std::string Census::to_string() const {
  return "host " + std::to_string(descriptors) + " descriptors, " + std::to_string(memory >> 20) + " MiB; runner " +
         std::to_string(runner_descriptors) + " descriptors, " + std::to_string(runner_memory >> 20) + " MiB, " +
         std::to_string(runner_processes) + " processes";
}

}  // namespace flame::soak

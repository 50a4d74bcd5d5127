// See facts.hpp.
#include "runner/os/facts.hpp"

#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runner/os/version.hpp"

namespace flame::runner {

std::vector<wire::KeyValue> machine_facts() {
  utsname system{};
  ::uname(&system);
  struct sysinfo memory {};
  ::sysinfo(&memory);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  const bool counted = ::sched_getaffinity(0, sizeof cpus, &cpus) == 0;
  return {
      {.key = "hostname", .value = system.nodename},
      {.key = "cpus", .value = std::to_string(counted ? CPU_COUNT(&cpus) : ::sysconf(_SC_NPROCESSORS_ONLN))},
      {.key = "memory", .value = std::to_string(static_cast<unsigned long long>(memory.totalram) * memory.mem_unit)},
      {.key = "kernel", .value = system.release},
      {.key = "flame", .value = kVersion},
      {.key = "pid", .value = std::to_string(::getppid())}};
}

}  // namespace flame::runner

// See facts.hpp.
#include "runner/os/facts.hpp"

#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runner/os/version.hpp"

namespace flame::runner {

std::vector<std::pair<std::string, std::string>> machine_facts() {
  utsname system{};
  ::uname(&system);
  struct sysinfo memory {};
  ::sysinfo(&memory);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  const bool counted = ::sched_getaffinity(0, sizeof cpus, &cpus) == 0;
  return {{"hostname", system.nodename},
          {"cpus", std::to_string(counted ? CPU_COUNT(&cpus) : ::sysconf(_SC_NPROCESSORS_ONLN))},
          {"memory", std::to_string(static_cast<unsigned long long>(memory.totalram) * memory.mem_unit)},
          {"kernel", system.release},
          {"flame", kVersion},
          {"pid", std::to_string(::getppid())}};
}

}  // namespace flame::runner

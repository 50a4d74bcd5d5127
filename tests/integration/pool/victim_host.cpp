// A host program that a test kills: victim_host CONFIG DIRECTORY linked|unlinked. Starts three calls of pool_tasks
// whose files are DIRECTORY/hold, /wait and /deaf, prints "ready" when all run, and waits for its end.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

#include <flame/host.hpp>

#include "pool_tasks.hpp"
#include "tests/support/eventually.hpp"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string directory = argv[2];
  const flame::Host host = flame::Host::from_file(argv[1]);
  const auto pool =
      host.pool("work").with({.timeout = std::chrono::seconds(60), .link = std::string_view(argv[3]) == "linked"});
  const auto hold = pool.async<pool_tasks::hold>(directory + "/hold");
  const auto wait = pool.async<pool_tasks::wait>(directory + "/wait");
  const auto deaf = pool.async<pool_tasks::hold>(directory + "/deaf");
  for (const char* name : {"/hold", "/wait", "/deaf"}) {
    const std::string begun = directory + name + ".begun";
    if (!flame::test::eventually([&] { return ::access(begun.c_str(), F_OK) == 0; })) return 3;
  }
  std::puts("ready");
  std::fflush(stdout);
  while (true) ::pause();
}

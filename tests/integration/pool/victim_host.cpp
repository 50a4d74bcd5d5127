// A host program that a test kills: victim_host CONFIG DIRECTORY linked|unlinked [alone]. Starts three calls of
// pool_tasks whose files are DIRECTORY/hold, /wait and /deaf, prints "ready" when all run, and waits for its end. With
// "alone" it is one call, DIRECTORY/alone, which is made again whenever its runner dies.
#include <unistd.h>

#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <flame/host.hpp>

#include "pool_tasks.hpp"
#include "tests/support/eventually.hpp"

namespace {

using namespace std::chrono_literals;

// Short, because tests wait for the end of each.
flame::Host quick_host(const std::string& file) {
  flame::HostConfig config = flame::load_config(file).value();
  config.liveness = {.beat = 200ms, .host_silence = 2s, .runner_silence = 3s, .failsafe = 2s};
  return flame::Host(std::move(config));
}

int wait_for_the_end(const std::string& directory, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const std::string begun = directory + name + ".begun";
    if (!flame::test::eventually([&] { return ::access(begun.c_str(), F_OK) == 0; })) return 3;
  }
  std::puts("ready");
  std::fflush(stdout);
  while (true) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) return 2;
  const std::string directory = argv[2];
  const bool alone = argc == 5;
  const flame::Host host = alone ? quick_host(argv[1]) : flame::Host::from_file(argv[1]);
  const auto pool = host.pool("work").with({.timeout = 60s, .link = std::string_view(argv[3]) == "linked"});
  if (alone) {
    const auto call = pool.async<pool_tasks::alone>(directory + "/alone");
    return wait_for_the_end(directory, {"/alone.1"});
  }
  const auto hold = pool.async<pool_tasks::hold>(directory + "/hold");
  const auto wait = pool.async<pool_tasks::wait>(directory + "/wait");
  const auto deaf = pool.async<pool_tasks::hold>(directory + "/deaf");
  return wait_for_the_end(directory, {"/hold", "/wait", "/deaf"});
}

// A host program that a test kills: host_of_objects CONFIG WHAT linked|unlinked FILE. Makes one object that writes to
// FILE, prints "ready", and waits for its end.
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include <flame/host.hpp>

#include "tests/integration/host/objects.hpp"

namespace {

[[noreturn]] void wait_for_the_end() {
  std::puts("ready");
  std::fflush(stdout);
  for (;;) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string_view what = argv[2];
  const flame::Host host = flame::Host::from_file(argv[1]);
  const auto pool = host.pool("work").with({.link = std::string_view(argv[3]) == "linked"});
  if (what == "tracked") {
    const auto counter = pool.call<objects::counter>(1, argv[4]);
    wait_for_the_end();
  }
  if (what == "worker") {
    const auto worker = pool.place_child<objects::worker>(argv[4]);
    wait_for_the_end();
  }
  if (what == "journal") {
    const auto journal = pool.place_child<objects::journal>(argv[4]);
    wait_for_the_end();
  }
  return 2;
}

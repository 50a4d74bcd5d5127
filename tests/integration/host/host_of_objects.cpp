// A host program that a test kills: host_of_objects CONFIG WHAT linked|unlinked FILE [busy]. Makes one object that
// writes to FILE, prints "ready", and waits for its end; busy: in a method that takes a minute, and says so in FILE.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string_view>

#include <flame/host.hpp>

#include "tests/integration/host/objects.hpp"

namespace {

template <auto Linger, class Handle>
[[noreturn]] void wait_for_the_end(const Handle& object, bool busy) {
  std::puts("ready");
  std::fflush(stdout);
  if (busy) static_cast<void>(object.with({.timeout = std::chrono::minutes(2)}).template call<Linger>(60'000));
  for (;;) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const std::string_view what = argv[2];
  const bool busy = argc > 5;
  const flame::Host host = flame::Host::from_file(argv[1]);
  const auto pool = host.pool("work").with({.link = std::string_view(argv[3]) == "linked"});
  if (what == "tracked") wait_for_the_end<&objects::Counter::linger>(pool.call<objects::counter>(1, argv[4]), busy);
  if (what == "worker") wait_for_the_end<&objects::Worker::linger>(pool.place_child<objects::worker>(argv[4]), busy);
  if (what == "journal") wait_for_the_end<&objects::Journal::linger>(pool.place_child<objects::journal>(argv[4]), busy);
  return 2;
}

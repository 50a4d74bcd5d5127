// A host program that a test kills: doomed_host CONFIG linked|unlinked|mixed. Starts calls that would take a minute,
// prints "ready" when all of them run, and waits for its end. mixed: those that listen are unlinked, the deaf linked.
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include <flame/host.hpp>

#include "misbehave.hpp"
#include "tests/support/eventually.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string_view link = argv[2];
  const flame::Host host = flame::Host::from_file(argv[1]);
  const flame::Pool pool = host.pool("work");
  const auto obedient = pool.with({.timeout = std::chrono::seconds(60), .link = link == "linked"});
  const auto deaf = pool.with({.timeout = std::chrono::seconds(60), .link = link != "unlinked"});
  std::vector<flame::Future<std::string>> calls;
  calls.push_back(obedient.async<misbehave::sleep_ms>(60'000));
  calls.push_back(obedient.async<misbehave::sleep_with_token>(60'000));
  calls.push_back(deaf.async<misbehave::ignore_stop>(60'000));
  auto hanging = deaf.async<misbehave::hang>();
  if (!flame::test::eventually([&] { return pool.stats().slots_busy == 4; })) return 3;
  std::puts("ready");
  std::fflush(stdout);
  while (true) ::pause();
}

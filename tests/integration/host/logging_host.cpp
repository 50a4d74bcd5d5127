// A host program without an on_log callback: logging_host CONFIG. Makes one call that writes to all it has.
#include <cstdio>

#include <flame/host.hpp>

#include "tests/integration/host/tasks.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const flame::Host host = flame::Host::from_file(argv[1]);
  auto call = host.pool("ffmpeg").async<tasks::chatty>(2);
  std::printf("%llu", static_cast<unsigned long long>(call.id()));
  return call.get() == 2 ? 0 : 1;
}

// A machine that starts again what was booted before.
#pragma once

#include <chrono>
#include <string>

#include <flame/backend.hpp>

#include <gtest/gtest.h>

#include "backends/local/local_backend.hpp"
#include "tests/support/heard_events.hpp"

namespace flame::test {

/// Boots `request` on a local backend of its own. How its runner has ended, with its last output.
[[nodiscard]] inline std::string boot_again(const BootRequest& request) {
  HeardEvents events;
  backends::LocalBackend other({.runner = FLAME_TEST_RUNNER, .log = {}, .env = {}});
  other.open(events);
  other.boot(request);
  const MachineExit exit = events.exit_of(request.name);
  other.close(std::chrono::seconds(5));
  EXPECT_TRUE(events.is_closed());
  return exit.reason + "\n" + exit.log_tail;
}

}  // namespace flame::test

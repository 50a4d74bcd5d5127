// A host with real runners in its own temporary directory; anything left behind fails the test.
#pragma once

#include <flame/host.hpp>

#include "tests/integration/host/tasks.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/one_pool.hpp"

namespace flame::test {

class HostTest : public LeftoversTest {
 protected:
  /// One pool named "ffmpeg"; `change` may set anything.
  static HostConfig config(const ChangePool& change = {}) {
    return one_pool("ffmpeg", FLAME_TEST_PLUGINS, {"host_tasks@1"}, 4, [&](PoolConfig& pool) {
      pool.max = 2;
      if (change) change(pool);
    });
  }
};

}  // namespace flame::test

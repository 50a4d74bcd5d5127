// A host with real runners for the plugin of a topic, in a temporary directory; what is left behind fails the test.
#pragma once

#include <string>

#include <flame/host.hpp>

#include "tests/support/error_of.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/one_pool.hpp"

namespace flame::test {

class EdgeTest : public LeftoversTest {
 protected:
  /// One pool named "p" of one runner with two slots that serves the plugin "edge_TOPIC".
  static HostConfig config(const std::string& topic, const ChangePool& change = {}) {
    return one_pool("p", FLAME_TEST_PLUGINS, {"edge_" + topic + "@1"}, 2, change);
  }
};

}  // namespace flame::test

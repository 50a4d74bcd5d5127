// A pool whose plugin leaves objects in slots, and what tests ask about those.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <flame/host.hpp>

#include "tests/integration/host/objects.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/one_pool.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {

class ObjectsTest : public LeftoversTest {
 protected:
  /// One pool "work" of one runner with four slots.
  static HostConfig config(const ChangePool& change = {}) {
    return one_pool("work", FLAME_TEST_PLUGINS, {"host_objects@1", "host_tasks@1"}, 4, change);
  }

  /// The same as text, for a program.
  [[nodiscard]] static std::string config_text() {
    return "[plugins]\npath = [\"" FLAME_TEST_PLUGINS "\"]\n[backends.local]\nrunner = \"" FLAME_TEST_RUNNER
           "\"\n[pools.work]\nplugins = [\"host_objects@1\"]\nmax = 1\nmax_concurrency = 4\n"
           "shutdown_timeout = \"2s\"\n";
  }

  template <class F>
  static ErrorCode code_of(F&& call) {
    return error_of(std::forward<F>(call)).code;
  }

  /// A file that objects write to.
  [[nodiscard]] std::string file(const std::string& name = "objects.log") const { return files_ / name; }
  [[nodiscard]] std::vector<std::string> lines(const std::string& name = "objects.log") const {
    std::vector<std::string> lines;
    std::ifstream in(file(name));
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  /// Waits until objects have written `expected`.
  [[nodiscard]] bool wrote(const std::vector<std::string>& expected, const std::string& name = "objects.log") const {
    return eventually([&] { return lines(name) == expected; });
  }
  [[nodiscard]] static bool gone(pid_t pid) {
    return eventually([pid] { return is_gone(pid); });
  }
  [[nodiscard]] static bool held(const Pool& pool, std::uint32_t slots) {
    return eventually([&] { return pool.stats().slots_held == slots && pool.stats().slots_busy == slots; });
  }

 private:
  TempDir files_;
};

}  // namespace flame::test

// A plugin with libraries beside it, in the directory that its search path names from $ORIGIN.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/integration/edge/beside_tasks.hpp"
#include "tests/integration/edge/support.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {
namespace {

namespace tasks = edge_beside;

class Beside : public EdgeTest {};

TEST_F(Beside, APluginFindsTheLibrariesThatItsSearchPathNamesFromOrigin) {
  Host host(config("beside"));
  EXPECT_EQ(host.pool("p").call<tasks::ask_libraries>(), "inner");
}

TEST_F(Beside, TheyAreMadeAgainWhenSomebodyHasCleanedThemAway) {
  Host host(config("beside"));
  const Pool pool = host.pool("p");
  ASSERT_EQ(pool.call<tasks::ask_libraries>(), "inner");
  for (const auto& entry : std::filesystem::directory_iterator(directory())) {
    std::filesystem::remove_all(entry.path() / "plugins");
  }
  const RunnerProcesses runner = runner_processes(::getpid());
  ASSERT_GT(runner.guardian, 0);
  ::kill(runner.guardian, SIGTERM);
  ASSERT_TRUE(eventually([&] { return is_gone(runner.supervisor); }));
  EXPECT_EQ(pool.with({.timeout = std::chrono::seconds(30)}).call<tasks::ask_libraries>(), "inner");
}

TEST_F(Beside, ALibraryThatIsNotFoundIsToldWithWhatALocalRunnerDoesNotInherit) {
  const TempDir alone;
  std::filesystem::copy_file(FLAME_TEST_PLUGINS "/edge_beside.so", alone / "edge_beside.so");
  HostConfig settings = config("beside");
  settings.plugin_path = {alone.path()};
  Host host(settings);
  const Error error = error_of([&] { host.pool("p").call<tasks::ask_libraries>(); });
  for (const char* part : {"libedge_beside_outer.so", "LD_LIBRARY_PATH", "[backends.local] env"}) {
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
  }
}

TEST_F(Beside, ALibraryThatWasCopiedHalfIsRefusedBeforeAnythingRuns) {
  const TempDir copies;
  const std::filesystem::path built = FLAME_TEST_PLUGINS;
  std::filesystem::copy(built, copies / "plugins");
  std::filesystem::copy(built.parent_path() / "beside_lib", copies / "beside_lib");
  std::filesystem::resize_file(copies / "beside_lib/libedge_beside_inner.so", 5'000);
  HostConfig settings = config("beside");
  settings.plugin_path = {copies / "plugins"};
  const Error error = error_of([&] { const Host host(settings); });
  EXPECT_EQ(error.code, ErrorCode::invalid_argument) << error.to_string();
  for (const char* part : {"libedge_beside_inner.so\", which", "is a damaged ELF file: cut off"}) {
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message;
  }
}

}  // namespace
}  // namespace flame::test

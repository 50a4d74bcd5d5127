// What status says of children and tracked resources.
#include <optional>
#include <utility>

#include "tests/integration/host/control_support.hpp"
#include "tests/integration/host/objects_support.hpp"

namespace flame::test {
namespace {

class StatusOfObjects : public ObjectsTest {
 protected:
  using Counts = std::pair<std::uint64_t, std::uint64_t>;  // children, tracked
  [[nodiscard]] Counts in_pool() const {
    const control::PoolStatus pool = pool_status(directory());
    return {pool.children.value(), pool.tracked.value()};
  }
  [[nodiscard]] Counts in_runner() const {
    const control::RunnerStatus runner = pool_status(directory()).runners.at(0);
    return {runner.children.value(), runner.tracked.value()};
  }
};

TEST_F(StatusOfObjects, CountsChildrenAndTrackedHandlesByRunner) {
  const Host host(config());
  const Pool pool = host.pool("work");
  EXPECT_EQ(in_pool(), Counts(0, 0));
  const auto journal = pool.place_child<objects::journal>("");
  const auto worker = pool.place_child<objects::worker>("");
  auto counters = pool.call<objects::counters>(3, "");
  std::optional<Tracked<objects::Counter>> page = journal.call<&objects::Journal::page>();
  EXPECT_EQ(in_pool(), Counts(2, 4));
  EXPECT_EQ(in_runner(), Counts(2, 4));
  const auto copy = counters.back();
  counters.pop_back();
  counters.pop_back();
  page.reset();
  EXPECT_EQ(in_pool(), Counts(2, 2)) << "a copy is the same resource";
  worker.stop();
  EXPECT_TRUE(eventually([&] { return in_runner() == Counts(1, 2); }));
}

}  // namespace
}  // namespace flame::test

// Lookup of tasks.
#include "runner/slot/plugin_table.hpp"

#include <gtest/gtest.h>

#include "plugin_sdk/base/task_id.hpp"

namespace flame::slot {
namespace plugin_table_test {

using base::task_id;

flame_status nothing(flame_call*) {
  return FLAME_OK;
}

/// An entry as a later SDK may write it: larger than ours.
struct GrownTask {
  flame_task task;
  std::uint64_t added;
};
constexpr GrownTask kTasks[] = {
    {{sizeof(GrownTask), 0, "a::f", 1, nullptr, nothing}, 0},
    {{sizeof(GrownTask), 0, "a::f", 2, nullptr, nothing}, 0},
    {{sizeof(GrownTask), 0, "a::g", 3, nullptr, nothing}, 0},
};
constexpr flame_plugin kPlugin = {sizeof(flame_plugin), 1,       0,      "p", "1.0.0", 3, sizeof(GrownTask),
                                  &kTasks[0].task,      nullptr, nullptr};

TEST(PluginTable, FindsOverloadsByFingerprintInGrownTables) {
  const PluginTable table(kPlugin);
  EXPECT_EQ(table.find(task_id("a::f", 2)), &kTasks[1].task);
  EXPECT_EQ(table.find(task_id("a::g", 3)), &kTasks[2].task);
}

TEST(PluginTable, HasNeitherUnknownNamesNorOtherSignatures) {
  const PluginTable table(kPlugin);
  EXPECT_EQ(table.find(task_id("a::f", 3)), nullptr);
  EXPECT_EQ(table.find(task_id("a::h", 3)), nullptr);
}

}  // namespace plugin_table_test
}  // namespace flame::slot

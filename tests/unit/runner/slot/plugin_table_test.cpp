// Lookup of tasks.
#include "runner/slot/plugin_table.hpp"

#include <gtest/gtest.h>

#include "runner/protocol/protocol.hpp"

namespace flame::slot {
namespace {

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
  const flame_task* task = nullptr;
  ASSERT_EQ(table.find("a::f", 2, task), PluginTable::Lookup::found);
  EXPECT_EQ(task, &kTasks[1].task);
  ASSERT_EQ(table.find("a::g", 3, task), PluginTable::Lookup::found);
  EXPECT_EQ(task, &kTasks[2].task);
}

TEST(PluginTable, TellsUnknownNamesFromOtherSignatures) {
  const PluginTable table(kPlugin);
  const flame_task* task = nullptr;
  EXPECT_EQ(table.find("a::f", 3, task), PluginTable::Lookup::other_fingerprint);
  EXPECT_EQ(table.find("a::h", 3, task), PluginTable::Lookup::unknown_name);
}

TEST(TaskHash, DependsOnNameAndFingerprint) {
  EXPECT_NE(task_hash("a", 1), task_hash("b", 1));
  EXPECT_NE(task_hash("a", 1), task_hash("a", 2));
}

}  // namespace
}  // namespace flame::slot

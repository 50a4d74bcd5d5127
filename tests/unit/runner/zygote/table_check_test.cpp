// Which plugin tables are refused, and in which words.
#include <gtest/gtest.h>

#include <string>

#include "plugin_sdk/base/task_id.hpp"
#include "runner/protocol/protocol.hpp"
#include "runner/zygote/loader.hpp"

namespace flame::slot {
namespace table_check_test {

flame_status does_nothing(flame_call*) {
  return FLAME_OK;
}

class TableCheck : public testing::Test {
 protected:
  std::string check() {
    plugin_.tasks = tasks_;
    return check_table(&plugin_, expected_);
  }
  void expect_refused(const char* words) { EXPECT_NE(check().find(words), std::string::npos) << check(); }

  flame_task tasks_[2] = {{FLAME_TASK_SIZE_V1_0, 0, "a::f", 1, nullptr, does_nothing},
                          {FLAME_TASK_SIZE_V1_0, 0, "a::g", 2, nullptr, does_nothing}};
  flame_plugin plugin_ = {FLAME_PLUGIN_SIZE_V1_0, 1, 0, "p", "1.0.0", 2, sizeof(flame_task), nullptr, nullptr, nullptr};
  Expected expected_ = {"/p.so", "p", "1.0.0", base::task_id("a::g", 2) + base::task_id("a::f", 1), 2};
};

TEST_F(TableCheck, AcceptsAGoodTable) {
  EXPECT_EQ(check(), "");
}
TEST_F(TableCheck, RefusesNoTable) {
  EXPECT_NE(check_table(nullptr, expected_), "");
}
TEST_F(TableCheck, RefusesAShortStruct) {
  plugin_.struct_size = FLAME_PLUGIN_SIZE_V1_0 - 8;
  expect_refused("impossible size");
}
TEST_F(TableCheck, RefusesAHugeStruct) {
  plugin_.struct_size = 65 * 1024;
  expect_refused("impossible size");
}
TEST_F(TableCheck, RefusesFlagsThatItDoesNotKnow) {
  plugin_.struct_size = sizeof(flame_plugin);
  plugin_.flags = FLAME_PLUGIN_EXEC_SLOTS;
  EXPECT_EQ(check(), "");
  plugin_.flags |= 2;
  expect_refused("update the runner");
  plugin_.struct_size = FLAME_PLUGIN_SIZE_V1_1;
  EXPECT_EQ(check(), "") << "a plugin of 1.1 has no flags";
}
TEST_F(TableCheck, RefusesAStrideThatMisalignsEntries) {
  plugin_.task_stride = sizeof(flame_task) + 4;
  expect_refused("stride");
}
TEST_F(TableCheck, RefusesTooManyTasks) {
  plugin_.task_count = FLAME_TASKS_MAX + 1;
  expect_refused("number of tasks");
}
TEST_F(TableCheck, RefusesATaskWithoutAFunction) {
  tasks_[1].invoke = nullptr;
  expect_refused("has no function");
}
TEST_F(TableCheck, RefusesANameWithControlCharacters) {
  tasks_[1].name = "a::\n";
  expect_refused("no usable name");
}
TEST_F(TableCheck, RefusesAMethodWithoutItsType) {
  tasks_[1].flags = FLAME_TASK_METHOD;
  expect_refused("object type");
}
TEST_F(TableCheck, RefusesTheSameTaskTwice) {
  tasks_[1] = tasks_[0];
  expect_refused("twice");
}
TEST_F(TableCheck, RefusesAnotherVersionThanTheNotes) {
  plugin_.version = "1.0.1";
  expect_refused("its note says p@1.0.0, its table p@1.0.1");
}
TEST_F(TableCheck, RefusesOtherTasksThanTheNotes) {
  tasks_[1].fingerprint = 3;
  expect_refused("different tasks");
}

}  // namespace table_check_test
}  // namespace flame::slot

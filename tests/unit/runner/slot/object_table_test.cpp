// Tracked objects of a slot.
#include "runner/slot/object_table.hpp"

#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"

namespace flame::slot {
namespace object_table_test {

void count_destroy(void* object) {
  ++*static_cast<int*>(object);
}
constexpr flame_object_type kType = {FLAME_OBJECT_TYPE_SIZE_V1_0, 0, "a::Type", count_destroy, nullptr};

TEST(ObjectTable, FindsAnObjectOnlyByItsIdAndType) {
  ObjectTable objects;
  int object = 0;
  const std::uint64_t id = objects.add(&object, kType);
  EXPECT_EQ(objects.find(id, "a::Type"), &object);
  EXPECT_EQ(objects.find(id, "an::Other"), nullptr);
  EXPECT_EQ(objects.find(id + 1, "a::Type"), nullptr);
}

TEST(ObjectTable, DestroysOnceAndNeverReusesAnId) {
  ObjectTable objects;
  int object = 0;
  const std::uint64_t id = objects.add(&object, kType);
  objects.destroy(id);
  objects.destroy(id);
  EXPECT_EQ(object, 1);
  EXPECT_EQ(objects.find(id, "a::Type"), nullptr);
  EXPECT_NE(objects.add(&object, kType), id);
}

TEST(ObjectTable, RefusesMoreThanASlotMayHold) {
  ObjectTable objects;
  int object = 0;
  for (std::uint32_t i = 0; i < limits::kObjectsPerSlotMax; ++i) ASSERT_NE(objects.add(&object, kType), 0u);
  EXPECT_EQ(objects.add(&object, kType), 0u);
}

}  // namespace object_table_test
}  // namespace flame::slot

// Names for people.
#include "plugin_sdk/sdk/demangle.hpp"

#include <gtest/gtest.h>

namespace flame::detail {
namespace {

TEST(Demangle, GivesWhatTheUserWrote) {
  EXPECT_EQ(demangle("i"), "int");
  EXPECT_EQ(demangle("N5video4PartE"), "video::Part");
  EXPECT_EQ(demangle("no mangled name"), "no mangled name");
}

}  // namespace
}  // namespace flame::detail

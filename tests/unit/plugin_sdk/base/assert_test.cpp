// What a broken invariant ends: the process, or in the host library what was asked of it.
#include "plugin_sdk/base/assert.hpp"

#include <gtest/gtest.h>

namespace flame::base {
namespace {

void break_one() {
  FLAME_ASSERT(1 + 1 == 3, "told by a test");
}

TEST(Assert, EndsTheProcessThatIsOurs) {
  EXPECT_DEATH(break_one(), "assertion failed: 1 \\+ 1 == 3: told by a test");
}

TEST(Assert, IsThrownWhereTheProcessIsNotOurs) {
  {
    const AssertionsThrow outer;
    { const AssertionsThrow inner; }
    try {
      break_one();
      FAIL() << "nothing was thrown";
    } catch (const BrokenInvariant& error) {
      EXPECT_NE(std::string(error.what()).find("assert_test.cpp"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("told by a test"), std::string::npos) << error.what();
    }
  }
  EXPECT_DEATH(break_one(), "told by a test");
}

}  // namespace
}  // namespace flame::base

// What other translation units are measured by: the includes of a small test, and nothing that changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace flame {
namespace {

TEST(Reference, IsCompiled) {
  std::map<std::string, std::vector<std::chrono::nanoseconds>> times;
  times["one"].emplace_back(FLAME_REFERENCE);  // differs, else the compiler's cache would have the second
  EXPECT_THAT(times, testing::SizeIs(1));
}

}  // namespace
}  // namespace flame

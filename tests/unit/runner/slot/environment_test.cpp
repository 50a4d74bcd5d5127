// The environment of a slot: what counts as changed.
#include "runner/slot/environment.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace flame::slot {
namespace environment_test {

/// Gives the process its environment back.
class EnvironmentTest : public testing::Test {
 protected:
  EnvironmentTest() {
    for (std::size_t i = 0; environ != nullptr && environ[i] != nullptr; ++i) own_.push_back(environ[i]);
    own_.push_back(place_.data());
    own_.push_back(nullptr);
    before_ = environ;
    environ = own_.data();
    watch_ = EnvironmentWatch();
  }
  ~EnvironmentTest() override { environ = before_; }

  std::array<char, 32> place_ = {"FLAME_UNIT=one"};
  std::vector<char*> own_;
  char** before_ = nullptr;
  EnvironmentWatch watch_;
};

TEST_F(EnvironmentTest, IsTheSameWhenNothingWasDone) {
  EXPECT_TRUE(watch_.unchanged());
  EXPECT_TRUE(watch_.unchanged());
}

TEST_F(EnvironmentTest, ANewVariableAnotherValueOrOneLessIsAChange) {
  ::setenv("FLAME_UNIT_NEW", "1", 1);
  EXPECT_FALSE(watch_.unchanged());
  ::unsetenv("FLAME_UNIT_NEW");
  EXPECT_TRUE(watch_.unchanged()) << "elsewhere, but as before";
  ::setenv("FLAME_UNIT", "two", 1);
  EXPECT_FALSE(watch_.unchanged());
  ::setenv("FLAME_UNIT", "one", 1);
  EXPECT_TRUE(watch_.unchanged());
  ::unsetenv("FLAME_UNIT");
  EXPECT_FALSE(watch_.unchanged());
}

TEST_F(EnvironmentTest, ABufferOfPutenvThatWasOverwrittenIsAChange) {
  std::snprintf(place_.data(), place_.size(), "FLAME_UNIT=own");
  EXPECT_FALSE(watch_.unchanged());
}

TEST_F(EnvironmentTest, NoEnvironmentAtAllIsAChange) {
  environ = nullptr;
  EXPECT_FALSE(watch_.unchanged());
  EXPECT_TRUE(EnvironmentWatch().unchanged());
}

TEST_F(EnvironmentTest, AStringInMemoryThatIsGoneIsAChangeAndNoCrash) {
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  ::munmap(page, 4096);
  own_[0] = static_cast<char*>(page);
  EXPECT_FALSE(watch_.unchanged());
}

}  // namespace environment_test
}  // namespace flame::slot

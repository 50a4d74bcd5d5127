// A plugin's symbols as people read them, and symbols that are made to choke who reads them.
#include "runner/processes/demangler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/leftovers.hpp"

namespace flame::runner {
namespace demangler_test {

using testing::ElementsAre;
using testing::StartsWith;

constexpr const char* kResize = "_ZN5video6resizeERN5flame7ContextENS_5VideoE";
constexpr const char* kResizeText = "video::resize(flame::Context&, video::Video)";

class DemanglerTest : public test::LeftoversTest {
 protected:
  Demangler demangler_{FLAME_TEST_ZYGOTE};
};

/// void f(pair<int, int>, pair<that, that>, pair<that, that>, ...): each doubles the text.
std::string endless_name(int doublings) {
  std::string name = "_Z1fSt4pairIiiE";
  const std::string digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int i = 1; i < doublings; ++i) {
    const std::string last = i == 1 ? "S_" : "S" + digits.substr(static_cast<std::size_t>(i - 2), 1) + "_";
    name += "S_I" + last + last + "E";
  }
  return name;
}

TEST_F(DemanglerTest, GivesWhatTheUserWroteInOrder) {
  EXPECT_THAT(demangler_.demangle({kResize, "main", "", "_Zno mangled name", "_Z4stopv"}),
              ElementsAre(kResizeText, "main", "", "_Zno mangled name", "stop()"));
  EXPECT_THAT(demangler_.demangle({}), ElementsAre());
}

TEST_F(DemanglerTest, TakesNamesWithManyReferences) {
  const std::string name =
      "_ZN5video5storeERKSt3mapINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESt6vectorIiSaIiEESt4lessIS6_ESaISt4"
      "pairIKS6_S9_EEE";
  EXPECT_THAT(demangler_.demangle({name}), ElementsAre(StartsWith("video::store(std::map<")));
}

TEST_F(DemanglerTest, BoundsANameThatGrowsWithoutEnd) {
  const auto begun = std::chrono::steady_clock::now();
  const auto names = demangler_.demangle({kResize, endless_name(34), kResize});
  ASSERT_EQ(names.size(), 3u);
  EXPECT_EQ(names[0], kResizeText) << "what came before it is not lost";
  EXPECT_LE(names[1].size(), 2048u);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
}

TEST_F(DemanglerTest, LeavesLongAndDeepNamesAsTheyAre) {
  const std::string deep = "_Z1f" + std::string(1000, 'P') + "i";
  const std::string over = "_Z1f" + std::string(100'000, 'P') + "i";
  const auto names = demangler_.demangle({deep, over, kResize});
  EXPECT_EQ(names[1], over);
  EXPECT_EQ(names[2], kResizeText);
}

TEST_F(DemanglerTest, WithoutItsProgramNamesStayAsTheyAre) {
  Demangler none("/nonexistent/flame-zygote");
  EXPECT_THAT(none.demangle({kResize}), ElementsAre(kResize));
}

}  // namespace demangler_test
}  // namespace flame::runner

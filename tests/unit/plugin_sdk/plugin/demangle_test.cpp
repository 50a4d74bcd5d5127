// Names for people, and names that are made to choke who reads them.
#include "plugin_sdk/sdk/demangle.hpp"

#include <gtest/gtest.h>

namespace flame::detail {
namespace {

TEST(Demangle, GivesWhatTheUserWrote) {
  EXPECT_EQ(demangle("i"), "int");
  EXPECT_EQ(demangle_untrusted("_ZN5video6resizeERN5flame7ContextENS_5VideoE"),
            "video::resize(flame::Context&, video::Video)");
  EXPECT_EQ(demangle_untrusted("main"), "main");
  EXPECT_EQ(demangle_untrusted("_Zno mangled name"), "_Zno mangled name");
  EXPECT_EQ(demangle_untrusted(""), "");
}

TEST(Demangle, RefusesANameThatWouldDoubleWithEachReference) {
  // void f(pair<int, int>, pair<that, that>, pair<that, that>, …): 200 characters would become 2^40.
  std::string name = "_Z1fSt4pairIiiE";
  const auto reference = [](int n) {
    const std::string digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return n == 0 ? std::string("S_") : "S" + digits.substr(static_cast<std::size_t>(n - 1) % 36, 1) + "_";
  };
  for (int i = 1; i < 34; ++i) name += "S_I" + reference(i) + reference(i) + "E";
  EXPECT_EQ(demangle_untrusted(name), name);
  EXPECT_EQ(demangle_untrusted("_Z" + std::string(100'000, 'P')), "_Z" + std::string(100'000, 'P'));
}

TEST(Demangle, TakesOrdinaryNamesWithSomeReferences) {
  const std::string name =
      "_ZN5video5storeERKSt3mapINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESt6vectorIiSaIiEESt4lessIS6_ESaISt4"
      "pairIKS6_S9_EEE";
  EXPECT_TRUE(demangle_untrusted(name).starts_with("video::store(std::map<"));
}

}  // namespace
}  // namespace flame::detail

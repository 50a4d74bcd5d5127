// Call stacks as callers see them, with this test program in the place of a plugin.
#include "runner/processes/frame_names.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/sdk/demangle.hpp"

namespace flame::runner {

// Outside of the unnamed namespace, so that its name is the same with every compiler.
[[gnu::noinline]] int resize_for_test(int height) {
  return height / 2;
}

namespace {

using slot::CodeAddress;
using testing::ElementsAre;

std::uint64_t offset_of_resize() {
  Dl_info info{};
  EXPECT_NE(::dladdr(reinterpret_cast<void*>(&resize_for_test), &info), 0);
  return reinterpret_cast<std::uint64_t>(&resize_for_test) - reinterpret_cast<std::uint64_t>(info.dli_fbase);
}

std::string place(std::uint64_t offset) {
  char text[32];
  std::snprintf(text, sizeof text, "video.so+0x%llx", static_cast<unsigned long long>(offset));
  return text;
}

std::vector<std::string> demangled(std::vector<std::string> names) {
  for (std::string& name : names) name = detail::demangle(name.c_str());
  return names;
}

class FrameNamesTest : public testing::Test {
 protected:
  const std::uint64_t resize = offset_of_resize();
  FrameNames names{"video", "/proc/self/exe", demangled};  // its frames' module is "exe"
};

TEST_F(FrameNamesTest, AFunctionOfThePluginHasItsNameAndPlace) {
  EXPECT_THAT(names.name({{"exe", resize, true}}),
              ElementsAre("flame::runner::resize_for_test(int) at " + place(resize)));
}

TEST_F(FrameNamesTest, AReturnAddressBelongsToTheCallBeforeIt) {
  const auto at_begin = names.name({{"exe", resize, false}}).at(0);
  EXPECT_EQ(at_begin.find("resize_for_test"), std::string::npos) << at_begin;
  EXPECT_THAT(names.name({{"exe", resize + 1, false}}),
              ElementsAre("flame::runner::resize_for_test(int) at " + place(resize + 1)));
}

TEST_F(FrameNamesTest, OtherModulesAndUnknownPlacesAreGivenAsTheyAre) {
  EXPECT_THAT(names.name({{"libc.so.6", 0x1234, true}, {"", 0x7f00, false}, {"exe", 0xffffffff, false}}),
              ElementsAre("libc.so.6+0x1234", "0x7f00", place(0xffffffff)));
}

TEST_F(FrameNamesTest, TheUnwinderInsideAndTheSlotOutsideAreLeftOut) {
  EXPECT_THAT(names.name({{"exe", 1},
                          {"libstdc++.so.6.0.30", 2},
                          {"libgcc_s.so.1", 3},
                          {"libstdc++.so.6.0.30", 4},
                          {"exe", resize + 1},
                          {"libc.so.6", 5},
                          {"flame-zygote", 6},
                          {"libc.so.6", 7}}),
              ElementsAre("flame::runner::resize_for_test(int) at " + place(resize + 1), "libc.so.6+0x5"));
}

TEST_F(FrameNamesTest, AHeapThatIsCorruptShowsThePluginsFramesBelowTheSlotsMalloc) {
  EXPECT_THAT(names.name({{"libc.so.6", 1},
                          {"libc.so.6", 2},
                          {"flame-zygote", 3},
                          {"libstdc++.so.6.0.30", 4},
                          {"exe", resize + 1},
                          {"flame-zygote", 6},
                          {"libc.so.6", 7}}),
              ElementsAre("libc.so.6+0x1", "libc.so.6+0x2", "libstdc++.so.6.0.30+0x4",
                          "flame::runner::resize_for_test(int) at " + place(resize + 1)));
}

TEST_F(FrameNamesTest, AStackThatIsAllTheSlotsIsKept) {
  EXPECT_THAT(names.name({{"flame-zygote", 6, true}, {"libc.so.6", 7}}),
              ElementsAre("flame-zygote+0x6", "libc.so.6+0x7"));
  EXPECT_THAT(names.name({{"", 0, true}, {"", 0}}), ElementsAre());
}

TEST(FrameNames, APluginWithoutSymbolsKeepsModuleAndOffset) {
  FrameNames names("video", "/nonexistent/0123.so", demangled);
  EXPECT_THAT(names.name({{"0123.so", 0x10, true}}), ElementsAre("video.so+0x10"));
}

TEST(FrameNames, APathLongerThanTheSlotAnnouncesIsRecognised) {
  const std::string digest(64, 'a');
  FrameNames names("video", "/tmp/" + digest + ".so", demangled);
  EXPECT_THAT(names.name({{digest.substr(0, 63), 0x10, true}}), ElementsAre("video.so+0x10"));
}

}  // namespace
}  // namespace flame::runner

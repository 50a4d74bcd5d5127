// Names and files of `flame new plugin`.
#include "tools/flame/new_plugin.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace flame::cli {
namespace new_plugin_test {

TEST(NewPlugin, TakesNamesThatCanBeATargetAndANamespace) {
  for (const char* name : {"greet", "image-tools", "a", "x_1"}) EXPECT_TRUE(check_project_name(name)) << name;
}

TEST(NewPlugin, RefusesNamesThatCannot) {
  for (const char* name : {"", "Greet", "1st", "a b", "../x", "a/b", "class", "std", "flame", "test", "all", "a--b",
                           "dynamic-cast", "static_assert", "new"}) {
    const auto checked = check_project_name(name);
    ASSERT_FALSE(checked) << name;
    EXPECT_EQ(checked.error().code, ErrorCode::invalid_argument);
  }
}

TEST(NewPlugin, RefusesEveryNameThatCMakeKeepsForATargetOfItsOwn) {
  for (const char* name :
       {"all", "clean", "edit_cache", "help", "install", "package", "preinstall", "rebuild_cache", "test"}) {
    EXPECT_FALSE(check_project_name(name)) << name;
  }
}

TEST(NewPlugin, SuggestsANameThatWouldDo) {
  EXPECT_NE(check_project_name("My Plugin!").error().message.find("\"my_plugin\""), std::string::npos);
  EXPECT_NE(check_project_name("3d").error().message.find("\"p3d\""), std::string::npos);
}

TEST(NewPlugin, GivesANamespaceOfItsOwnToWhatIsTakenInC) {
  for (const char* name :
       {"linux", "unix", "index", "time", "errno", "stdin", "i386", "flame_call", "check", "signal"}) {
    EXPECT_TRUE(check_project_name(name)) << name;
    EXPECT_EQ(namespace_of(name), std::string(name) + "_plugin");
  }
  for (const char* name : {"greet", "hello", "video", "echo", "tim", "indexes", "x"})
    EXPECT_EQ(namespace_of(name), name);
  EXPECT_EQ(namespace_of("image-tools"), "image_tools");
  EXPECT_EQ(namespace_of("time-t"), "time_t_plugin");
}

TEST(NewPlugin, NamesItsFilesAfterThePlugin) {
  std::set<std::string> paths;
  for (const auto& file : project_files("image-tools")) paths.insert(file.path);
  EXPECT_EQ(paths, (std::set<std::string>{".gitignore", "CMakeLists.txt", "README.md", "flame.toml", "image-tools.cpp",
                                          "image-tools.hpp", "image-tools_test.cpp"}));
}

TEST(NewPlugin, FillsEveryPlaceholder) {
  for (const auto& file : project_files("image-tools")) {
    EXPECT_EQ(file.text.find("{{"), std::string::npos) << file.path;
    EXPECT_FALSE(file.text.empty()) << file.path;
    if (file.path == "image-tools.cpp") {
      EXPECT_NE(file.text.find("FLAME_PLUGIN(\"image-tools\""), std::string::npos);
      EXPECT_NE(file.text.find("image_tools::greet"), std::string::npos);
    }
  }
}

}  // namespace new_plugin_test
}  // namespace flame::cli

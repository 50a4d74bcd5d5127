// `flame plugin inspect`, `flame plugin schema`, `flame new plugin`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/integration/tools/cli_test.hpp"

namespace flame::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class FlamePlugin : public CliTest {};
class FlameNew : public CliTest {};

TEST_F(FlamePlugin, InspectShowsTasksWithTheirSignatures) {
  const auto result = flame_command({"plugin", "inspect", CLI_FIXTURE});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("cli-fixture@1.2.3"));
  EXPECT_THAT(result.out, HasSubstr("cli_fixture::greet(string) -> string"));
  EXPECT_THAT(result.out, HasSubstr("cli_fixture::reverse(bytes) -> bytes"));
  EXPECT_THAT(result.out, HasSubstr("timeout 30s"));
}

TEST_F(FlamePlugin, InspectGivesJson) {
  const auto result = json::parse(flame_command({"plugin", "inspect", "--json", CLI_FIXTURE}).out)["result"];
  EXPECT_EQ(result["name"], "cli-fixture");
  EXPECT_EQ(result["digest"].get<std::string>().size(), 64U);
  EXPECT_EQ(result["tasks"].size(), 10U);
  EXPECT_EQ(result["stop_slot"], false);
  EXPECT_EQ(result["exec_slots"], false);
  EXPECT_TRUE(result.contains("cpu"));
  EXPECT_EQ(result["loadable"], true);
}

TEST_F(FlamePlugin, InspectSaysWhyAFileIsNoPlugin) {
  const auto text = flame_command({"plugin", "inspect", files().write("x.so", "no elf")});
  EXPECT_EQ(text.exit_code, 2);
  EXPECT_THAT(text.err, HasSubstr("ELF"));
  const auto missing = flame_command({"plugin", "inspect", "/no/such/plugin.so"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("/no/such/plugin.so"));
  EXPECT_EQ(flame_command({"plugin", "inspect", "/tmp"}).exit_code, 2);
}

TEST_F(FlamePlugin, InspectEndsWithOneForAPluginThatWouldNotLoadHere) {
  const auto copy = files() / "open.so";
  std::filesystem::copy_file(CLI_FIXTURE, copy);
  std::filesystem::permissions(copy, std::filesystem::perms::all);
  const auto result = flame_command({"plugin", "inspect", copy});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("FAIL permissions everybody may change it: chmod o-w"));
  const auto as_json = flame_command({"plugin", "inspect", "--json", copy});
  EXPECT_EQ(as_json.exit_code, 1);
  EXPECT_EQ(json::parse(as_json.out)["result"]["loadable"], false);
}

TEST_F(FlamePlugin, SchemaPrintsOneFileForFlatc) {
  const auto result = flame_command({"plugin", "schema", CLI_FIXTURE, "cli_fixture::translate"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("table Call {"));
  EXPECT_THAT(result.out, HasSubstr("root_type Call;"));
  const auto unknown = flame_command({"plugin", "schema", CLI_FIXTURE, "cli_fixture::translat"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean \"cli_fixture::translate\""));
}

TEST_F(FlameNew, WritesAProjectOnceAndRefusesTheSecondTime) {
  const auto directory = files() / "greet";
  EXPECT_EQ(flame_command({"new", "plugin", "greet", "--directory", directory}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(directory + "/CMakeLists.txt"));
  const auto again = flame_command({"new", "plugin", "greet", "--directory", directory});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("exists already"));
}

TEST_F(FlameNew, RefusesABadNameAndWritesNothing) {
  const auto directory = files() / "bad";
  EXPECT_EQ(flame_command({"new", "plugin", "../evil", "--directory", directory}).exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(directory));
}

}  // namespace
}  // namespace flame::test

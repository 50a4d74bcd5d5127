// What `flame plugin schema` prints is true: flatc takes it and reads the bytes that the codec writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <flame/detail/codec.hpp>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/spawn.hpp"
#include "tests/integration/tools/cli_fixture.hpp"
#include "tests/integration/tools/cli_test.hpp"

namespace flame::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string_view text_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

int flatc(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), FLAME_TEST_FLATC);
  const auto spawned = base::spawn({.path = FLAME_TEST_FLATC, .argv = std::move(arguments)});
  int status = -1;
  return spawned && ::waitpid(spawned->pid, &status, 0) == spawned->pid ? status : -1;
}

class FlameSchema : public CliTest {
 protected:
  [[nodiscard]] static std::string schema(std::vector<std::string> rest = {}) {
    rest.insert(rest.begin(), {"plugin", "schema", CLI_FIXTURE});
    const auto result = flame_command(rest);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.out;
  }

  /// The arguments of `translate`, as flatc shows them by that schema.
  [[nodiscard]] json shown(const std::string& schema_text, const std::string& root) const {
    const auto payload = detail::encode_arguments<cli_fixture::translate>(cli_fixture::Point{.x = 1, .y = 2}, 10, 20);
    const auto fbs = files().write("schema.fbs", schema_text);
    const auto data = files().write("data.bin", text_of(payload.table));
    EXPECT_EQ(
        flatc({"--json", "--strict-json", "--raw-binary", "--root-type", root, "-o", files().path(), fbs, "--", data}),
        0);
    return json::parse(base::read_file(files() / "data.json", 10'000).value());
  }

  const json translated_ = {{"f0", {{"x", 1}, {"y", 2}}}, {"f1", 10}, {"f2", 20}};
};

TEST_F(FlameSchema, OfAllTasksIsOneFileThatFlatcTakes) {
  const auto fbs = files().write("all.fbs", schema());
  EXPECT_EQ(flatc({"--cpp", "-o", files().path(), fbs}), 0);
  EXPECT_EQ(flatc({"--python", "-o", files().path(), fbs}), 0);
  EXPECT_TRUE(std::filesystem::exists(files() / "cli_fixture/translate/Call.py"));
}

TEST_F(FlameSchema, OfAllTasksReadsWhatTheCodecWrites) {
  EXPECT_EQ(shown(schema(), "cli_fixture.translate.Call"), translated_);
}

TEST_F(FlameSchema, OfOneTaskReadsWhatTheCodecWrites) {
  EXPECT_EQ(shown(schema({"cli_fixture::translate"}), "Call"), translated_);
}

TEST_F(FlameSchema, OfOneOverloadIsChosenByItsFingerprint) {
  const auto list = json::parse(schema({"cli_fixture::twice", "--json"}))["result"];
  ASSERT_EQ(list.size(), 2U);
  std::set<std::string> schemas;
  for (const auto& overload : list) {
    const auto text = schema({"cli_fixture::twice@" + overload["fingerprint"].get<std::string>()});
    EXPECT_EQ(overload["schema"], text);
    EXPECT_EQ(flatc({"--cpp", "-o", files().path(), files().write("one.fbs", text)}), 0);
    schemas.insert(text);
  }
  EXPECT_EQ(schemas.size(), 2U);
  EXPECT_EQ(flatc({"--cpp", "-o", files().path(), files().write("both.fbs", schema({"cli_fixture::twice"}))}), 0);
  const auto unknown = flame_command({"plugin", "schema", CLI_FIXTURE, "cli_fixture::twice@0000000000000000"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("cli_fixture::twice@" + list[0]["fingerprint"].get<std::string>()));
}

TEST_F(FlameSchema, GoesIntoOneFilePerTaskWhenAskedTo) {
  const auto directory = files() / "schemas/deep";
  EXPECT_EQ(schema({"--directory", directory}), "");
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    EXPECT_EQ(flatc({"--cpp", "-o", files().path(), file.path().string()}), 0) << file.path();
    ++count;
  }
  EXPECT_EQ(count, json::parse(schema({"--json"}))["result"].size());
  EXPECT_EQ(base::read_file(directory + "/cli_fixture.translate.fbs", 10'000).value(),
            schema({"cli_fixture::translate"}));
  const auto file = files().write("file", "");
  EXPECT_EQ(flame_command({"plugin", "schema", CLI_FIXTURE, "--directory", file}).exit_code, 2);
}

}  // namespace
}  // namespace flame::test

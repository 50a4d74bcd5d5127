// `flame plugin diff`: of files and of versions in the store.
#include <gmock/gmock.h>

#include "tests/integration/tools/plugin_store_test.hpp"

namespace flame::test {
namespace plugin_diff_test {

using testing::HasSubstr;

pool::FakeTask task(const std::string& name) {
  return {.name = name, .schema = "table Call {\n  f0:int;\n}\n\ntable Return {\n}\n\nroot_type Call;\n"};
}

class FlamePluginDiff : public PluginStoreTest {
 protected:
  [[nodiscard]] std::string with_tasks(const std::string& version, const std::vector<std::string>& names) const {
    std::vector<pool::FakeTask> tasks;
    for (const auto& name : names) tasks.push_back(task(name));
    return put({.version = version, .tasks = tasks}, version + ".so");
  }
};

TEST_F(FlamePluginDiff, OfTwoFilesNeedsNoStore) {
  const auto before = with_tasks("1.4.0", {"video::cut"});
  const auto after = with_tasks("1.5.0", {"video::cut", "video::show"});
  CommandRun homeless({"plugin", "diff", before, after}, "", {"HOME="});
  const auto result = homeless.finish();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "video::show(int) -> void: added\n");
  EXPECT_EQ(run({"diff", before, before}).out, "no task was added, removed or changed\n");
}

TEST_F(FlamePluginDiff, EndsWithOneWhenOldHostsCannotCall) {
  const auto before = with_tasks("1.4.0", {"video::cut", "video::show"});
  ASSERT_EQ(run({"install", before}).exit_code, 0);
  ASSERT_EQ(run({"install", with_tasks("2.0.0", {"video::cut"})}).exit_code, 0);
  const auto result = run({"diff", "video@1", "video"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "video::show(int) -> void: removed\nhosts that run with video@1.4.0 cannot call video@2.0.0\n");
  const auto as_json = run({"diff", "--json", before, "video@2.0.0"});
  EXPECT_EQ(as_json.exit_code, 1);
  const auto diff = nlohmann::json::parse(as_json.out)["result"];
  EXPECT_EQ(diff["old"]["file"], before);
  EXPECT_EQ(diff["new"]["version"], "2.0.0");
  EXPECT_EQ(diff["old_hosts_can_call"], false);
  EXPECT_EQ(diff["differences"].dump(), R"([{"change":"removed","task":"video::show(int) -> void"}])");
}

TEST_F(FlamePluginDiff, SaysWhatItCannotCompare) {
  const auto file = with_tasks("1.4.0", {"video::cut"});
  EXPECT_THAT(refusal({"diff", "video@1.4.0", file}), HasSubstr("which is empty"));
  EXPECT_THAT(refusal({"diff", file, "/no/such/plugin.so"}), HasSubstr("/no/such/plugin.so"));
  EXPECT_THAT(refusal({"diff", file, files().write("text.so", "no elf")}), HasSubstr("ELF"));
  EXPECT_EQ(refusal({"diff", file, put({.name = "audio"})}),
            "video@1.4.0 and audio@1.0.0 are two plugins, so neither takes the other's place; name two versions of "
            "one.");
}

}  // namespace plugin_diff_test
}  // namespace flame::test

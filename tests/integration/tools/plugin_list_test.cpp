// `flame plugin list`, `remove` and `gc`: what is in a store that others use at the same time.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "tests/integration/tools/plugin_store_test.hpp"

namespace flame::test {
namespace plugin_list_test {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class FlamePluginList : public PluginStoreTest {};
class FlamePluginRemove : public PluginStoreTest {};

TEST_F(FlamePluginList, ShowsWhatIsActiveUsedAndRefused) {
  const auto old_one = install("1.4.0");
  const auto new_one = install("1.5.0");
  activate({}, old_one);
  activate({}, new_one);
  const auto host = open_store().announce("web-1", {old_one});
  ASSERT_TRUE(host);
  ASSERT_TRUE(open_store().refuse(new_one, {.reason = "it crashed", .host = "web-2", .time = 1769846709}));
  const auto text = run({"list"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, StartsWith("plugin store " + root() + "\n"));
  EXPECT_THAT(text.out, HasSubstr("web-1 (pid " + std::to_string(::getpid()) + ")"));
  EXPECT_THAT(text.out, HasSubstr("video@1.5.0 (" + new_one.substr(0, 12) +
                                  ") is refused by the host web-2 since 2026-01-31 08:05: it crashed\n"));
  const auto plugins = json_of({"list", "video"})["plugins"];
  ASSERT_EQ(plugins.size(), 2u);
  EXPECT_EQ(plugins[0]["digest"], old_one);
  EXPECT_EQ(plugins[0]["previous_in"], json::array({"*"}));
  EXPECT_EQ(plugins[0]["used_by"][0]["host"], "web-1");
  EXPECT_EQ(plugins[1]["active_in"], json::array({"*"}));
  EXPECT_EQ(plugins[1]["refused"]["reason"], "it crashed");
}

TEST_F(FlamePluginList, WhereThereIsNoStoreIsEmptyAndMakesNone) {
  EXPECT_EQ(run({"list"}).out, "plugin store " + root() + ": empty\n");
  EXPECT_EQ(json_of({"gc"})["removed"], json::array());
  EXPECT_FALSE(std::filesystem::exists(root()));
}

TEST_F(FlamePluginList, SaysWhichPluginsThereAreWhenItKnowsNoneOfThatName) {
  EXPECT_EQ(refusal({"list", "video"}), "no plugin \"video\" in the plugin store \"" + root() + "\", which is empty");
  install("1.4.0");
  EXPECT_EQ(refusal({"list", "vidio"}), "no plugin \"vidio\" in the plugin store \"" + root() +
                                            "\"; there are: video@1.4.0; did you mean \"video\"?");
  EXPECT_EQ(refusal({"list", "video@1"}), "\"video@1\" is no name of a plugin");
}

TEST_F(FlamePluginList, NamesEachDamagedFileOnceAndShowsTheRest) {
  const auto digest = install("1.4.0");
  activate({}, digest);
  install("1.5.0");
  files().write("store/refs/video/1.5.0", "flame-builds 1\n");
  files().write("store/active/audio", "nonsense");
  const auto result = run({"list"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr(digest.substr(0, 12) + "  "));
  EXPECT_THAT(result.err, HasSubstr("flame: the store's file \"" + root() + "/refs/video/1.5.0\" is damaged: "));
  EXPECT_THAT(result.err, HasSubstr("flame: the store's file \"" + root() + "/active/audio\" is damaged: "));
  const auto as_json = run({"list", "--json"});
  EXPECT_EQ(as_json.exit_code, 1);
  const auto shown = json::parse(as_json.out)["result"];
  EXPECT_EQ(shown["damaged"].size(), 2u);
  ASSERT_EQ(shown["plugins"].size(), 1u);
  EXPECT_EQ(shown["plugins"][0]["active_in"], json::array({"*"})) << "records of other plugins count";
  EXPECT_THAT(refusal({"gc"}), HasSubstr("is damaged")) << "it may name what is in use";
}

TEST_F(FlamePluginList, AStoreOfALaterFlameIsNotGuessedAt) {
  install("1.4.0");
  files().write("store/refs/video/1.4.0", "flame-builds 2\nend\n");
  const auto result = run({"list"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/refs/video/1.4.0\" is of a later version of flame"));
  EXPECT_THAT(refusal({"remove", "video@1.4.0"}), HasSubstr("later version of flame"));
}

TEST_F(FlamePluginRemove, SaysWhatItRemovedAndHowLargeItWas) {
  const auto digest = install("1.3.0");
  install("1.4.0");
  const auto result = run({"remove", "video@1.3.0"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("removed video@1.3.0 sha256:" + digest + " ("));
  const auto removed = json_of({"remove", "video@1.4.0"});
  EXPECT_EQ(removed["removed"][0]["reference"], "video@1.4.0");
  EXPECT_GT(removed["bytes"], 0);
  EXPECT_EQ(json_of({"list"})["plugins"], json::array());
}

TEST_F(FlamePluginRemove, RefusesWhatIsInUseAndSaysByWhom) {
  const auto first = install("1.3.0");
  const auto second = install("1.4.0");
  const auto third = install("1.5.0");
  activate({"web-1", "ffmpeg"}, first);
  activate({"web-1", "ffmpeg"}, second);
  const auto host = open_store().announce("web-2", {third});
  ASSERT_TRUE(host);
  const std::string remedy = "; activate other versions there, or end the host that uses it";
  EXPECT_EQ(refusal({"remove", "video@1.3.0"}),
            "cannot remove video@1.3.0: sha256:" + first + " was active before in web-1/ffmpeg" + remedy);
  EXPECT_EQ(refusal({"remove", "video@1.4.0"}),
            "cannot remove video@1.4.0: sha256:" + second + " is active in web-1/ffmpeg" + remedy);
  EXPECT_EQ(refusal({"remove", "video@sha256:" + third.substr(0, 12)}), "cannot remove video@1.5.0: sha256:" + third +
                                                                            " is used by the host web-2 (process " +
                                                                            std::to_string(::getpid()) + ")" + remedy);
  EXPECT_EQ(run({"gc"}).out, "nothing to remove\n");
  EXPECT_EQ(json_of({"list"})["plugins"].size(), 3u);
}

TEST_F(FlamePluginRemove, WantsOneVersionInFull) {
  install("1.4.0");
  install("1.4.1");
  EXPECT_EQ(refusal({"remove", "video@1"}),
            "\"video@1\" may be several versions; name one in full, such as video@1.4.0");
  EXPECT_EQ(refusal({"remove", "video@1.9.0"}),
            "no plugin \"video@1.9.0\" in the plugin store \"" + root() + "\"; there are: video@1.4.0, video@1.4.1");
  EXPECT_THAT(refusal({"remove", "Video@1.4.0"}), HasSubstr("Video"));
  const auto both = run({"remove", "video@9.0.0", "video@1.4.1"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_THAT(both.out, StartsWith("removed video@1.4.1")) << "each by itself";
}

TEST_F(FlamePluginRemove, GcRemovesAllThatNothingUses) {
  const auto kept = install("1.4.0");
  const auto gone = install("1.5.0");
  activate({}, kept);
  const auto result = run({"gc"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("removed video@1.5.0 sha256:" + gone));
  EXPECT_THAT(result.out, HasSubstr(" are free again\n"));
  EXPECT_EQ(json_of({"list"})["plugins"].size(), 1u);
}

}  // namespace plugin_list_test
}  // namespace flame::test

// The table of `flame plugin list` as a person sees it without colours, and its JSON.
#include "tools/flame/plugin_list_text.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::cli {
namespace plugin_list_text_test {

using store::Narrower;
using testing::HasSubstr;

class PluginListText : public testing::Test {
 protected:
  static store::Installed plugin(const std::string& version, char digit) {
    store::Installed one;
    one.name = "video";
    one.version = manifest::Version::parse(version).value();
    one.digest = std::string(64, digit);
    one.file = "/s/objects/x.so";
    one.source = "/build/video.so";
    one.installed = 1769846709;
    return one;
  }
  [[nodiscard]] std::string shown() const { return list_text(view_, plain_); }

  base::UniqueFd nowhere_{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Terminal plain_{nowhere_.get()};
  StoreView view_{
      .root = "/s", .plugins = {plugin("1.4.0", 'a'), plugin("1.5.0", 'b')}, .records = {}, .hosts = {}, .damaged = {}};
};

TEST_F(PluginListText, OfAnEmptyStoreSaysSo) {
  EXPECT_EQ(list_text({.root = "/s", .plugins = {}, .records = {}, .hosts = {}, .damaged = {}}, plain_),
            "plugin store /s: empty\n");
}

TEST_F(PluginListText, HasARowForEachVersionWithWhereItIsActiveAndWhoUsesIt) {
  view_.records["video"].set({}, std::string(64, 'a'), Narrower::keep);
  view_.records["video"].set({}, std::string(64, 'b'), Narrower::keep);
  view_.records["video"].set({"web-1", "ffmpeg"}, std::string(64, 'b'), Narrower::keep);
  view_.hosts = {{"web-1", 4711, {std::string(64, 'a'), std::string(64, 'b')}}, {"web-2", 12, {std::string(64, 'b')}}};
  EXPECT_EQ(shown(),
            "plugin store /s\n"
            "  PLUGIN  VERSION  DIGEST        INSTALLED (UTC)   ACTIVE IN        BEFORE IN  USED BY"
            "                           NOTE\n"
            "  video   1.4.0    aaaaaaaaaaaa  2026-01-31 08:05                   *          web-1 (pid 4711)\n"
            "  video   1.5.0    bbbbbbbbbbbb  2026-01-31 08:05  *, web-1/ffmpeg             "
            "web-1 (pid 4711), web-2 (pid 12)\n");
}

TEST_F(PluginListText, SaysWhyAVersionIsRefusedAndWhatIsWrongWithItsFile) {
  view_.plugins[0].refusal = store::Refusal{.reason = "it crashed\nat once", .host = "web-1", .time = 1769846709};
  view_.plugins[0].replaced = true;
  view_.plugins[1].present = false;
  EXPECT_THAT(shown(), HasSubstr("refused, replaced\n"));
  EXPECT_THAT(shown(), HasSubstr("its file is gone\n"));
  EXPECT_THAT(shown(), HasSubstr("video@1.4.0 (aaaaaaaaaaaa) is refused by the host web-1 since 2026-01-31 08:05: it "
                                 "crashed at once\n"));
}

TEST_F(PluginListText, ShowsWhatIsActiveButNotInTheStore) {
  view_.records["audio"].set({}, std::string(64, 'c'), Narrower::keep);
  view_.records["audio"].set({}, std::string(64, 'd'), Narrower::keep);
  view_.hosts = {{"web-1", 4711, {std::string(64, 'd')}}};
  const auto list = list_to_json(view_)["plugins"];
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0].dump(), R"({"name":"audio","digest":")" + std::string(64, 'd') +
                                R"(","present":false,"active_in":["*"],"previous_in":[],)"
                                R"("used_by":[{"host":"web-1","pid":4711}]})");
  EXPECT_EQ(list[1]["previous_in"], Json::array({"*"}));
  EXPECT_THAT(shown(), HasSubstr("  audio   -        dddddddddddd  -                 *"));
  EXPECT_THAT(shown(), HasSubstr("not in the store\n"));
}

TEST_F(PluginListText, AsJsonHasWholeDigestsRefusalsHostsAndDamage) {
  view_.plugins.resize(1);
  view_.plugins[0].refusal = store::Refusal{.reason = "it crashed", .host = "web-1", .time = 1769846709};
  view_.hosts = {{"web-2", 12, {std::string(64, 'f')}}};
  view_.damaged = {base::make_error(ErrorCode::invalid_argument, "a file is damaged")};
  EXPECT_EQ(list_to_json(view_).dump(),
            R"({"store":"/s","plugins":[{"name":"video","version":"1.4.0","digest":")" + std::string(64, 'a') +
                R"(","file":"/s/objects/x.so","source":"/build/video.so","installed":"2026-01-31T08:05:09Z",)"
                R"("replaced":false,"present":true,"active_in":[],"previous_in":[],"used_by":[],)"
                R"("refused":{"reason":"it crashed","host":"web-1","time":"2026-01-31T08:05:09Z"}}],)"
                R"("hosts":[{"host":"web-2","pid":12,"digests":[")" +
                std::string(64, 'f') + R"("]}],"damaged":["a file is damaged"]})");
}

}  // namespace plugin_list_text_test
}  // namespace flame::cli

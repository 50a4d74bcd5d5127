// What is said about changes of the plugin store.
#include "tools/flame/plugin_store_text.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace flame::cli {
namespace plugin_store_text_test {

store::Installation installation() {
  store::Installation done;
  done.plugin.name = "video";
  done.plugin.version = manifest::Version::parse("1.5.0").value();
  done.plugin.digest = std::string(64, 'a');
  done.plugin.file = "/store/objects/a.so";
  return done;
}

TEST(PluginStoreText, GivesTimesInUtc) {
  EXPECT_EQ(utc_time(0), "1970-01-01 00:00");
  EXPECT_EQ(utc_time(1769846709), "2026-01-31 08:05");
  EXPECT_EQ(utc_time(1769846709, true), "2026-01-31T08:05:09Z");
  constexpr auto kNoYear = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(utc_time(kNoYear), std::to_string(kNoYear)) << "from a file that nobody vouches for";
}

TEST(PluginStoreText, SaysOfARefusalWhatIsKnown) {
  EXPECT_EQ(refusal_text({.reason = "it crashed", .host = "web-1", .time = 1769846709}),
            "is refused by the host web-1 since 2026-01-31 08:05: it crashed");
  EXPECT_EQ(refusal_text({.reason = "by hand", .host = "", .time = 0}), "is refused: by hand");
  EXPECT_EQ(refusal_text({}), "is refused");
}

TEST(PluginStoreText, NamesWhatWasInstalledAndWhatIsSpecialAboutIt) {
  auto done = installation();
  const std::string line = "video@1.5.0 sha256:" + done.plugin.digest;
  EXPECT_EQ(installation_text(done), line + "\n");
  done.already_there = true;
  EXPECT_EQ(installation_text(done), line + ", which was there already\n");
  done.already_there = false;
  done.replaced = "bbb";
  done.plugin.refusal = store::Refusal{.reason = "it crashed", .host = "", .time = 0};
  EXPECT_EQ(installation_text(done), line + ", in the place of sha256:bbb; it is refused: it crashed\n");
  EXPECT_EQ(installation_to_json(done).dump(),
            R"({"name":"video","version":"1.5.0","digest":")" + done.plugin.digest +
                R"(","file":"/store/objects/a.so","already_there":false,"replaced":"bbb",)"
                R"("refused":"it crashed"})");
}

TEST(PluginStoreText, NamesWhatWasRemovedWithItsSize) {
  const store::Removed removed{{{"video@1.4.0", "aa", 2048}, {"", "bb", 3}}, 2051};
  EXPECT_EQ(removed_text(removed),
            "removed video@1.4.0 sha256:aa (2.0 KiB)\nremoved what an unfinished install left: sha256:bb (3 B)\n");
  EXPECT_EQ(removed_to_json(removed).dump(), R"({"removed":[{"reference":"video@1.4.0","digest":"aa","bytes":2048},)"
                                             R"({"digest":"bb","bytes":3}],"bytes":2051})");
  EXPECT_EQ(removed_text({}), "");
}

}  // namespace plugin_store_text_test
}  // namespace flame::cli

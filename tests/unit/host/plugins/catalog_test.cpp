// Catalog: which file a reference means, what is copied, and what is said about files that are no plugins.
#include "host/src/plugins/catalog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/base/digest.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/host/plugins/plugin_file.hpp"

namespace flame::pool {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class CatalogTest : public ::testing::Test {
 protected:
  Catalog& scanned() {
    catalog_.emplace(std::vector<std::filesystem::path>{source_.path()}, runtime_.path());
    const Result<void> done = catalog_->scan(stored_);
    EXPECT_TRUE(done) << done.error().message;
    return *catalog_;
  }
  std::string put(const std::string& file, const FakePlugin& plugin) {
    return source_.write(file, plugin_file(plugin));
  }
  // The error of resolving a reference.
  Error refused(const std::string& reference) {
    Catalog& catalog = scanned();
    const auto plugin = catalog.resolve(reference);
    return plugin ? Error{} : plugin.error();
  }

  // So many builds of one version, one after the other at the same place.
  static std::vector<DigestId> settle_builds(Catalog& catalog, std::size_t count, const test::TempDir& place) {
    std::vector<DigestId> builds;
    for (std::size_t build = 0; build < count; ++build) {
      static_cast<void>(place.write("a.so", plugin_file({.salt = std::to_string(build)})));
      EXPECT_TRUE(catalog.scan());
      const auto plugin = catalog.resolve("video");
      EXPECT_TRUE(plugin) << plugin.error().message;
      if (!plugin) break;
      builds.push_back((*plugin)->id);
    }
    return builds;
  }
  [[nodiscard]] std::size_t copies() const {
    const std::filesystem::directory_iterator entries(runtime_ / "plugins");
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
  }
  // As a store would have it.
  std::string install(const FakePlugin& plugin, bool replaced = false) {
    const std::string bytes = plugin_file(plugin);
    const std::string digest = base::sha256(bytes).hex();
    stored_.push_back({store_.write(digest + ".so", bytes), digest, {}, replaced});
    return digest;
  }

  test::TempDir source_;
  test::TempDir runtime_;
  test::TempDir store_;
  std::vector<StoredPlugin> stored_;
  std::optional<Catalog> catalog_;
};

TEST_F(CatalogTest, TakesTheHighestOfPathAndStoreThatTheJudgeTakes) {
  put("a.so", {.version = "1.4.0"});
  install({.version = "1.5.0"});
  install({.version = "1.6.0"});
  const auto reference = manifest::PluginReference::parse("video@1").value();
  const auto choice = scanned().choose(reference, [](const CatalogPlugin& plugin) {
    const bool bad = plugin.reference == "video@1.6.0";
    return bad ? std::optional(Error{.code = ErrorCode::incompatible, .message = "it leaks"}) : std::nullopt;
  });
  ASSERT_TRUE(choice) << choice.error().message;
  EXPECT_EQ(choice->plugin->reference, "video@1.5.0");
  ASSERT_EQ(choice->passed_over.size(), 1u);
  EXPECT_EQ(choice->passed_over[0].message, "it leaks");
  const auto none = scanned().choose(reference, [](const CatalogPlugin&) { return Error{.message = "none will do"}; });
  EXPECT_EQ(none.error().message, "none will do");
}

TEST_F(CatalogTest, FindsABuildByItsDigestAlsoOneThatWasReplaced) {
  put("a.so", {.version = "1.0.0"});
  const std::string old = install({.version = "1.5.0", .salt = "old"}, true);
  const std::string now = install({.version = "1.5.0", .salt = "new"});
  Catalog& catalog = scanned();
  EXPECT_EQ(catalog.resolve("video@1.5.0").value()->digest, now);
  EXPECT_EQ(catalog.resolve("video@sha256:" + old.substr(0, 16)).value()->digest, old);
  const std::string in_path = base::sha256(contents(source_ / "a.so")).hex();
  EXPECT_EQ(catalog.resolve("video@sha256:" + in_path).value()->reference, "video@1.0.0");
  EXPECT_EQ(catalog.resolve("video@sha256:000000000000").error().code, ErrorCode::not_found);
}

TEST_F(CatalogTest, AStoredFileThatWasChangedIsRefused) {
  const std::string digest = install({.version = "1.5.0"});
  store_.write(digest + ".so", plugin_file({.version = "1.5.0", .salt = "changed"}));
  EXPECT_THAT(refused("video").message, HasSubstr("has other bytes than its digest says"));
}

TEST_F(CatalogTest, GrowsWhileOthersLook) {
  put("a.so", {.version = "1.0.0"});
  put("b.so", {.version = "1.1.0"});
  Catalog& catalog = scanned();
  const CatalogPlugin* first = catalog.resolve("video@1.0.0").value();
  std::thread reader([&] {
    while (!catalog.find_digest(base::sha256(contents(source_ / "b.so")).hex())) std::this_thread::yield();
    EXPECT_EQ(catalog.plugin(1).reference, "video@1.1.0");
  });
  EXPECT_TRUE(catalog.resolve("video@1.1.0"));
  reader.join();
  EXPECT_EQ(&catalog.plugin(0), first);
}

TEST_F(CatalogTest, ResolvesAReferenceToTheHighestMatchingVersion) {
  put("a.so", {.version = "1.4.0"});
  put("b.so", {.version = "1.10.0"});
  put("c.so", {.version = "2.0.0"});
  put("d.so", {.version = "3.0.0-rc.1"});
  Catalog& catalog = scanned();
  EXPECT_EQ(catalog.resolve("video@1").value()->reference, "video@1.10.0");
  EXPECT_EQ(catalog.resolve("video").value()->reference, "video@2.0.0");
  EXPECT_EQ(catalog.resolve("video@1.4").value()->reference, "video@1.4.0");
  EXPECT_EQ(catalog.resolve("video@3.0.0-rc.1").value()->reference, "video@3.0.0-rc.1");
}

TEST_F(CatalogTest, ACopyThatIsGoneIsMadeAgainEvenWhenTheSourceIsAnother) {
  put("libvideo.so", {});
  Catalog& catalog = scanned();
  const CatalogPlugin& plugin = *catalog.resolve("video").value();
  const std::string whole = contents(plugin.installed);
  put("libvideo.so", {.version = "1.0.1"});
  std::filesystem::remove_all(runtime_ / "plugins");
  const DigestId wanted[] = {plugin.id};
  ASSERT_TRUE(catalog.restore(wanted));
  EXPECT_EQ(contents(plugin.installed), whole);
}

TEST_F(CatalogTest, OnlySoManyCopiesAreKeptOfBuildsThatNobodyUses) {
  Catalog& catalog = scanned();
  const std::vector<DigestId> builds = settle_builds(catalog, PluginCopies::kSpareMax + 10, source_);
  EXPECT_EQ(copies(), builds.size());
  const DigestId used[] = {builds[0]};
  catalog.trim_copies(used);
  EXPECT_EQ(copies(), PluginCopies::kSpareMax + 1);
  EXPECT_TRUE(std::filesystem::exists(catalog.plugin(builds[0]).installed)) << "it is used";
  EXPECT_FALSE(std::filesystem::exists(catalog.plugin(builds[1]).installed)) << "it was needed before all others";
  EXPECT_TRUE(std::filesystem::exists(catalog.plugin(builds.back()).installed));
  ASSERT_TRUE(catalog.restore_kept());
  EXPECT_EQ(copies(), PluginCopies::kSpareMax + 1) << "what was let go stays away";
}

TEST_F(CatalogTest, ACopyThatWasLetGoComesFromWhereItWasFoundIfItsBytesAreThere) {
  Catalog& catalog = scanned();
  const DigestId first[] = {settle_builds(catalog, 1, source_).front()};
  const CatalogPlugin& plugin = catalog.plugin(first[0]);
  static_cast<void>(settle_builds(catalog, PluginCopies::kSpareMax + 1, source_));
  catalog.trim_copies({});
  ASSERT_FALSE(std::filesystem::exists(plugin.installed));
  const auto gone = catalog.restore(first);
  ASSERT_TRUE(gone.has_error());
  EXPECT_EQ(gone.error().code, ErrorCode::not_found);
  EXPECT_THAT(gone.error().message, HasSubstr("the bytes of video@1.0.0 are gone: \"" + source_ / "a.so"));
  put("a.so", {.salt = "0"});
  const auto back = catalog.restore(first);
  EXPECT_FALSE(back.has_error()) << back.error().message;
  EXPECT_EQ(contents(plugin.installed), contents(source_ / "a.so"));
}

TEST_F(CatalogTest, AHostThatHasUsedTooManyBuildsIsToBeRestarted) {
  Catalog& catalog = scanned();
  EXPECT_EQ(settle_builds(catalog, Catalog::kPluginsMax, source_).size(), Catalog::kPluginsMax);
  put("a.so", {.salt = "one more"});
  ASSERT_TRUE(catalog.scan());
  const auto refused = catalog.resolve("video");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::too_large);
  EXPECT_THAT(refused.error().message, HasSubstr("restart it"));
}

TEST_F(CatalogTest, RunnersLookWhereTheCopiesAreOrWhereTheSourcesAreIfCopiesCannotBeExecuted) {
  put("libvideo.so", {});
  for (const auto& [use, directory] :
       {std::pair{Copies::loaded, runtime_ / "plugins"}, std::pair{Copies::not_executable, source_.path()}}) {
    Catalog catalog({source_.path()}, runtime_.path(), use);
    ASSERT_TRUE(catalog.scan());
    const DigestId wanted[] = {catalog.resolve("video").value()->id};
    EXPECT_THAT(catalog.directories(wanted), ::testing::ElementsAre(directory));
  }
}

TEST_F(CatalogTest, ADirectoryThatIsNotThereIsToldFromOneWithoutPlugins) {
  Catalog catalog({source_.path(), "/no/such/directory"}, runtime_.path());
  ASSERT_TRUE(catalog.scan());
  const auto plugin = catalog.resolve("video");
  ASSERT_FALSE(plugin);
  EXPECT_THAT(plugin.error().message, HasSubstr("there is no plugin in \"" + source_.path() + "\""));
  EXPECT_THAT(plugin.error().message, HasSubstr("there is no directory \"/no/such/directory\""));
}

TEST_F(CatalogTest, InstallsACopyNamedByItsDigestThatNobodyCanWrite) {
  const std::string file = put("libvideo.so", {});
  Catalog& catalog = scanned();
  const CatalogPlugin& plugin = *catalog.resolve("video").value();
  EXPECT_EQ(plugin.installed, std::filesystem::path(runtime_.path()) / "plugins" / (plugin.digest + ".so"));
  EXPECT_EQ(plugin.digest.size(), 64u);
  EXPECT_EQ(contents(plugin.installed), contents(file));
  struct stat status {};
  ASSERT_EQ(::stat(plugin.installed.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0444u);
  put("libvideo.so", {.version = "1.0.1"});
  EXPECT_NE(contents(plugin.installed), contents(file)) << "overwriting the source harms nobody";
  EXPECT_EQ(plugin.source, file);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(runtime_ / "plugins")) ++files;
  EXPECT_EQ(files, 1u) << "no partial copies are left";
}

TEST_F(CatalogTest, GivesTheSameDigestOneId) {
  put("a.so", {});
  put("b.so", {});
  put("c.so", {.name = "audio"});
  Catalog& catalog = scanned();
  const CatalogPlugin* video = catalog.resolve("video").value();
  EXPECT_EQ(catalog.resolve("video@1.0.0").value(), video);
  const CatalogPlugin* audio = catalog.resolve("audio").value();
  EXPECT_NE(audio->id, video->id);
  EXPECT_EQ(&catalog.plugin(audio->id), audio);
  EXPECT_EQ(catalog.find_digest(video->digest), video->id);
  EXPECT_EQ(catalog.find_digest("no such digest"), std::nullopt);
}

TEST_F(CatalogTest, RefusesTwoFilesOfOneVersionWithDifferentBytes) {
  put("a.so", {});
  put("b.so", {.salt = "rebuilt"});
  const Error error = refused("video@1");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, HasSubstr("ambiguous"));
  EXPECT_THAT(error.message, HasSubstr(source_ / "a.so"));
  EXPECT_THAT(error.message, HasSubstr(source_ / "b.so"));
}

TEST_F(CatalogTest, ListsWhatExistsAndSuggestsTheNearest) {
  put("a.so", {.version = "1.4.0"});
  put("b.so", {.name = "hello"});
  Error error = refused("vidoe@1");
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_THAT(error.message, HasSubstr("there are: video@1.4.0, hello@1.0.0; did you mean \"video\"?"));
  error = refused("video@2");
  EXPECT_THAT(error.message, HasSubstr("no plugin \"video@2\""));
  EXPECT_THAT(error.message, HasSubstr("video@1.4.0"));
}

TEST_F(CatalogTest, SaysWhereItLookedWhenThereIsNothing) {
  EXPECT_THAT(refused("video").message, HasSubstr(source_.path()));
  Catalog nowhere({}, runtime_.path());
  EXPECT_TRUE(nowhere.scan());
  EXPECT_THAT(nowhere.resolve("video").error().message, HasSubstr("is empty"));
}

TEST_F(CatalogTest, RefusesAReferenceThatIsNone) {
  EXPECT_EQ(refused("Video@@").code, ErrorCode::invalid_argument);
}

TEST_F(CatalogTest, SkipsDirectoriesThatDoNotExist) {
  put("a.so", {});
  Catalog catalog({source_ / "missing", source_.path()}, runtime_.path());
  EXPECT_TRUE(catalog.scan());
  EXPECT_TRUE(catalog.resolve("video"));
}

TEST_F(CatalogTest, NamesAPathThatIsNoDirectory) {
  Catalog catalog({source_.write("file", "")}, runtime_.path());
  const Result<void> done = catalog.scan();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr(source_ / "file"));
}

TEST_F(CatalogTest, NamesTheFileThatIsNoElfFile) {
  source_.write("libvideo.so", "#!/bin/sh\n");
  const Error error = refused("video@1");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, HasSubstr(source_ / "libvideo.so"));
}

TEST_F(CatalogTest, NamesTheFileThatHasNoNote) {
  source_.write("video-1.2.0.so", elf_without_note());
  const Error error = refused("video@1");
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, HasSubstr(source_ / "video-1.2.0.so"));
  EXPECT_THAT(error.message, HasSubstr("note"));
}

TEST_F(CatalogTest, NamesTheFileThatHasAnotherAbi) {
  put("x.so", {.abi = "99.0"});
  const Error error = refused("video");
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_THAT(error.message, HasSubstr(source_ / "x.so"));
  EXPECT_THAT(error.message, HasSubstr("99"));
}

TEST_F(CatalogTest, NamesTheFileThatHasAnotherSanitizer) {
  put("x.so", {.sanitizer = detail::sanitizer_name() == "memory" ? "-" : "memory"});
  EXPECT_EQ(refused("video").code, ErrorCode::incompatible);
}

TEST_F(CatalogTest, IsNotDisturbedByBadFilesThatNobodyAskedFor) {
  source_.write("junk.so", "junk");
  put("old.so", {.name = "audio", .abi = "99.0"});
  put("video.so", {});
  EXPECT_EQ(refused("video").code, ErrorCode::none);
}

TEST_F(CatalogTest, NoticesAFileThatWasReplacedAfterTheScan) {
  put("video.so", {});
  Catalog& catalog = scanned();
  put("video.so", {.version = "2.0.0"});
  EXPECT_THAT(catalog.resolve("video@1").error().message, HasSubstr("was replaced"));
}

}  // namespace
}  // namespace flame::pool

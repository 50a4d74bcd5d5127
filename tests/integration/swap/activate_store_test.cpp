// A host with a plugin store: what it begins with, what it writes down, and what it passes over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/src/plugins/store/store.hpp"
#include "tests/integration/swap/swap_test.hpp"

namespace flame::test::activate_store_test {
namespace {

using ::testing::HasSubstr;

class ActivateStore : public SwapTest {
 protected:
  std::string install(const std::string& version) {
    const auto done = store().install(std::string(FLAME_TEST_PLUGINS) + "/swap-" + version + ".so", {});
    EXPECT_TRUE(done) << done.error().message;
    return done ? done->plugin.digest : std::string();
  }
  [[nodiscard]] store::Store store() { return {store_, system_}; }
  std::string version_at_start(const std::string& plugin = "swap@1") {
    Host host(config(plugin));
    return host.pool("work").call<swap::version>();
  }

  store::SystemFiles system_;
};

TEST_F(ActivateStore, ServesTheHighestInstalledVersionAndWhatWasActivatedAfterARestart) {
  install("1.0.0");
  install("1.1.0");
  EXPECT_EQ(version_at_start(), "1.1.0");
  {
    Host host(config());
    EXPECT_TRUE(host.activate("swap@1.0.0").recorded);
  }
  EXPECT_EQ(version_at_start(), "1.0.0");
  {
    Host host(config());
    host.rollback("swap");
    EXPECT_EQ(host.pool("work").call<swap::version>(), "1.1.0") << "what was before the restart";
  }
  EXPECT_EQ(version_at_start(), "1.1.0");
}

TEST_F(ActivateStore, TakesFromStoreAndPathTogether) {
  install("1.0.0");
  add("1.1.0");
  EXPECT_EQ(version_at_start(), "1.1.0");
}

TEST_F(ActivateStore, APinnedPoolTakesNoRecord) {
  install("1.0.0");
  const std::string newer = install("1.1.0");
  ASSERT_TRUE(store().record("swap", {}, newer, store::Narrower::keep));
  EXPECT_EQ(version_at_start("swap@1.0.0"), "1.0.0");
}

TEST_F(ActivateStore, TheNarrowestRecordThatFitsCounts) {
  const std::string one = install("1.0.0");
  const std::string other = install("1.1.0");
  ASSERT_TRUE(store().record("swap", {}, other, store::Narrower::keep));
  ASSERT_TRUE(store().record("swap", {.host = "here", .pool = "work"}, one, store::Narrower::keep));
  ASSERT_TRUE(store().record("swap", {.host = "elsewhere", .pool = ""}, other, store::Narrower::keep));
  EXPECT_EQ(version_at_start(), "1.0.0");
}

TEST_F(ActivateStore, ARefusedVersionIsPassedOverAndNotActivatedUnlessForced) {
  install("1.0.0");
  const std::string bad = install("1.1.0");
  ASSERT_TRUE(store().refuse(bad, {.reason = "it leaks", .host = "", .time = 1}));
  Host host(config());
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
  const Error error = error_of([&] { return host.activate("swap@1.1.0"); });
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_THAT(error.message, HasSubstr("it leaks"));
  host.activate("swap@1.1.0", {.force = true});
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.1.0");
}

TEST_F(ActivateStore, ARunningHostIsNamedWithWhatItUses) {
  const std::string digest = install("1.0.0");
  Host host(config());
  const auto hosts = store().hosts();
  ASSERT_TRUE(hosts);
  ASSERT_EQ(hosts->size(), 1U);
  EXPECT_EQ(hosts->front().name, "here");
  EXPECT_THAT(hosts->front().digests, ::testing::ElementsAre(digest));
}

TEST_F(ActivateStore, WithoutAStoreNoneIsMade) {
  add("1.0.0");
  EXPECT_EQ(version_at_start(), "1.0.0");
  EXPECT_FALSE(std::filesystem::exists(store_));
}

TEST_F(ActivateStore, TheSameVersionWithOtherBytesInBothPlacesNamesBothFiles) {
  install("1.0.0");
  add("1.0.0");
  EXPECT_EQ(version_at_start(), "1.0.0") << "the same bytes are no matter";
  std::filesystem::copy_file(std::string(FLAME_TEST_PLUGINS) + "/swap-1.0.0.so", versions_ / "again.so");
  std::filesystem::resize_file(versions_ / "again.so", std::filesystem::file_size(versions_ / "again.so") + 8);
  const Error error = error_of([&] { return version_at_start(); });
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_THAT(error.message, ::testing::AllOf(HasSubstr("again.so"), HasSubstr(store_)));
}

}  // namespace
}  // namespace flame::test::activate_store_test

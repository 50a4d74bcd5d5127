// A host with a plugin store: what it begins with, what it writes down, and what it passes over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/src/plugins/key_file.hpp"
#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/file.hpp"
#include "tests/integration/swap/swap_test.hpp"

namespace flame::test::activate_store_test {
namespace {

using ::testing::HasSubstr;

class ActivateStore : public SwapTest {
 protected:
  void sign(const std::string& key, const std::string& version) {
    const std::string file = versions_ / ("swap-" + version + ".so");
    const auto bytes = base::read_file(file, 1 << 30).value();
    const std::string text = pool::read_secret_key(key).value().sign(
        {.name = "swap", .version = version, .digest = base::sha256(bytes).hex()});
    ASSERT_TRUE(pool::write_signature(pool::signature_file_of(file), text));
  }
  std::string version_at_start(const std::string& plugin = "swap@1") {
    Host host(config(plugin));
    return host.pool("work").call<swap::version>();
  }
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
  const std::string newer = install("1.1.0").digest;
  ASSERT_TRUE(store().record("swap", {}, newer, store::Narrower::keep));
  EXPECT_EQ(version_at_start("swap@1.0.0"), "1.0.0");
}

TEST_F(ActivateStore, TheNarrowestRecordThatFitsCounts) {
  const std::string one = install("1.0.0").digest;
  const std::string other = install("1.1.0").digest;
  ASSERT_TRUE(store().record("swap", {}, other, store::Narrower::keep));
  ASSERT_TRUE(store().record("swap", {.host = "here", .pool = "work"}, one, store::Narrower::keep));
  ASSERT_TRUE(store().record("swap", {.host = "elsewhere", .pool = ""}, other, store::Narrower::keep));
  EXPECT_EQ(version_at_start(), "1.0.0");
}

TEST_F(ActivateStore, ARefusedVersionIsPassedOverAndNotActivatedUnlessForced) {
  install("1.0.0");
  const std::string bad = install("1.1.0").digest;
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
  const std::string digest = install("1.0.0").digest;
  Host host(config());
  const auto hosts = store().hosts();
  ASSERT_TRUE(hosts);
  ASSERT_EQ(hosts->size(), 1U);
  EXPECT_EQ(hosts->front().name, "here");
  EXPECT_THAT(hosts->front().digests, ::testing::ElementsAre(digest));
}

TEST_F(ActivateStore, ARecordThatCannotBeWrittenChangesNothing) {
  install("1.0.0");
  Host host(config());
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
  install("1.1.0");
  std::filesystem::remove_all(store_ + "/active");
  static_cast<void>(data_.write("store/active", "in the way"));
  const Error error = error_of([&] { return host.activate("swap@1.1.0"); });
  EXPECT_NE(error.code, ErrorCode::none);
  EXPECT_THAT(error.message, HasSubstr(store_ + "/active"));
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.0.0");
  EXPECT_EQ(error_of([&] { return host.rollback("swap"); }).code, ErrorCode::not_found);
}

TEST_F(ActivateStore, WhatIsNotSignedIsNotActivatedNotEvenByForce) {
  add("1.0.0");
  const std::string key = files_ / "key";
  ASSERT_TRUE(pool::make_key_files(key));
  sign(key, "1.0.0");
  HostConfig config = this->config();
  config.plugins.trusted_keys = {key + ".pub"};
  config.plugins.require_signature = true;
  Host host(std::move(config));
  add("1.1.0");
  for (const bool force : {false, true}) {
    const Error error = error_of([&] { return host.activate("swap@1.1.0", {.force = force}); });
    EXPECT_EQ(error.code, ErrorCode::incompatible);
    EXPECT_THAT(error.message, HasSubstr("is not signed"));
  }
  std::filesystem::copy_file(versions_ / "swap-1.0.0.so.sig", versions_ / "swap-1.1.0.so.sig");
  EXPECT_THAT(error_of([&] { return host.activate("swap@1.1.0"); }).message, HasSubstr("does not belong to"));
  sign(key, "1.1.0");
  host.activate("swap@1.1.0");
  EXPECT_EQ(host.pool("work").call<swap::version>(), "1.1.0");
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

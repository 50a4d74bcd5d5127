// What goes wrong on a disk, and what the user is told.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cerrno>

#include "plugin_sdk/base/limits.hpp"
#include "tests/unit/host/plugins/store/faulty_files.hpp"
#include "tests/unit/host/plugins/store/store_test.hpp"

namespace flame::store {
namespace store_errors_test {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class StoreErrors : public StoreTest {
 protected:
  std::string path(const std::string& name) { return (root() / name).string(); }
  /// What install() says when this fails.
  std::string installing(const std::string& operation, const std::string& part, int error) {
    FaultyFiles faulty;
    faulty.fail(operation, part, error);
    Store store(root(), faulty);
    const auto done = store.install(put({.version = "2.0.0"}), {});
    if (done) return "";
    EXPECT_EQ(done.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(files_in("staging"), IsEmpty());
    EXPECT_EQ(versions(), "video@1.4.0") << "nothing was changed";
    return done.error().message;
  }
  static constexpr const char* kFree =
      "No space left on device; free space there, remove versions that nothing uses (flame plugin gc), or name another "
      "directory by [plugins] store";

  const std::string a_ = std::string(64, 'a');
};

TEST_F(StoreErrors, AFullDiskIsNamedWithWhatToDo) {
  installed("1.4.0");
  EXPECT_THAT(installing("write", "staging", ENOSPC),
              AllOf(StartsWith("cannot write to \"" + path("staging/")), EndsWith(kFree)));
  EXPECT_THAT(installing("open", "staging/", ENOSPC), EndsWith(kFree));
  EXPECT_THAT(installing("write", "staging", EDQUOT), HasSubstr("Disk quota exceeded; free space there"));
  EXPECT_THAT(installing("sync", "staging", ENOSPC),
              AllOf(StartsWith("cannot write \"" + path("objects/")), EndsWith(kFree)));
  EXPECT_THAT(installing("rename", "staging", ENOSPC), EndsWith(kFree));
  EXPECT_THAT(installing("make_directory", "refs", ENOSPC),
              AllOf(StartsWith("cannot make the directory \"" + path("refs\"")), EndsWith(kFree)));
}

TEST_F(StoreErrors, AFullDiskChangesNoRecord) {
  activate({}, a_);
  FaultyFiles faulty;
  Store store(root(), faulty);
  for (const char* operation : {"write", "sync", "rename", "open"}) {
    faulty.fail(operation, "staging/", ENOSPC);
    const auto done = store.record("video", {}, std::string(64, 'b'), Narrower::keep);
    ASSERT_FALSE(done) << operation;
    EXPECT_THAT(done.error().message, EndsWith(kFree));
    EXPECT_EQ(store_.records("video")->all().front().digest, a_);
  }
}

TEST_F(StoreErrors, AReadOnlyFileSystemIsNamedWithWhatToDo) {
  installed("1.4.0");
  const std::string remedy =
      "Read-only file system; name a directory that can be written to by [plugins] store or --store";
  EXPECT_EQ(installing("open", "lock", EROFS), "cannot lock the plugin store by \"" + path("lock") + "\": " + remedy);
  FaultyFiles faulty;
  faulty.fail("make_directory", "", EROFS);
  Store store(files_ / "new/store", faulty);
  EXPECT_EQ(store.refuse(a_, {}).error().message, "cannot make the directory \"" + files_ / "new" + "\": " + remedy);
}

TEST_F(StoreErrors, ADirectoryOfAnotherUserIsNotUsed) {
  installed("1.4.0");
  FaultyFiles faulty;
  faulty.give_away("store", 4711);
  Store store(root(), faulty);
  const std::string message = "the plugin store \"" + root().string() +
                              "\" belongs to another user (uid 4711); run this as that user, or name a directory of "
                              "your own by [plugins] store or --store";
  EXPECT_EQ(store.list().error().message, message);
  EXPECT_EQ(store.records("video").error().message, message);
  EXPECT_EQ(store.hosts().error().message, message);
  EXPECT_EQ(store.refuse(a_, {}).error().message, message);
  EXPECT_EQ(store.gc().error().message, message);
}

TEST_F(StoreErrors, AFileOfAnotherUserIsNotInstalled) {
  const std::string file = put({});
  FaultyFiles faulty;
  faulty.give_away("plugin.so", 4711);
  Store store(root(), faulty);
  EXPECT_EQ(store.install(file, {}).error().message,
            "cannot install \"" + file +
                "\": it belongs to another user (uid 4711), who can change it; copy it, and "
                "install the copy");
  faulty.give_away("plugin.so", 0);
  EXPECT_TRUE(store.install(file, {})) << "root may change everything anyway";
}

TEST_F(StoreErrors, ADirectoryThatOthersMayUseIsNotUsed) {
  installed("1.4.0");
  for (const mode_t mode : {0755U, 0770U, 0701U}) {
    ASSERT_EQ(::chmod(root().c_str(), mode), 0);
    EXPECT_EQ(store_.list().error().message, "the plugin store \"" + root().string() +
                                                 "\" can be used by others, and what lies in it is run; make it "
                                                 "private: chmod 0700 \"" +
                                                 root().string() + "\"");
  }
}

TEST_F(StoreErrors, AnUnreadableStoreIsNamedWithWhatToDo) {
  installed("1.4.0");
  FaultyFiles faulty;
  Store store(root(), faulty);
  const std::string remedy =
      "Permission denied; run this as the user whom the store belongs to, or name a directory of your own by [plugins] "
      "store or --store";
  faulty.fail("open", root().string(), EACCES);
  EXPECT_EQ(store.list().error().message, "cannot open the plugin store \"" + root().string() + "\": " + remedy);
  faulty.fail("list", "refs", EACCES);
  EXPECT_EQ(store.list().error().message, "cannot read the directory \"" + path("refs") + "\": " + remedy);
  faulty.fail("open", "active/", EACCES);
  EXPECT_EQ(store.records("video").error().message, "cannot read \"" + path("active/video") + "\": " + remedy);
  faulty.fail("read", "refs/", EIO);
  EXPECT_EQ(store.list()->damaged.front().message,
            "cannot read \"" + path("refs/video/1.4.0") +
                "\": Input/output error; name another directory by [plugins] store or --store if this one cannot be "
                "repaired");
}

TEST_F(StoreErrors, AFileWhereTheStoreShouldBeIsNamed) {
  files_.write("store", "");
  EXPECT_THAT(store_.list().error().message, AllOf(StartsWith("cannot open the plugin store"),
                                                   HasSubstr("a file stands where the store needs a directory")));
  EXPECT_THAT(store_.refuse(a_, {}).error().message, HasSubstr("Not a directory"));
}

TEST_F(StoreErrors, ADamagedFileOfAVersionHidesOnlyThatVersion) {
  const std::string digest = installed("1.4.0");
  installed("1.5.0");
  files_.write("store/refs/video/1.5.0", "flame-builds 1\nrubbish\nend\n");
  const std::string message = "the store's file \"" + path("refs/video/1.5.0") +
                              "\" is damaged: a line has not three words; remove it, and install the plugin again";
  const auto listing = store_.list();
  ASSERT_TRUE(listing);
  EXPECT_EQ(listing->plugins.size(), 1u);
  ASSERT_EQ(listing->damaged.size(), 1u);
  EXPECT_EQ(listing->damaged.front().message, message);
  EXPECT_EQ(store_.find(reference("video@1.4.0"))->digest, digest);
  EXPECT_EQ(store_.find(reference("video@sha256:" + digest))->digest, digest);
  EXPECT_EQ(store_.find(reference("video@1.5.0")).error().message, message);
  EXPECT_EQ(store_.find(reference("video@1")).error().message, message) << "it may be the highest";
  EXPECT_EQ(store_.find(reference("video@sha256:" + digest.substr(0, 12))).error().message, message);
  EXPECT_EQ(store_.gc().error().message, message) << "it may name what is in use";
  EXPECT_EQ(files_in("objects").size(), 2u);
  EXPECT_EQ(refused(put({.version = "1.5.0"})).message, message);
  std::filesystem::remove(root() / "refs/video/1.5.0");
  EXPECT_EQ(refused(put({.version = "1.5.0"})).message, "") << "the remedy works";
}

TEST_F(StoreErrors, DamagedRecordsAreSaidSoAndHoldBackWhatRemoves) {
  installed("1.4.0");
  activate({}, a_);
  files_.write("store/active/video", "");
  const std::string message = "the store's file \"" + path("active/video") +
                              "\" is damaged: it does not begin with \"flame-records \"; remove it, and activate the "
                              "version that you want";
  EXPECT_EQ(store_.records("video").error().message, message);
  EXPECT_EQ(store_.all_records().error().message, message);
  EXPECT_EQ(store_.record("video", {}, a_, Narrower::keep).error().message, message);
  EXPECT_EQ(store_.remove(reference("video@1.4.0")).error().message, message);
  EXPECT_EQ(store_.gc().error().message, message);
  EXPECT_EQ(versions(), "video@1.4.0");
}

TEST_F(StoreErrors, ADamagedRefusalStillRefuses) {
  const std::string digest = installed("1.4.0");
  ASSERT_TRUE(store_.refuse(digest, {"bad", "web-1", 1}));
  files_.write("store/refused/" + digest, "rubbish");
  const std::string message = "the store's file \"" + path("refused/" + digest) +
                              "\" is damaged: it does not begin with \"flame-refusal \"; its plugin counts as refused; "
                              "remove it to allow the plugin again";
  EXPECT_EQ(store_.refusal(digest).error().message, message);
  EXPECT_EQ(store_.find(reference("video"))->refusal->reason, message);
  EXPECT_EQ(store_.list()->damaged.front().message, message);
  EXPECT_TRUE(store_.unrefuse(digest).value());
  EXPECT_FALSE(store_.find(reference("video"))->refusal);
}

TEST_F(StoreErrors, AFileOfALaterFlameIsNotCalledDamaged) {
  activate({}, a_);
  files_.write("store/active/video", "flame-records 2\n");
  const Error error = store_.records("video").error();
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_EQ(error.message,
            "the store's file \"" + path("active/video") + "\" is of a later version of flame; use that one");
}

TEST_F(StoreErrors, AHugeFileIsNotRead) {
  activate({}, a_);
  files_.write("store/active/video", std::string(limits::kStoreFileMax + 2, 'x'));
  EXPECT_THAT(store_.records("video").error().message, HasSubstr("is damaged: it is larger than 1 MiB"));
}

TEST_F(StoreErrors, WhatDoesNotBelongThereIsNamed) {
  installed("1.4.0");
  files_.write("store/refs/video/latest", "");
  files_.write("store/refs/Video", "");
  const auto listing = store_.list();
  ASSERT_TRUE(listing);
  ASSERT_EQ(listing->damaged.size(), 2u);
  EXPECT_EQ(listing->damaged.front().message,
            "the store's file \"" + path("refs/Video") + "\" is none: it does not belong there; move it away");
  files_.write("store/active/Video", "");
  EXPECT_THAT(store_.all_records().error().message, HasSubstr("active/Video\" is none"));
}

TEST_F(StoreErrors, MoreThanAFileHoldsIsRefused) {
  FaultyFiles faulty;
  Store store(root(), faulty);
  std::vector<std::string> digests(limits::kStoreFileMax / 64);
  for (std::size_t i = 0; i < digests.size(); ++i) {
    digests[i] = std::to_string(i);
    digests[i].insert(0, 64 - digests[i].size(), '0');
  }
  const auto host = store.announce("web-1", digests);
  ASSERT_FALSE(host);
  EXPECT_EQ(host.error().code, ErrorCode::too_large);
  EXPECT_THAT(host.error().message, HasSubstr("keeps at most 1 MiB"));
}

}  // namespace store_errors_test
}  // namespace flame::store

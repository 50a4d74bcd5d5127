// Records: which digest is active where, and what comes back.
#include "host/src/plugins/store/records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/src/plugins/store/in_use.hpp"

namespace flame::store {
namespace records_test {

using ::testing::ElementsAre;

const Scope kAll;
const Scope kHost{"web-1", ""};
const Scope kPool{"web-1", "ffmpeg"};

std::vector<std::string> digests(const std::vector<Record>& records) {
  std::vector<std::string> found;
  for (const Record& record : records) found.push_back(record.digest + "<" + record.previous);
  return found;
}

TEST(Records, KeepWhatWasActiveBeforeAndSwapWhenItComesBack) {
  Records records;
  EXPECT_TRUE(records.set(kAll, "a", Narrower::keep));
  EXPECT_THAT(digests(records.all()), ElementsAre("a<"));
  EXPECT_TRUE(records.set(kAll, "b", Narrower::keep));
  EXPECT_THAT(digests(records.all()), ElementsAre("b<a"));
  EXPECT_FALSE(records.set(kAll, "b", Narrower::keep)) << "it is active already";
  EXPECT_THAT(digests(records.all()), ElementsAre("b<a"));
  EXPECT_TRUE(records.set(kAll, "a", Narrower::keep));
  EXPECT_THAT(digests(records.all()), ElementsAre("a<b"));
}

TEST(Records, TheNarrowestComesFirst) {
  Records records;
  for (const auto& [scope, digest] :
       {std::pair{kPool, "pool"}, std::pair{kAll, "all"}, std::pair{kHost, "host"},
        std::pair{Scope{"web-2", ""}, "other host"}, std::pair{Scope{"web-1", "other"}, "other pool"}}) {
    records.set(scope, digest, Narrower::keep);
  }
  EXPECT_THAT(digests(records.narrowest_first("web-1", "ffmpeg")), ElementsAre("pool<", "host<", "all<"));
  EXPECT_THAT(digests(records.narrowest_first("web-2", "ffmpeg")), ElementsAre("other host<", "all<"));
  EXPECT_THAT(digests(records.narrowest_first("web-3", "ffmpeg")), ElementsAre("all<"));
}

TEST(Records, ABroaderOneMayTakeTheNarrowerOnesAway) {
  Records records;
  records.set(kAll, "a", Narrower::keep);
  records.set(kHost, "b", Narrower::keep);
  records.set(kPool, "c", Narrower::keep);
  records.set({"web-2", "ffmpeg"}, "d", Narrower::keep);
  EXPECT_TRUE(records.set(kHost, "b", Narrower::erase)) << "its own digest is the same, but the pool's is gone";
  EXPECT_THAT(digests(records.all()), ElementsAre("a<", "b<", "d<"));
  EXPECT_TRUE(records.erase_narrower(kAll));
  EXPECT_THAT(digests(records.all()), ElementsAre("a<"));
  EXPECT_FALSE(records.erase_narrower(kAll));
}

TEST(Records, WhatTheyNameIsInUse) {
  Records records;
  records.set(kAll, "a", Narrower::keep);
  records.set(kAll, "b", Narrower::keep);
  records.set(kPool, "a", Narrower::keep);
  const InUse used = in_use({records}, {{"web-1", 12, {"b", "c"}}});
  EXPECT_THAT(used, ElementsAre(std::pair{"a", "was active before in *, is active in web-1/ffmpeg"},
                                std::pair{"b", "is active in *, is used by the host web-1 (process 12)"},
                                std::pair{"c", "is used by the host web-1 (process 12)"}));
}

}  // namespace records_test
}  // namespace flame::store

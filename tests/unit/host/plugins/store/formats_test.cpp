// The store's small files: what is printed is read again, and nothing else is read.
#include "host/src/plugins/store/formats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "plugin_sdk/base/limits.hpp"

namespace flame::store {
namespace formats_test {

using ::testing::HasSubstr;

const std::string kA(64, 'a');
const std::string kB(64, 'b');
const std::string kStrange = "a b%20/*\n\x01\xff\xc3\xa9";

std::string error_of(const std::string& text) {
  const auto builds = parse_builds(text);
  return builds ? "" : builds.error().message;
}

TEST(StoreFormats, BuildsComeBackAsTheyWere) {
  const std::vector<Build> builds = {{kB, 1767225600, "/home/me/my plugins/video.so"},
                                     {kA, -1, kStrange},
                                     {std::string(64, 'c'), std::numeric_limits<std::int64_t>::max(), ""}};
  EXPECT_EQ(parse_builds(print(builds)).value(), builds);
  EXPECT_EQ(print({Build{kA, 1767225600, "/home/me/my plugins/video.so"}}),
            "flame-builds 1\n" + kA + " 1767225600 /home/me/my%20plugins/video.so\nend\n");
}

TEST(StoreFormats, RecordsComeBackAsTheyWere) {
  const std::vector<Record> records = {{{}, kA, kB},
                                       {{"*", ""}, kA, ""},
                                       {{"-", "-"}, kB, ""},
                                       {{kStrange, kStrange}, kA, ""},
                                       {{"a/b", "c/d"}, kA, ""}};
  EXPECT_EQ(parse_records(print(records)).value(), records);
  EXPECT_EQ(print(std::vector<Record>{{{}, kA, kB}, {{"web-1", "ffmpeg"}, kB, ""}}),
            "flame-records 1\n* " + kA + " " + kB + "\nweb-1/ffmpeg " + kB + " -\nend\n");
  EXPECT_EQ(parse_records(print(std::vector<Record>())).value(), std::vector<Record>());
}

TEST(StoreFormats, RefusalsAndHostsComeBackAsTheyWere) {
  for (const Refusal& refusal :
       {Refusal{"3 of 4 calls crashed", "web-1", 17}, Refusal{}, Refusal{kStrange, kStrange, -5}})
    EXPECT_EQ(parse_refusal(print(refusal)).value(), refusal);
  for (const HostUse& host : {HostUse{"web-1", 12, {kA, kB}}, HostUse{}, HostUse{kStrange, 1, {}}})
    EXPECT_EQ(parse_host(print(host)).value(), host);
}

TEST(StoreFormats, AFileThatIsCutAnywhereIsDamaged) {
  const std::string builds = print({Build{kA, 1, "/x"}, Build{kB, 2, "/y"}});
  const std::string records = print(std::vector<Record>{{{}, kA, kB}});
  const std::string refusal = print(Refusal{"bad", "web-1", 17});
  const std::string host = print(HostUse{"web-1", 12, {kA, kB}});
  for (std::size_t i = 0; i < builds.size(); ++i) EXPECT_FALSE(parse_builds(builds.substr(0, i))) << i;
  for (std::size_t i = 0; i < records.size(); ++i) EXPECT_FALSE(parse_records(records.substr(0, i))) << i;
  for (std::size_t i = 0; i < refusal.size(); ++i) EXPECT_FALSE(parse_refusal(refusal.substr(0, i))) << i;
  for (std::size_t i = 0; i < host.size(); ++i) EXPECT_FALSE(parse_host(host.substr(0, i))) << i;
}

TEST(StoreFormats, SayWhatIsWrong) {
  EXPECT_EQ(error_of(""), "is damaged: it does not begin with \"flame-builds \"");
  EXPECT_EQ(error_of("flame-builds 1\n"), "is damaged: its end is missing");
  EXPECT_EQ(error_of("flame-builds 1\n" + kA + " 1 /xend\n"), "is damaged: its end is missing");
  EXPECT_EQ(error_of("flame-builds 1\nend\n"), "is damaged: it names no build, or one twice");
  EXPECT_EQ(error_of("flame-builds 1\n" + kA + " 1\nend\n"), "is damaged: a line has not three words");
  EXPECT_EQ(error_of("flame-builds 1\nAbc 1 /x\nend\n"), "is damaged: a line names no build");
  EXPECT_EQ(error_of(print({Build{kA, 1, "/x"}, Build{kA, 2, "/y"}})), "is damaged: it names no build, or one twice");
  EXPECT_EQ(parse_records(print(std::vector<Record>{{{"b", ""}, kA, ""}, {{"a", ""}, kA, ""}})).error().message,
            "is damaged: its lines are not in order");
  EXPECT_EQ(parse_records(print(std::vector<Record>{{{}, kA, "b"}})).error().message,
            "is damaged: a line is no record");
  EXPECT_EQ(parse_host(print(HostUse{"web-1", 1, {kB, kA}})).error().message,
            "is damaged: its digests are not in order");
}

TEST(StoreFormats, TakeNothingThatIsNeverWritten) {
  for (const char* line : {"01 /x", "+1 /x", "1 %2Fx", "1 a%2", "1 %zz", "1 %41", "1 ", "1 %2d", "x /x", "1.0 /x",
                           "9223372036854775808 /x", "1 \xff"}) {
    EXPECT_EQ(error_of("flame-builds 1\n" + kA + " " + line + "\nend\n"),
              "is damaged: it says something that is never written")
        << line;
  }
  for (const char* scope : {"-", "-/p", "*/p", "h/", "h/p/q", "h/-x%2D", "%2a"})
    EXPECT_FALSE(parse_records("flame-records 1\n" + std::string(scope) + " " + kA + " -\nend\n")) << scope;
}

TEST(StoreFormats, AFileOfALaterVersionIsToldFromADamagedOne) {
  const auto builds = parse_builds("flame-builds 2\nanything");
  ASSERT_FALSE(builds);
  EXPECT_EQ(builds.error().code, ErrorCode::incompatible);
  EXPECT_EQ(builds.error().message, "is of a later version of flame; use that one");
}

TEST(StoreFormats, AreBounded) {
  EXPECT_EQ(error_of(std::string(limits::kStoreFileMax + 1, ' ')), "is damaged: it is larger than 1 MiB");
  const std::string longest(limits::kStoreTextMax, 'x');
  EXPECT_TRUE(parse_builds(print({Build{kA, 1, longest}})));
  EXPECT_FALSE(parse_builds(print({Build{kA, 1, longest + "x"}})));
  EXPECT_EQ(cut(longest + "x"), longest);
  EXPECT_FALSE(parse_refusal(print(Refusal{longest + "x", "", 0})));
  EXPECT_FALSE(parse_refusal(print(Refusal{"", longest + "x", 0})));
  EXPECT_FALSE(parse_host(print(HostUse{longest + "x", 0, {}})));
  EXPECT_FALSE(parse_records(print(std::vector<Record>{{{longest + "x", ""}, kA, ""}})));
  std::string lines = "flame-host 1\n";
  for (std::size_t i = 0; i < limits::kStoreRowsMax; ++i) lines += "x\n";
  EXPECT_EQ(parse_host(lines + "end\n").error().message, "is damaged: its first line has not two words");
  EXPECT_EQ(parse_host(lines + "x\nend\n").error().message, "is damaged: it has too many lines");
}

TEST(StoreScope, HoldsInItsPlacesAndIsNarrowerThanWhatHoldsThereToo) {
  const Scope all;
  const Scope host{"h", ""};
  const Scope pool{"h", "p"};
  EXPECT_TRUE(all.holds_for("h", "p") && host.holds_for("h", "p") && pool.holds_for("h", "p"));
  EXPECT_FALSE(host.holds_for("i", "p") || pool.holds_for("h", "q"));
  EXPECT_TRUE(host.is_narrower_than(all) && pool.is_narrower_than(all) && pool.is_narrower_than(host));
  EXPECT_FALSE(all.is_narrower_than(all) || all.is_narrower_than(host) || pool.is_narrower_than({"i", ""}));
  EXPECT_EQ(all.to_string() + " " + host.to_string() + " " + pool.to_string(), "* h h/p");
}

}  // namespace formats_test
}  // namespace flame::store

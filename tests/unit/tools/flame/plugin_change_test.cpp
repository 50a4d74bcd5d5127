// What `flame plugin activate` says of several hosts, as text and as JSON, and whom it asks.
#include "tools/flame/plugin_change.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::cli {
namespace plugin_change_test {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kDigest(64, 'b');

ActivateResult switched(const std::string& to = "1.5.0", char digit = 'b') {
  return {.plugin = "video",
          .version = to,
          .digest = std::string(64, digit),
          .switched = {{"ffmpeg", "video@1.4.0", "video@" + to}},
          .passed_over = {},
          .recorded = true,
          .notes = {}};
}

FoundHost host(const std::string& name, std::int64_t pid) {
  return {.pid = pid, .name = name, .control = "/run/" + name, .own = true};
}

ChangeReport report_of(std::vector<ChangedHost> hosts) {
  return {.plugin = "video",
          .version = {},
          .digest = {},
          .hosts = std::move(hosts),
          .recorded = false,
          .notes = {},
          .problem = {}};
}

control::HostStatus status(std::vector<control::LineStatus> lines) {
  control::PoolStatus pool;
  pool.name = "ffmpeg";
  pool.lines = std::move(lines);
  return {.name = "web-1", .pid = 1, .version = "0", .uptime = {}, .pools = {pool}};
}

control::LineStatus line(const std::string& reference) {
  return {.plugin = reference, .active = "video@1.4.0", .digest = {}, .previous = {}, .candidate = {}, .waits_for = {}};
}

TEST(PluginChange, ConcernsHostsWithALineOfThePlugin) {
  for (const char* reference : {"video", "video@1", "video@1.4.0", "video@sha256:0123456789ab"})
    EXPECT_TRUE(is_concerned(status({line("audio"), line(reference)}), "video", "")) << reference;
  EXPECT_FALSE(is_concerned(status({line("videos@1"), line("audio")}), "video", ""));
  EXPECT_TRUE(is_concerned(status({line("video")}), "video", "ffmpeg"));
  EXPECT_FALSE(is_concerned(status({line("video")}), "video", "other"));
  EXPECT_FALSE(is_concerned({}, "video", ""));
}

TEST(PluginChange, AHostOfAnOlderReleaseIsAskedAndItsAnswerExplained) {
  EXPECT_TRUE(is_concerned(status({}), "video", ""));
  const Error old =
      explain_refusal(host("web-1", 4711),
                      base::make_error(ErrorCode::invalid_argument, "\"ask\" is neither \"status\" nor \"why\"; …"));
  EXPECT_EQ(old.code, ErrorCode::incompatible);
  EXPECT_THAT(old.message, HasSubstr("host web-1 (pid 4711) is of an older release: restart it with this one"));
  const Error other = base::make_error(ErrorCode::invalid_argument, "two builds of it");
  EXPECT_EQ(explain_refusal(host("web-1", 4711), other).message, other.message);
}

TEST(PluginChange, HasALineForEachPoolOfEachHost) {
  ActivateResult partly = switched();
  partly.passed_over = {{"pinned", "video@1.4.0", "it does not admit video@1.5.0"}};
  partly.notes = {"It takes over a task."};
  ActivateResult nothing = switched();
  nothing.switched.clear();
  ChangeReport report = report_of({{host("web-1", 4711), partly}, {host("web-2", 12), nothing}});
  report.notes = {"It is recorded."};
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(change_text(report),
            "web-1 (pid 4711): pool ffmpeg: video@1.4.0 -> video@1.5.0\n"
            "web-1 (pid 4711): pool pinned stays as it is (\"video@1.4.0\"): it does not admit video@1.5.0\n"
            "web-1 (pid 4711): It takes over a task.\n"
            "web-2 (pid 12): nothing to change, as video@1.5.0 serves already\n"
            "It is recorded.\n");
}

TEST(PluginChange, NamesTheHostOfAnError) {
  const auto report = report_of({{host("web-1", 4711), switched()},
                                 {host("web-2", 12), base::make_error(ErrorCode::incompatible, "no pool takes it")}});
  EXPECT_FALSE(report.ok());
  EXPECT_EQ(change_text(report), "web-1 (pid 4711): pool ffmpeg: video@1.4.0 -> video@1.5.0\n");
  const auto errors = change_errors(report);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].message, "web-2 (pid 12): no pool takes it");
  const Json json = change_to_json(report);
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["error"]["code"], "incompatible");
  EXPECT_EQ(json["result"]["hosts"][0]["result"]["switched"][0]["to"], "video@1.5.0");
  EXPECT_EQ(json["result"]["hosts"][1]["error"]["message"], "no pool takes it");
}

TEST(PluginChange, AgreesOnWhatAllHostsServe) {
  ChangeReport report = report_of({{host("web-1", 1), switched()}, {host("web-2", 2), switched()}});
  find_agreement(report);
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.version, "1.5.0");
  EXPECT_EQ(report.digest, kDigest);
}

TEST(PluginChange, DoesNotAgreeWhereSeveralBuildsServe) {
  ChangeReport report = report_of({{host("web-1", 1), switched()}, {host("web-2", 2), switched("1.5.0", 'c')}});
  find_agreement(report);
  ASSERT_TRUE(report.problem);
  EXPECT_EQ(report.digest, "");
  EXPECT_THAT(report.problem->message, HasSubstr("sha256:" + kDigest + ") on host web-1 (pid 1)"));
  ActivateResult mixed = switched();
  mixed.switched.push_back({"other", "video@1.4.0", "video@1.3.0"});
  report = report_of({{host("web-1", 1), mixed}});
  find_agreement(report);
  ASSERT_TRUE(report.problem);
  EXPECT_THAT(report.problem->message, HasSubstr("the pools of host web-1 (pid 1) serve several versions of video"));
}

TEST(PluginChange, AsJsonHasWhatWasDoneAndWhetherItIsRecorded) {
  ChangeReport report = report_of({{host("web-1", 4711), switched()}});
  find_agreement(report);
  report.recorded = true;
  report.notes = {"It is recorded."};
  EXPECT_EQ(change_to_json(report).dump(),
            R"({"ok":true,"result":{"plugin":"video","version":"1.5.0","digest":")" + kDigest +
                R"(","hosts":[{"host":"web-1","pid":4711,"result":{"plugin":"video","version":"1.5.0","digest":")" +
                kDigest +
                R"(","switched":[{"pool":"ffmpeg","from":"video@1.4.0","to":"video@1.5.0"}],"passed_over":[],)"
                R"("recorded":true,"notes":[]}}],"recorded":true,"notes":["It is recorded."]}})");
}

}  // namespace plugin_change_test
}  // namespace flame::cli

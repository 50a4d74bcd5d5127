// Answers of the control socket: their keys are what programs rely on.
#include "host/src/control/answer.hpp"

#include <gtest/gtest.h>

#include "plugin_sdk/base/limits.hpp"

namespace flame::control {
namespace answer_test {

using namespace std::chrono_literals;

HostStatus sample() {
  RunnerStatus runner{.name = "ffmpeg-1",
                      .backend = "local",
                      .state = "ready",
                      .slots_busy = 1,
                      .slots = 4,
                      .isolation = "process",
                      .machine = "4711",
                      .machine_name = "flame-r-1",
                      .age = 2s,
                      .session_age = 1s,
                      .idle = {},
                      .plugins = {{"video@1.4.0", "9c1f", true, ""}},
                      .facts = {{"cpus", "2"}},
                      .children = 1,
                      .tracked = {}};
  BootStatus boot{.runner = "ffmpeg-2",
                  .backend = "fly",
                  .state = "failed",
                  .asked_ago = 5s,
                  .machine = 2ms,
                  .hello = {},
                  .ready = {},
                  .failed = 3s,
                  .reason = "no such image",
                  .phases = {{"queued", "Priority", 1ms}}};
  PoolStatus pool{.name = "ffmpeg",
                  .backend = "local",
                  .isolation = "process",
                  .max_concurrency = 4,
                  .stats = {.runners = 1, .max = 10, .submitted = 7},
                  .oldest_wait = 1ms,
                  .next_boot = {},
                  .boot_failure = "no such image",
                  .lines = {{"video@1", "video@1.4.0", "9c1f", "video@1.3.0", "video@1.5.0", "the runner ffmpeg-1"}},
                  .runners = {runner},
                  .boots = {boot},
                  .children = 1,
                  .tracked = {}};
  pool.stats.discards = {{"memory", 2}};
  return {.name = "web-1", .pid = 42, .version = "0.1.0", .uptime = 1min, .pools = {pool}};
}

TEST(ControlAnswer, TheKeysOfAStatusAreThoseInTheReadme) {
  EXPECT_EQ(
      encode_answer(Answer(sample())),
      R"({"flame":1,"ok":true,"status":{"name":"web-1","pid":42,"version":"0.1.0","uptime_ns":60000000000,"pools":[)"
      R"({"name":"ffmpeg","backend":"local","isolation":"process","max_concurrency":4,"stats":{"runners":1,)"
      R"("booting":0,"draining":0,"slots_busy":0,"slots_held":0,"waiting":0,"min":0,"max":10,)"
      R"("submitted":7,"succeeded":0,"failed":0,"retried":0,)"
      R"("boots":0,"boots_failed":0,"runners_lost":0,"discards":[{"reason":"memory","count":2}]},)"
      R"("oldest_wait_ns":1000000,"boot_failure":"no such image","full":"",)"
      R"("lines":[{"plugin":"video@1","active":"video@1.4.0","digest":"9c1f","previous":"video@1.3.0",)"
      R"("candidate":"video@1.5.0","waits_for":"the runner ffmpeg-1"}],)"
      R"("runners":[{"name":"ffmpeg-1","backend":"local","state":"ready","slots_busy":1,"slots":4,)"
      R"("isolation":"process","machine":"4711","machine_name":"flame-r-1",)"
      R"("age_ns":2000000000,"session_age_ns":1000000000,)"
      R"("plugins":[{"plugin":"video@1.4.0","digest":"9c1f",)"
      R"("forkable":true,"error":""}],"facts":{"cpus":"2"},"children":1}],)"
      R"("boots":[{"runner":"ffmpeg-2","backend":"fly","state":"failed","asked_ago_ns":5000000000,)"
      R"("machine_ns":2000000,"failed_ns":3000000000,"reason":"no such image","phases":[{"phase":"queued",)"
      R"("detail":"Priority","after_ns":1000000}]}],"children":1}]}})"
      "\n");
}

TEST(ControlAnswer, TheKeysOfAStoryAreThoseInTheReadme) {
  const CallReport report{.host = "web-1",
                          .pid = 42,
                          .invocation = 17,
                          .pool = "ffmpeg",
                          .task = "video::resize",
                          .plugin = "video@1.4.0",
                          .state = "ended",
                          .outcome = "crashed",
                          .submitted_ago = 1s,
                          .left_out = 2,
                          .lines = {{812ms, "answered", "ffmpeg-1", "failed: crashed"}}};
  EXPECT_EQ(encode_answer(Answer(report)),
            R"({"flame":1,"ok":true,"call":{"host":"web-1","pid":42,"invocation":17,"pool":"ffmpeg",)"
            R"("task":"video::resize","plugin":"video@1.4.0","state":"ended","outcome":"crashed",)"
            R"("submitted_ago_ns":1000000000,"left_out":2,"lines":[{"after_ns":812000000,"what":"answered",)"
            R"("runner":"ffmpeg-1","text":"failed: crashed"}]}})"
            "\n");
}

TEST(ControlAnswer, TheKeysOfAnOperationAreThoseInTheReadme) {
  OperationStatus operation{.number = 3, .change = "activate video@1.5.0", .state = "under_way", .result = {}};
  EXPECT_EQ(encode_answer(Answer(operation)),
            R"({"flame":1,"ok":true,"operation":{"number":3,"change":"activate video@1.5.0","state":"under_way"}})"
            "\n");
  operation.state = "done";
  operation.result = ActivateResult{.plugin = "video",
                                    .version = "1.5.0",
                                    .digest = "9c1f",
                                    .switched = {{"ffmpeg", "video@1.4.0", "video@1.5.0"}},
                                    .passed_over = {{"old", "video@1.3", "it does not admit video@1.5.0"}},
                                    .recorded = true,
                                    .notes = {"It takes over a task."}};
  const std::string line = encode_answer(Answer(operation));
  EXPECT_EQ(line, R"({"flame":1,"ok":true,"operation":{"number":3,"change":"activate video@1.5.0","state":"done",)"
                  R"("result":{"plugin":"video","version":"1.5.0","digest":"9c1f",)"
                  R"("switched":[{"pool":"ffmpeg","from":"video@1.4.0","to":"video@1.5.0"}],)"
                  R"("passed_over":[{"pool":"old","constraint":"video@1.3","why":"it does not admit video@1.5.0"}],)"
                  R"("recorded":true,"notes":["It takes over a task."]}}})"
                  "\n");
  const auto again = decode_answer(line);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(encode_answer(*again), line);
}

TEST(ControlAnswer, ReadsWhatItWrites) {
  const std::string line = encode_answer(Answer(sample()));
  const auto answer = decode_answer(line);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(encode_answer(*answer), line);
  const auto error = decode_answer(encode_answer(Error{.code = ErrorCode::not_found, .message = "no pool \"x\""}));
  ASSERT_TRUE(error.has_error());
  EXPECT_EQ(error.error().code, ErrorCode::not_found);
  EXPECT_EQ(error.error().message, "no pool \"x\"");
}

TEST(ControlAnswer, OfMachinesIsALine) {
  MachineList list{.host = "web-1", .pid = 7, .backends = {}};
  list.backends.push_back({.backend = "fly", .lists = true, .error = {}, .left_out = 2, .machines = {}});
  list.backends[0].machines.push_back({.name = "flame-a-1",
                                       .id = "i1",
                                       .state = "started",
                                       .place = "fra",
                                       .pool = "video",
                                       .host = "web-1",
                                       .owner = "gone",
                                       .age = std::chrono::nanoseconds(5),
                                       .ends_in = {}});
  const std::string line = encode_answer(Answer(list));
  EXPECT_EQ(line,
            R"({"flame":1,"ok":true,"machines":{"host":"web-1","pid":7,"backends":[{"backend":"fly","lists":true,)"
            R"("error":"","left_out":2,"machines":[{"name":"flame-a-1","id":"i1","state":"started","place":"fra",)"
            R"("pool":"video","host":"web-1","owner":"gone","age_ns":5}]}]}})"
            "\n");
  const auto again = decode_answer(line);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(encode_answer(*again), line);
  const auto log = decode_answer(encode_answer(Answer(MachineReport{.machine = "flame-a-1", .log = "its words"})));
  ASSERT_TRUE(log.has_value());
  EXPECT_EQ(std::get<MachineReport>(*log).log, "its words");
}

TEST(ControlAnswer, RefusesWhatIsNone) {
  for (const std::string_view garbage :
       {"", "{", "[]", "{}", R"({"flame": 2, "ok": true, "status": {}})", R"({"flame": 1})",
        R"({"flame": 1, "error": "x"})", R"({"flame": 1, "error": {}})"}) {
    const auto answer = decode_answer(garbage);
    ASSERT_TRUE(answer.has_error()) << garbage;
    EXPECT_EQ(answer.error().code, ErrorCode::incompatible) << garbage;
    EXPECT_NE(answer.error().message, "") << garbage;
  }
}

TEST(ControlAnswer, WhatIsMissingOrOfAnotherTypeKeepsItsDefault) {
  const auto answer = decode_answer(
      R"({"flame": 1, "status": {"name": 3, "pid": "x", "pools": [7, {"stats": [], "runners": {}, "boots": [{}]}]}})");
  ASSERT_TRUE(answer.has_value());
  const auto& status = std::get<HostStatus>(*answer);
  EXPECT_EQ(status.name, "");
  ASSERT_EQ(status.pools.size(), 2U);
  EXPECT_EQ(status.pools[1].boots.size(), 1U);
}

TEST(ControlAnswer, AnAnswerOverTheLimitIsAnError) {
  HostStatus status = sample();
  status.pools.assign(3, status.pools.front());
  for (auto& pool : status.pools) pool.boot_failure = std::string(limits::kControlAnswerMax / 2, 'x');
  const std::string line = encode_answer(Answer(status));
  EXPECT_LT(line.size(), limits::kControlAnswerMax);
  EXPECT_EQ(decode_answer(line).error().code, ErrorCode::too_large);
}

TEST(ControlAnswer, BytesThatAreNoTextDoNotBreakTheLine) {
  HostStatus status = sample();
  status.name = "a\nb\xff";
  const auto answer = decode_answer(encode_answer(Answer(status)));
  EXPECT_EQ(std::get<HostStatus>(*answer).name, "a\nb\xef\xbf\xbd");
}

}  // namespace answer_test
}  // namespace flame::control

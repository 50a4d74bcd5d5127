// A real flame-runner that takes a new generation of a plugin beside the old one, and ends one.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/runner/fake_host.hpp"
#include "tests/support/eventually.hpp"

namespace flame::test {
namespace {

using ::testing::HasSubstr;

class RunnerGenerations : public LeftoversTest {
 protected:
  static wire::Loaded load(FakeHost& host, const std::string& digest, const std::string& version = "2.0.0",
                           const std::string& directory = {}) {
    ask(host, digest, version, directory);
    return answer(host, digest);
  }
  static void ask(FakeHost& host, const std::string& digest, const std::string& version = "2.0.0",
                  const std::string& directory = {}) {
    wire::Load message;
    message.plugin = {{.name = "probe", .version = version, .digest = digest}};
    message.directory = directory;
    host.send(message);
  }
  static wire::Loaded answer(FakeHost& host, const std::string& digest) {
    auto loaded = host.expect<wire::Loaded>();
    if (!loaded) return wire::make_loaded({}, Error{.code = ErrorCode::timed_out, .message = "no answer"});
    EXPECT_EQ(loaded->digest, digest);
    return std::move(*loaded);
  }
  static void expect_loaded(const wire::Loaded& loaded) {
    EXPECT_EQ(loaded.error.code, ErrorCode::none) << loaded.error.message;
  }
  static void end(FakeHost& host, const std::string& digest) {
    host.send(wire::EndGeneration{.digest = digest});
    expect_ended(host, digest);
  }
  static void expect_ended(FakeHost& host, const std::string& digest) {
    const auto ended = host.expect<wire::GenerationEnded>();
    ASSERT_TRUE(ended.has_value()) << "no answer";
    EXPECT_EQ(ended->digest, digest);
  }
  static std::uint64_t invoke(FakeHost& host, const std::string& digest, const std::string& task) {
    return host.invoke(task, {}, [&](wire::Invoke& message) { message.digest = digest; });
  }
  static Outcome call(FakeHost& host, const std::string& digest, const std::string& task = "version") {
    return host.finish(invoke(host, digest, task));
  }
  static void stop(FakeHost& host, std::uint64_t id) {
    host.send(wire::Cancel{.id = id, .reason = wire::CancelReason::cancelled});
  }
  // The processes that are there now and were not before.
  static std::set<pid_t> since(const FakeHost& host, const std::set<pid_t>& before) {
    std::set<pid_t> now = descendants(host.guardian());
    std::erase_if(now, [&](pid_t pid) { return before.contains(pid); });
    return now;
  }
  static std::set<pid_t> still_there(std::set<pid_t> processes) {
    std::erase_if(processes, [](pid_t pid) { return ::kill(pid, 0) != 0; });
    return processes;
  }
};

TEST_F(RunnerGenerations, ANewOneServesBesideTheOldOneWhoseCallsGoOn) {
  FakeHost host;
  const std::string second = host.add_probe("2");
  host.serve();
  const auto old_call = host.invoke("version_once_stopped");
  ASSERT_TRUE(host.begun(old_call));
  expect_loaded(load(host, second));
  EXPECT_EQ(call(host, second).text(), "2.0.0");
  EXPECT_EQ(call(host, host.digest()).text(), "1.0.0");
  stop(host, old_call);
  EXPECT_EQ(host.finish(old_call).text(), "1.0.0");
}

TEST_F(RunnerGenerations, ANewOneHasAsManySlotsAsTheOldOneHasInUse) {
  FakeHost host;
  const std::string second = host.add_probe("2");
  host.welcome.spare_slots = 0;
  host.serve();
  std::vector<std::uint64_t> calls(3);
  for (auto& id : calls) id = host.invoke("waits_for_stop");
  for (const auto id : calls) ASSERT_TRUE(host.begun(id));
  const std::set<pid_t> before = descendants(host.guardian());
  expect_loaded(load(host, second));
  EXPECT_GE(since(host, before).size(), 4u) << "a zygote and three slots";
  EXPECT_TRUE(eventually([&] { return since(host, before).size() == 4; })) << "those that forked them have gone";
}

// A new version under load would else begin with a process for each caller, where one per processor had been enough. A
// busy machine makes calls look long, so one time out of five has to be right.
TEST_F(RunnerGenerations, ANewOneKnowsWhichTasksAreBrief) {
  const std::uint32_t processors = std::max(std::thread::hardware_concurrency(), 1u);
  const std::size_t enough = 1 + processors + 1;  // a zygote, the pipelines, a spare slot
  std::vector<std::uint64_t> calls(8 * enough);
  FakeHost host;
  const std::string second = host.add_probe("2");
  host.welcome.slots = static_cast<std::uint32_t>(calls.size());
  host.serve();
  std::vector<std::size_t> made;
  for (int times = 0; times < 5; ++times) {
    for (std::size_t i = 0; i < calls.size(); ++i) EXPECT_EQ(host.call("version").text(), "1.0.0");
    const std::set<pid_t> before = descendants(host.guardian());
    expect_loaded(load(host, second));
    for (auto& id : calls) id = invoke(host, second, "version");
    for (const auto id : calls) EXPECT_EQ(host.finish(id).text(), "2.0.0");
    made.push_back(since(host, before).size());
    if (made.back() <= enough) return;
    end(host, second);
  }
  FAIL() << "processes: " << fmt::format("{}", fmt::join(made, ", "));
}

TEST_F(RunnerGenerations, CallsDoNotWaitWhileALargeFileIsRead) {
  FakeHost host;
  host.serve();
  EXPECT_EQ(host.call("version").text(), "1.0.0");
  const TempDir plugins;
  const std::string file = plugins / "large.so";
  std::filesystem::copy_file(FLAME_TEST_PROBES "/probe_2.so", file);
  std::filesystem::resize_file(file, 192 * limits::MiB);
  const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string digest = base::hash_fd(fd.get(), limits::kPluginBytesMax).value().hex();
  std::filesystem::rename(file, plugins / (digest + ".so"));
  const auto asked = std::chrono::steady_clock::now();
  const auto since_then = [&] { return std::chrono::steady_clock::now() - asked; };
  ask(host, digest, "2.0.0", plugins.path());
  EXPECT_EQ(host.call("version").text(), "1.0.0");
  const auto served = since_then();
  expect_loaded(answer(host, digest));
  EXPECT_LT(served, since_then() / 2) << "it waited for the file";
  EXPECT_EQ(call(host, digest).text(), "2.0.0");
}

TEST_F(RunnerGenerations, OneThatIsEndedWhileItsFileIsReadIsGone) {
  FakeHost host;
  const std::string second = host.add_probe("2");
  host.serve();
  for (int times = 0; times < 20; ++times) {
    ask(host, second);
    host.send(wire::EndGeneration{.digest = second});
    EXPECT_EQ(answer(host, second).error.code, ErrorCode::cancelled);
    expect_ended(host, second);
  }
  expect_loaded(load(host, second));
  EXPECT_EQ(call(host, second).text(), "2.0.0");
}

TEST_F(RunnerGenerations, OneThatCannotBeStartedIsGoneAndSaysWhy) {
  FakeHost host;
  host.welcome.start_limit_ns = 500'000'000;
  host.welcome.spare_slots = 0;
  host.serve();
  const auto runs = host.invoke("version_once_stopped");
  ASSERT_TRUE(host.begun(runs));
  EXPECT_EQ(host.call("version").text(), "1.0.0") << "in a second slot: there are no more";
  const std::set<pid_t> before = descendants(host.guardian());
  const struct {
    const char* which;
    ErrorCode code;
    const char* says;
  } kFlaws[] = {{"start_fails", ErrorCode::task_failed, "no model"},
                {"start_crashes", ErrorCode::crashed, "start() ended the process: signal 11"},
                {"start_hangs", ErrorCode::timed_out, "start()"},
                {"start_slot_fails", ErrorCode::task_failed, "no device"}};
  for (const auto& flaw : kFlaws) {
    SCOPED_TRACE(flaw.which);
    const std::string second = host.add_probe(flaw.which);
    for (int tries = 0; tries < 2; ++tries) {
      const Error error = load(host, second).error;
      EXPECT_EQ(error.code, flaw.code);
      EXPECT_THAT(error.message, HasSubstr(flaw.says));
      EXPECT_EQ(error.runner, "r-1");
      EXPECT_EQ(error.plugin, "probe@2.0.0");
      EXPECT_EQ(since(host, before), std::set<pid_t>());
    }
    EXPECT_EQ(call(host, second).result.error.code, ErrorCode::not_found);
    EXPECT_EQ(host.call("version").text(), "1.0.0");
  }
  stop(host, runs);
  EXPECT_EQ(host.finish(runs).text(), "1.0.0");
}

TEST_F(RunnerGenerations, OneWhoseZygoteIsKilledWhileItLoadsIsGone) {
  FakeHost host;
  const std::string second = host.add_probe("start_hangs");
  host.welcome.spare_slots = 0;  // a slot that has just been forked looks like its zygote
  host.serve();
  EXPECT_EQ(host.call("version").text(), "1.0.0");
  const std::set<pid_t> before = descendants(host.guardian());
  ask(host, second);
  std::set<pid_t> zygotes;
  ASSERT_TRUE(eventually([&] {
    zygotes = host.zygotes();
    std::erase_if(zygotes, [&](pid_t pid) { return before.contains(pid); });
    return !zygotes.empty();
  }));
  for (const pid_t pid : zygotes) ::kill(pid, SIGKILL);
  EXPECT_THAT(answer(host, second).error.message, HasSubstr("signal 9"));
  EXPECT_EQ(host.call("version").text(), "1.0.0");
}

TEST_F(RunnerGenerations, AnEndedOneLeavesNoProcessAndTakesNoCall) {
  FakeHost host;
  const std::string second = host.add_probe("2");
  host.serve();
  EXPECT_EQ(host.call("version").text(), "1.0.0");
  std::set<pid_t> of_the_first = descendants(host.guardian());
  of_the_first.erase(host.supervisor());
  expect_loaded(load(host, second));
  end(host, host.digest());
  EXPECT_EQ(still_there(of_the_first), std::set<pid_t>());
  const Error error = host.call("version").result.error;
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_THAT(error.message, HasSubstr("It has: probe@2.0.0"));
  EXPECT_EQ(call(host, second).text(), "2.0.0");
}

TEST_F(RunnerGenerations, AnEndedOneFinishesWhatRuns) {
  FakeHost host;
  const std::string second = host.add_probe("2");
  host.serve();
  const auto runs = host.invoke("version_once_stopped");
  ASSERT_TRUE(host.begun(runs));
  std::set<pid_t> of_the_first = descendants(host.guardian());
  of_the_first.erase(host.supervisor());
  expect_loaded(load(host, second));
  host.send(wire::EndGeneration{.digest = host.digest()});
  EXPECT_EQ(host.call("version").result.error.code, ErrorCode::not_found);
  EXPECT_TRUE(eventually([&] { return still_there(of_the_first).size() == 1; })) << "its slot, and no zygote";
  stop(host, runs);
  EXPECT_EQ(host.finish(runs).text(), "1.0.0");
  expect_ended(host, host.digest());
  EXPECT_EQ(still_there(of_the_first), std::set<pid_t>());
}

TEST_F(RunnerGenerations, OneThatIsNotHereHasEndedAlready) {
  FakeHost host;
  host.serve();
  end(host, std::string(64, 'a'));
  EXPECT_EQ(host.call("version").text(), "1.0.0");
}

TEST_F(RunnerGenerations, AThirdOneIsRefusedUntilAnotherHasEnded) {
  FakeHost host;
  const std::string second = host.add_probe("2");
  const std::string third = host.add_probe("3");
  host.serve();
  expect_loaded(load(host, second));
  const Error error = load(host, third, "3.0.0").error;
  EXPECT_EQ(error.code, ErrorCode::incompatible);
  EXPECT_THAT(error.message, HasSubstr("probe@1.0.0"));
  EXPECT_THAT(error.message, HasSubstr("probe@2.0.0"));
  end(host, host.digest());
  expect_loaded(load(host, third, "3.0.0"));
  EXPECT_EQ(call(host, third).text(), "3.0.0");
}

TEST_F(RunnerGenerations, OneThatIsReadyIsAnsweredAtOnceAndOneThatEndedComesAgain) {
  FakeHost host;
  const std::string second = host.add_probe("2");
  host.serve();
  for (int round = 0; round < 3; ++round) {
    expect_loaded(load(host, second));
    expect_loaded(load(host, second));
    end(host, host.digest());
    // The answers name only the digest: the new one is loaded when nothing of the old one is left.
    ask(host, host.digest(), "1.0.0");
    expect_loaded(answer(host, host.digest()));
    EXPECT_EQ(call(host, host.digest()).text(), "1.0.0");
    host.send(wire::EndGeneration{.digest = second});
    ask(host, second);
    expect_ended(host, second);
    expect_loaded(answer(host, second));
    EXPECT_EQ(call(host, second).text(), "2.0.0");
  }
}

TEST_F(RunnerGenerations, AFileOfOtherBytesIsNotLoaded) {
  FakeHost host;
  host.serve();
  const TempDir elsewhere;
  const auto image = base::read_file(std::string(FLAME_TEST_PROBES) + "/probe_2.so", 64 * limits::MiB);
  ASSERT_TRUE(image.has_value());
  const std::string wanted(64, 'b');
  for (const std::string& bytes : {*image, image->substr(0, image->size() / 2), std::string()}) {
    const std::string path = elsewhere.write(wanted + ".so", bytes);
    ::chmod(path.c_str(), 0644);
    const Error error = load(host, wanted, "2.0.0", elsewhere.path()).error;
    EXPECT_EQ(error.code, ErrorCode::not_found);
    EXPECT_THAT(error.message, HasSubstr(path + " has digest "));
  }
  EXPECT_EQ(host.call("version").text(), "1.0.0");
}

TEST_F(RunnerGenerations, TheHostSaysWhereTheFileIs) {
  FakeHost host;
  host.serve();
  const TempDir elsewhere;
  const std::string second = store(elsewhere, std::string(FLAME_TEST_PROBES) + "/probe_2.so");
  EXPECT_EQ(load(host, second).error.code, ErrorCode::not_found);
  EXPECT_EQ(load(host, second, "2.0.0", "elsewhere").error.code, ErrorCode::invalid_argument);
  expect_loaded(load(host, second, "2.0.0", elsewhere.path()));
  EXPECT_EQ(call(host, second).text(), "2.0.0");
}

TEST_F(RunnerGenerations, ARunnerThatDrainsLoadsNoMore) {
  FakeHost host;
  const std::string second = host.add_probe("2");
  host.serve();
  const auto runs = host.invoke("version_once_stopped");
  ASSERT_TRUE(host.begun(runs));
  host.send(wire::Drain{.grace_ns = 60'000'000'000});
  EXPECT_EQ(load(host, second).error.code, ErrorCode::shutting_down);
  stop(host, runs);
  EXPECT_EQ(host.finish(runs).text(), "1.0.0");
  EXPECT_TRUE(host.expect<wire::Retire>().has_value());
  host.send(wire::RetireReply{.granted = true});
  EXPECT_EQ(host.wait_exit(), 0);
}

TEST_F(RunnerGenerations, WhatIsBeingLoadedKeepsNoRunner) {
  for (const bool by_drain : {true, false}) {
    FakeHost host;
    const std::string second = host.add_probe("start_hangs");
    host.serve();
    EXPECT_EQ(host.call("version").text(), "1.0.0");
    ask(host, second);
    ASSERT_TRUE(eventually([&] { return host.zygotes().size() >= 2; }));
    if (by_drain) {
      host.send(wire::Drain{.grace_ns = 60'000'000'000});
      EXPECT_TRUE(host.expect<wire::Retire>().has_value());
      host.send(wire::RetireReply{.granted = true});
      EXPECT_TRUE(host.expect<wire::Bye>().has_value());
    } else {
      host.vanish();
    }
    EXPECT_EQ(host.wait_exit(), 0);
  }
}

TEST_F(RunnerGenerations, ThreadsAreReplacedAsProcessesAre) {
  FakeHost host;
  const std::string second = host.add_probe("2");
  host.welcome.isolation = wire::Isolation::thread;
  host.serve();
  const auto runs = host.invoke("version_once_stopped");
  ASSERT_TRUE(host.begun(runs));
  std::set<pid_t> of_the_first = descendants(host.guardian());
  of_the_first.erase(host.supervisor());
  expect_loaded(load(host, second));
  EXPECT_EQ(call(host, second).text(), "2.0.0");
  host.send(wire::EndGeneration{.digest = host.digest()});
  EXPECT_EQ(host.call("version").result.error.code, ErrorCode::not_found);
  stop(host, runs);
  EXPECT_EQ(host.finish(runs).text(), "1.0.0");
  expect_ended(host, host.digest());
  EXPECT_EQ(still_there(of_the_first), std::set<pid_t>());
  EXPECT_EQ(call(host, second).text(), "2.0.0");
}

TEST_F(RunnerGenerations, APluginThatWasNotThereAtTheStartIsLoadedToo) {
  FakeHost host;
  const std::string second = host.add_probe("2");
  host.parent.plugins.clear();
  host.serve();
  EXPECT_EQ(call(host, second).result.error.code, ErrorCode::not_found);
  expect_loaded(load(host, second));
  EXPECT_EQ(call(host, second).text(), "2.0.0");
}

}  // namespace
}  // namespace flame::test

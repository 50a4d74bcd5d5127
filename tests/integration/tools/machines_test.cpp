// `flame machines` on a running host, whose engine holds machines of this host, of one that is gone, and of others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <flame/host.hpp>

#include "host/src/policy/machine_owner.hpp"
#include "host/src/setup/host_identity.hpp"
#include "tests/integration/tools/cli_test.hpp"
#include "tests/support/idle_backend.hpp"

namespace flame::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kHostName = "machines-test";

/// An engine with machines that somebody has made.
class Engine final : public IdleBackend {
 public:
  explicit Engine(std::vector<Machine> machines) : IdleBackend("far"), machines_(std::move(machines)) {
    traits_.lists = true;
  }
  [[nodiscard]] const BackendTraits& traits() const override { return traits_; }
  void list(std::uint64_t ticket, const Labels& scope) override {
    const std::lock_guard lock(mutex_);
    std::vector<Machine> found;
    std::ranges::copy_if(machines_, std::back_inserter(found), [&](const Machine& machine) {
      return machine.labels.at("flame-host") == scope.at("flame-host");
    });
    events()->listed(ticket, std::move(found));
  }
  void logs(std::uint64_t ticket, const Machine& machine, std::uint64_t /*bytes_max*/) override {
    events()->logged(ticket, "words of " + machine.id);
  }
  void destroy(const MachineName& name, const MachineId& /*id*/) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(machines_, [&](const Machine& machine) { return machine.name == name; });
    events()->destroyed(name, std::nullopt);
  }
  [[nodiscard]] bool has(const MachineName& name) {
    const std::lock_guard lock(mutex_);
    return std::ranges::find(machines_, name, &Machine::name) != machines_.end();
  }

 private:
  BackendTraits traits_;
  std::mutex mutex_;
  std::vector<Machine> machines_;
};

class FlameMachines : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    control_ = files() / "control.sock";
    config_ = write_config("backend = \"far\"\n[host]\nname = \"" + std::string(kHostName) + "\"\ncontrol = \"" +
                           control_ + "\"\n");
    host_ = std::make_unique<Host>(load_config(config_).value(), std::vector<std::shared_ptr<Backend>>{engine_});
  }
  void TearDown() override {
    host_.reset();
    CliTest::TearDown();
  }
  static Machine machine(const std::string& name, std::uint64_t other_start, const std::string& origin = {}) {
    pool::HostIdentity identity = pool::host_identity(kHostName);
    const auto process = pool::parse_process_label(identity.process).value();
    identity.process = pool::process_label(process.pid, process.start_time + other_start);
    if (!origin.empty()) identity.origin = origin;
    return {.name = name,
            .id = "i-" + name,
            .labels = pool::machine_labels(name, "main", identity),
            .state = "started",
            .age = std::chrono::hours(1)};
  }
  [[nodiscard]] CommandResult machines(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "machines");
    arguments.insert(arguments.end(), {"--control", control_});
    return flame_command(arguments);
  }

  std::shared_ptr<Engine> engine_ = std::make_shared<Engine>(std::vector{
      machine("flame-dead-1", 1), machine("flame-twin-1", 0), machine("flame-there-1", 0, "another-computer")});
  std::string control_;
  std::unique_ptr<Host> host_;
};

TEST_F(FlameMachines, AreListedWithWhomTheyBelongTo) {
  const CommandResult shown = machines({"list"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("host " + std::string(kHostName)));
  EXPECT_THAT(shown.out, HasSubstr("flame-dead-1"));
  EXPECT_THAT(shown.out, HasSubstr("nobody, its host is gone"));
  EXPECT_THAT(shown.out, HasSubstr("a living host"));
  EXPECT_THAT(shown.out, HasSubstr("a host elsewhere"));
  const json result = json::parse(machines({"list", "--json"}).out);
  const json& backend = result["result"]["hosts"][0]["backends"][0];
  EXPECT_EQ(backend["backend"], "far");
  EXPECT_EQ(backend["machines"].size(), 3U);
  EXPECT_EQ(backend["machines"][0]["owner"], "gone");
  EXPECT_EQ(backend["machines"][0]["pool"], "main");
}

TEST_F(FlameMachines, ThatBelongToNobodyAreReapedAndNoOthers) {
  const CommandResult reaped = machines({"reap"});
  EXPECT_EQ(reaped.exit_code, 0) << reaped.err;
  EXPECT_THAT(reaped.out, HasSubstr("destroyed flame-dead-1"));
  EXPECT_THAT(reaped.out, HasSubstr("2 machines belong to somebody"));
  EXPECT_FALSE(engine_->has("flame-dead-1"));
  EXPECT_TRUE(engine_->has("flame-twin-1"));
  EXPECT_TRUE(engine_->has("flame-there-1"));
  EXPECT_THAT(machines({"reap"}).out, HasSubstr("nothing to destroy"));
}

TEST_F(FlameMachines, ThatMayBeNeededAreNotReapedWithoutAQuestion) {
  const CommandResult refused = machines({"reap", "flame-twin-1", "flame-dead-1"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("flame-twin-1"));
  EXPECT_THAT(refused.err, HasSubstr("belongs to a living host"));
  EXPECT_THAT(refused.err, HasSubstr("--yes"));
  EXPECT_TRUE(engine_->has("flame-twin-1"));
  EXPECT_TRUE(engine_->has("flame-dead-1")) << "nothing is done by halves";
  const CommandResult reaped = machines({"reap", "i-flame-twin-1", "--yes", "--json"});
  EXPECT_EQ(reaped.exit_code, 0) << reaped.err;
  EXPECT_EQ(json::parse(reaped.out)["result"]["machines"][0]["destroyed"], true);
  EXPECT_FALSE(engine_->has("flame-twin-1"));
}

TEST_F(FlameMachines, ThatMayBeNeededAreAskedForAtATerminal) {
  const std::vector<std::string> reap{"machines", "reap", "flame-twin-1", "--control", control_};
  for (const char* no : {"n\n", "\n"}) {
    CommandRun run(reap, "", {}, Errors::terminal_and_input);
    ASSERT_TRUE(run.wait_for_error_text("[y/N] "));
    run.type(no);
    const CommandResult refused = run.finish();
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr("Nothing was destroyed"));
    EXPECT_TRUE(engine_->has("flame-twin-1"));
  }
  CommandRun run(reap, "", {}, Errors::terminal_and_input);
  ASSERT_TRUE(run.wait_for_error_text("[y/N] "));
  run.type("y\n");
  EXPECT_EQ(run.finish().exit_code, 0);
  EXPECT_FALSE(engine_->has("flame-twin-1"));
}

TEST_F(FlameMachines, HaveALog) {
  EXPECT_EQ(machines({"logs", "flame-twin-1"}).out, "words of i-flame-twin-1\n");
  const CommandResult unknown = machines({"logs", "flame-twin-2"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("flame-twin-1")) << "the nearest one";
}

TEST_F(FlameMachines, OfAConfigurationAloneAreThoseOfItsBackends) {
  const std::string local = write_config("");
  const CommandResult shown = flame_command({"machines", "list", "--config", local});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("backend local does not list"));
  EXPECT_THAT(flame_command({"machines", "reap", "--config", local}).out, HasSubstr("nothing to destroy"));
  const CommandResult missing = flame_command({"machines", "list", "--config", "/nonexistent.toml"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("/nonexistent.toml"));
}

TEST_F(FlameMachines, OfAHostThatIsNotThereCanBeSeenByItsConfiguration) {
  const CommandResult none = flame_command({"machines", "list", "--host", "no-such-host"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("--config"));
}

}  // namespace
}  // namespace flame::test

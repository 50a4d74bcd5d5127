// The engines of a simulated world, one for each backend of its pool: machines that boot slowly, fail, end and die,
// with runners on those of its host.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/client.hpp"
#include "tests/sim/machine_rules.hpp"
#include "tests/sim/runner_model.hpp"

namespace flame::sim {

class Engines {
 public:
  /// The process of the world's host.
  static constexpr pool::HostProcess kHost{.pid = 1, .start_time = 1};

  Engines(Context& sim, Network& network);
  Engines(const Engines&) = delete;
  Engines& operator=(const Engines&) = delete;

  /// For a process that begins.
  [[nodiscard]] std::map<std::string, std::shared_ptr<Backend>> begin(const pool::HostProcess& process);
  /// It is gone; its machines are not.
  void end(const pool::HostProcess& process);
  [[nodiscard]] const MachineRules& rules() const noexcept { return rules_; }
  /// Called when the machine of a runner ends at a time that its host has known for a while.
  void on_known_end(std::function<void(RunnerId)> callback) { on_known_end_ = std::move(callback); }

  /// Runners that run, or stand still.
  [[nodiscard]] std::vector<RunnerModel*> running() const;
  void thaw_all();
  [[nodiscard]] std::vector<MachineName> machines_of(const pool::HostProcess& process) const;
  [[nodiscard]] std::size_t machines() const;

  // --- trouble
  void be_down(bool down);
  void announce_some_end();
  void spoil_lists();
  void lie();

 private:
  using Unit = test::ScriptedEngine::Unit;

  [[nodiscard]] BackendTraits traits(bool first) const;
  [[nodiscard]] test::Fate fate_of(bool first, const BootRequest& request);
  [[nodiscard]] std::optional<BootFailure> failure(bool first);
  [[nodiscard]] Duration exit_told();
  void started(test::ScriptedEngine& engine, const Unit& unit);
  void is_gone(const Unit& unit);

  Context& sim_;
  Network& network_;
  MachineRules rules_;
  std::deque<test::ScriptedEngine> engines_;
  std::map<std::string, std::vector<std::shared_ptr<Client>>> clients_;  // by their process
  std::map<MachineName, std::unique_ptr<RunnerModel>> runners_;
  std::map<MachineName, Instant> end_known_;  // since when
  std::set<MachineName> lost_answers_;        // whose hosts do not know that they have booted
  std::function<void(RunnerId)> on_known_end_;
};

}  // namespace flame::sim

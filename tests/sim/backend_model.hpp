// The backend of a simulated world: machines that boot slowly, fail, die, and whose end is reported early, late or
// never.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "tests/sim/runner_model.hpp"
#include "tests/sim/sim_host.hpp"

namespace flame::sim {

class BackendModel final : public pool::MachineMaker {
 public:
  BackendModel(Context& sim, Network& network) : sim_(sim), network_(network) {}
  void set_host(SimHost& host) { host_ = &host; }

  void boot(pool::RunnerKey runner, const std::string& backend, BootRequest request) override;
  void destroy(pool::RunnerKey runner) override;
  [[nodiscard]] Called machine_of(pool::RunnerKey) const override { return {}; }
  [[nodiscard]] const BackendTraits& traits(const std::string& backend) const override;

  /// Machines on which a runner runs, or stands still.
  [[nodiscard]] std::vector<RunnerModel*> running() const;
  void thaw_all();

 private:
  struct Machine {
    std::unique_ptr<RunnerModel> runner;
    bool answered = false;
    bool destroyed = false;
    bool exited = false;
  };

  void boot_fails(RunnerId id);
  void starts(RunnerId id);
  void answers(RunnerId id);
  void kill(RunnerId id);
  void exited(RunnerId id);
  void report_exit(RunnerId id);

  Context& sim_;
  Network& network_;
  SimHost* host_ = nullptr;
  std::map<RunnerId, Machine> machines_;
};

}  // namespace flame::sim

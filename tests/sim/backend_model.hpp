// The backend of a simulated world: machines that boot slowly, fail, die, and whose end is reported early, late or
// never.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "tests/sim/host_model.hpp"
#include "tests/sim/runner_model.hpp"

namespace flame::sim {

class BackendModel final : public MachineMaker {
 public:
  BackendModel(Context& sim, Network& network) : sim_(sim), network_(network) {}
  void set_host(HostModel& host) { host_ = &host; }

  void boot(RunnerId runner, const std::vector<DigestId>& digests) override;
  void destroy(RunnerId runner) override;

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
  HostModel* host_ = nullptr;
  std::map<RunnerId, Machine> machines_;
};

}  // namespace flame::sim

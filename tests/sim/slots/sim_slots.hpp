// The processes of a simulated machine that have slots: they take their time to come and to go.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runner/processes/slot_pool.hpp"
#include "runner/processes/slot_system.hpp"
#include "tests/sim/slots/sim_slot.hpp"

namespace flame::sim {

class SimSlots final : public runner::SlotSystem {
 public:
  SimSlots(Context& sim, Machine& machine) : sim_(sim), machine_(machine) {}
  /// Who hears of them from now on.
  void serve(runner::SlotPool& pool) { pool_ = &pool; }

  // --- SlotSystem
  [[nodiscard]] slot::MakeResult<runner::MadeSlots> make(Instant now, const runner::ForkProcess& wanted) override;
  void kill(pid_t pid) override;
  [[nodiscard]] std::string why_no_slot(Instant, runner::GenerationId) const override { return {}; }
  [[nodiscard]] std::string plugin_name(runner::GenerationId) const override { return "simulated"; }
  [[nodiscard]] bool stops_slots(runner::GenerationId) const override { return sim_.plan.slots_say_goodbye; }
  [[nodiscard]] std::vector<std::string> name_frames(runner::GenerationId, std::vector<slot::CodeAddress>) override {
    return {};
  }
  [[nodiscard]] Duration cpu_time(pid_t) const override { return {}; }
  [[nodiscard]] runner::ThreadWatch::Load load(pid_t) const override { return {}; }
  [[nodiscard]] std::uint64_t oom_kills() const override { return 0; }

  // --- by the machine
  void pause();
  void resume();
  /// It is gone, and all that runs on it.
  void die();
  /// Some task runs whose caller wants it to end with the host.
  [[nodiscard]] bool linked_work() const;
  /// Some process could not be made.
  [[nodiscard]] bool has_failed() const noexcept { return failed_; }

 private:
  struct Process {
    runner::ProcessId id = 0;
    bool dead = false;
    std::vector<SimSlot*> slots;  // of the pool, which keeps them until it has reaped the process; null: gone
  };

  void start(pid_t pid);
  void strike(pid_t pid, int status);
  void heard(pid_t pid, std::uint32_t index);
  template <class Deed>
  void each(Deed deed) const;

  Context& sim_;
  Machine& machine_;
  runner::SlotPool* pool_ = nullptr;
  std::map<pid_t, Process> processes_;
  pid_t last_pid_ = 0;
  bool failed_ = false;
};

}  // namespace flame::sim

// The machines of all pools: asks backends for them, remembers whose they are, and destroys what came too late.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <flame/backend.hpp>

#include "host/src/calls/inbox.hpp"
#include "host/src/loop/machine_maker.hpp"
#include "host/src/policy/types.hpp"

namespace flame::pool {

/// Loop thread, except construction. Callbacks of backends come back through the inbox, so they never run after the
/// loop has ended.
class Machines final : public MachineMaker {
 public:
  struct Events {
    std::function<void(RunnerKey, std::optional<BootFailure>, Instant now)> on_boot;
    std::function<void(RunnerKey, std::string reason, Instant now)> on_exit;
    /// Its backend could not end the runner's machine, which may run on.
    std::function<void(RunnerKey, std::string what)> on_left;
  };

  Machines(std::map<std::string, std::shared_ptr<Backend>> backends, std::shared_ptr<Inbox> inbox);
  void set_events(Events events) { events_ = std::move(events); }

  // --- MachineMaker
  void boot(RunnerKey runner, const std::string& backend, BootRequest request) override;
  void destroy(RunnerKey runner) override;
  [[nodiscard]] MachineId name_of(RunnerKey runner) const override;

  /// What a backend has said meanwhile.
  void on(command::Booted&& booted, Instant now);
  void on(command::Exited&& exited, Instant now);
  /// Machines that exist or are being booted.
  [[nodiscard]] std::size_t count() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    Backend* backend = nullptr;
    std::optional<MachineId> machine;
    bool destroyed = false;
    bool exited = false;
  };
  using Name = std::pair<Backend*, MachineId>;

  void end(const Name& machine, RunnerKey runner);
  void destroy_now(const Name& machine, RunnerKey runner);
  void exited(Backend* backend, const MachineId& machine, std::string reason, Instant now);

  std::map<std::string, std::shared_ptr<Backend>> backends_;
  std::shared_ptr<Inbox> inbox_;
  Events events_;
  std::map<RunnerKey, Entry> entries_;
  std::map<Name, RunnerKey> runners_;
  std::deque<std::pair<Name, RunnerKey>> destroyed_;  // the last ones, until their exit
  std::map<Name, std::string> early_exits_;           // of machines whose boot is not answered yet
};

}  // namespace flame::pool

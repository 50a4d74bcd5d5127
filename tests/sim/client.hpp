// A backend as one host's process has it: it ends with the process, obeys no host against the rules, and may lie.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tests/sim/machine_rules.hpp"
#include "tests/support/scripted_backend.hpp"

namespace flame::sim {

class Client final : public Backend {
 public:
  Client(MachineRules& rules, const pool::HostProcess& process, std::string name, const BackendTraits& traits,
         test::ScriptedEngine& engine)
      : rules_(rules),
        process_(process),
        engine_(engine),
        real_(std::make_unique<test::ScriptedBackend>(name, traits, engine)),
        name_(std::move(name)),
        traits_(traits) {}

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] const BackendTraits& traits() const override { return traits_; }
  void open(BackendEvents& events) override {
    events_ = &events;
    real_->open(events);
  }
  void boot(BootRequest request) override {
    if (real_ == nullptr) return;
    rules_.boots(process_, *this, engine_, request.name);
    real_->boot(std::move(request));
  }
  void destroy(const MachineName& machine, const MachineId& id) override {
    if (real_ == nullptr) return;
    rules_.destroys(process_, engine_, machine);
    real_->destroy(machine, id);
  }
  void list(std::uint64_t ticket, const Labels& scope) override {
    if (real_ != nullptr) real_->list(ticket, scope);
  }
  void logs(std::uint64_t ticket, const flame::Machine& machine, std::uint64_t bytes_max) override {
    if (real_ != nullptr) real_->logs(ticket, machine, bytes_max);
  }
  void close(Duration within) override {
    if (real_ != nullptr) real_->close(within);
  }

  /// The process is killed: nothing is asked or said any more.
  void die() { real_.reset(); }
  /// Speaks of a machine that it does not have for its host: with it, anything may be said.
  void lie(const MachineName& about, Chance& chance);

 private:
  MachineRules& rules_;
  const pool::HostProcess process_;
  test::ScriptedEngine& engine_;
  std::unique_ptr<test::ScriptedBackend> real_;
  const std::string name_;
  const BackendTraits traits_;
  BackendEvents* events_ = nullptr;
};

}  // namespace flame::sim

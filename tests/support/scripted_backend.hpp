// A backend under virtual time: it keeps every rule of the contract.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <flame/backend.hpp>

#include "tests/support/scripted_engine.hpp"

namespace flame::test {

/// Answers what its engine's script says when the agenda comes to it; never from within a call. No thread.
class ScriptedBackend final : public Backend, private ScriptedEngine::Client {
 public:
  ScriptedBackend(std::string name, BackendTraits traits, ScriptedEngine& engine);
  /// Also before closed(), as in a process that is killed: it says nothing more, and its machines stay.
  ~ScriptedBackend() override;
  ScriptedBackend(const ScriptedBackend&) = delete;
  ScriptedBackend& operator=(const ScriptedBackend&) = delete;

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] const BackendTraits& traits() const override { return traits_; }
  void open(BackendEvents& events) override;
  void boot(BootRequest request) override;
  void destroy(const MachineName& name, const MachineId& id) override;
  void list(std::uint64_t ticket, const Labels& scope) override;
  void logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) override;
  void close(Duration within) override;

 private:
  using Unit = ScriptedEngine::Unit;
  struct Entry {
    Labels labels;
    unsigned boots = 0;     // that are not answered
    unsigned destroys = 0;  // the same
    int phase = -1;         // the last one that was told
    bool submitted = false;
    bool booted = false;
    bool exited = false;
  };

  // --- Client
  void moved(const Unit& unit) override;
  void failed(const MachineName& name, const BootFailure& failure) override;
  void died(const MachineName& name, const MachineExit& exit) override;
  void ending(const MachineName& name, Duration left, const std::string& why) override;
  void came_back() override;

  void later(Duration delay, std::function<void()> task);
  void call(std::function<void()> work, std::function<void()> gives_up);
  void submit(const BootRequest& request);
  void answer_started(const MachineName& name);
  void tell_booted(const Unit& unit);
  void answer(const MachineName& name, const BootOutcome& outcome);
  void answer_once(const MachineName& name, const BootOutcome& outcome);
  void destroy_now(const MachineName& name);
  void leave(const MachineName& name, const std::string& why);
  void tell_exit(const MachineName& name, const MachineExit& exit);
  void answer_tickets(std::set<std::uint64_t> lists, std::set<std::uint64_t> logs);
  void give_up();
  void close_if_done();
  [[nodiscard]] Entry* find(const MachineName& name);
  [[nodiscard]] bool owns(const Machine& machine) const;
  [[nodiscard]] BootFailure given_up(const MachineName& name, bool may_exist) const;

  const std::string name_;
  const BackendTraits traits_;
  ScriptedEngine& engine_;
  BackendEvents* events_ = nullptr;
  std::map<MachineName, Entry> entries_;
  std::set<std::uint64_t> lists_;  // tickets that are not answered
  std::set<std::uint64_t> logs_;
  bool closing_ = false;
  bool closed_ = false;
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);  // for what waits in the agenda
};

}  // namespace flame::test

// Between a backend and its host: passes on what is said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/backend.hpp>

namespace flame::test {

/// Tests override what they keep back. Set up before open().
class ForwardedEvents : public BackendEvents {
 public:
  void forward_to(BackendEvents& events) { to_ = &events; }
  /// Null before open().
  [[nodiscard]] BackendEvents* to() const noexcept { return to_; }

  void log(int level, std::string_view line) noexcept override { to_->log(level, line); }
  void opened(boost::system::result<EngineFacts, BootFailure> facts) noexcept override {
    to_->opened(std::move(facts));
  }
  void phase(const MachineName& name, BootPhase phase, std::string_view detail) noexcept override {
    to_->phase(name, phase, detail);
  }
  void booted(const MachineName& name, BootOutcome outcome) noexcept override { to_->booted(name, std::move(outcome)); }
  void ending(const MachineName& name, Duration left, std::string_view why) noexcept override {
    to_->ending(name, left, why);
  }
  void exited(const MachineName& name, MachineExit exit) noexcept override { to_->exited(name, std::move(exit)); }
  void destroyed(const MachineName& name, std::optional<Error> left) noexcept override {
    to_->destroyed(name, std::move(left));
  }
  void listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept override {
    to_->listed(ticket, std::move(machines));
  }
  void logged(std::uint64_t ticket, Result<std::string> text) noexcept override {
    to_->logged(ticket, std::move(text));
  }
  void closed() noexcept override { to_->closed(); }

 protected:
  ~ForwardedEvents() = default;

 private:
  BackendEvents* to_ = nullptr;
};

}  // namespace flame::test

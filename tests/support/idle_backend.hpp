// A backend that has a name and boots nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/backend.hpp>

namespace flame::test {

/// Never answers a boot; everything else at once. Fakes override what they need.
class IdleBackend : public Backend {
 public:
  explicit IdleBackend(std::string name, BackendTraits traits = {})
      : name_(std::move(name)), traits_(std::move(traits)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] const BackendTraits& traits() const override { return traits_; }
  void open(BackendEvents& events) override {
    events_ = &events;
    events.opened(EngineFacts{});
  }
  void boot(BootRequest /*request*/) override {}
  void destroy(const MachineName& name, const MachineId& /*id*/) override { events_->destroyed(name, std::nullopt); }
  void list(std::uint64_t ticket, const Labels& /*scope*/) override { events_->listed(ticket, std::vector<Machine>()); }
  void logs(std::uint64_t ticket, const Machine& /*machine*/, std::uint64_t /*bytes_max*/) override {
    events_->logged(ticket, std::string());
  }
  void close(Duration /*within*/) override { events_->closed(); }

 protected:
  /// Null before open().
  [[nodiscard]] BackendEvents* events() const noexcept { return events_; }

 private:
  std::string name_;
  BackendTraits traits_;
  BackendEvents* events_ = nullptr;
};

}  // namespace flame::test

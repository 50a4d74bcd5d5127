// One backend that a command has opened: its answers can be waited for.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/backend.hpp>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/log.hpp"

namespace flame::cli {

/// Events: any thread, the rest: one thread. Lives until its backend has said closed(): else it may still speak.
class OpenedBackend final : private BackendEvents {
 public:
  /// How long each wait for an answer may take, and what ends it.
  struct Patience {
    Duration answer_max = limits::kMachineCommandMax;
    std::stop_token stop{};
  };
  OpenedBackend(std::shared_ptr<Backend> backend, base::Logger log, Patience patience)
      : backend_(std::move(backend)), log_(std::move(log)), patience_(std::move(patience)) {}
  ~OpenedBackend() = default;
  OpenedBackend(const OpenedBackend&) = delete;
  OpenedBackend& operator=(const OpenedBackend&) = delete;

  void open() { backend_->open(*this); }
  void close(Duration within) { backend_->close(within); }
  [[nodiscard]] bool wait_closed(Duration most);

  // Each waits for the backend to have opened, then for its answer. Errors besides the backend's: timed_out, cancelled.
  [[nodiscard]] Result<std::vector<Machine>> list(const Labels& scope);
  [[nodiscard]] Result<std::string> log(const Machine& machine, std::uint64_t bytes_max);
  [[nodiscard]] Result<void> destroy(const MachineName& name, const MachineId& id);

 private:
  template <class Ready>
  [[nodiscard]] std::optional<Error> wait(Ready ready);

  void log(int level, std::string_view line) noexcept override;
  void opened(boost::system::result<EngineFacts, BootFailure> facts) noexcept override;
  void phase(const MachineName& /*name*/, BootPhase /*phase*/, std::string_view /*detail*/) noexcept override {}
  void booted(const MachineName& /*name*/, BootOutcome /*outcome*/) noexcept override {}
  void ending(const MachineName& /*name*/, Duration /*left*/, std::string_view /*why*/) noexcept override {}
  void exited(const MachineName& /*name*/, MachineExit /*exit*/) noexcept override {}
  void destroyed(const MachineName& name, std::optional<Error> left) noexcept override;
  void listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept override;
  void logged(std::uint64_t ticket, Result<std::string> text) noexcept override;
  void closed() noexcept override;

  const std::shared_ptr<Backend> backend_;
  const base::Logger log_;
  const Patience patience_;
  std::uint64_t tickets_ = 0;
  std::mutex mutex_;  // of all below
  std::condition_variable_any changed_;
  bool opened_ = false;
  bool closed_ = false;
  std::map<std::uint64_t, Result<std::vector<Machine>>> lists_;
  std::map<std::uint64_t, Result<std::string>> logs_;
  std::map<MachineName, std::optional<Error>> destroyed_;
};

}  // namespace flame::cli

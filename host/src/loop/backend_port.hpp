// One backend of a host: what it says is handed to the loop, or to the log.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/backend.hpp>

#include "host/src/calls/inbox.hpp"
#include "plugin_sdk/base/log.hpp"

namespace flame::pool {

/// Holds its backend, which says everything to this; so both live until it has said closed(), or for good. Events: any
/// thread, the rest: the loop's.
class BackendPort final : public BackendEvents {
 public:
  /// `number`: of command::BackendSaid.
  BackendPort(std::uint32_t number, std::shared_ptr<Backend> backend, std::shared_ptr<Inbox> inbox, base::Logger log);
  ~BackendPort() = default;
  BackendPort(const BackendPort&) = delete;
  BackendPort& operator=(const BackendPort&) = delete;

  [[nodiscard]] Backend& backend() const noexcept { return *backend_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// It has said its last word, or was never opened. [any thread]
  [[nodiscard]] bool is_closed() const;
  /// Waits for that; false: not by `deadline`. After the loop has ended.
  bool wait_closed(Instant deadline) const;
  /// Lives on with its backend, which may speak at any time; `self` is this.
  void live_on(std::shared_ptr<BackendPort> self) noexcept { self_ = std::move(self); }

  /// Nothing of these is thrown: a backend that is not ours must not end the loop. Empty, or what it has thrown.
  std::string open();
  std::string boot(BootRequest request);
  std::string destroy(const MachineName& machine, const MachineId& id);
  /// The number by which BackendSaid::Listed answers, an error if something is thrown. Counted from 1.
  [[nodiscard]] std::uint64_t list(const Labels& scope);
  /// The same, and BackendSaid::Logged.
  [[nodiscard]] std::uint64_t logs(const Machine& machine, std::uint64_t bytes_max);
  std::string close(Duration within);

  // --- BackendEvents
  void log(int level, std::string_view line) noexcept override;
  void opened(boost::system::result<EngineFacts, BootFailure> facts) noexcept override;
  void phase(const MachineName& machine, BootPhase phase, std::string_view detail) noexcept override;
  void booted(const MachineName& machine, BootOutcome outcome) noexcept override;
  void ending(const MachineName& machine, Duration left, std::string_view why) noexcept override;
  void exited(const MachineName& machine, MachineExit exit) noexcept override;
  void destroyed(const MachineName& machine, std::optional<Error> left) noexcept override;
  void listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept override;
  void logged(std::uint64_t ticket, Result<std::string> text) noexcept override;
  void closed() noexcept override;

 private:
  template <class Call>
  [[nodiscard]] std::string guarded(const char* what, Call call) const;
  template <class Make>
  void push(Make make) noexcept;
  template <class Write>
  void write(Write write) const noexcept;

  const std::uint32_t number_;
  const std::shared_ptr<Backend> backend_;
  const std::shared_ptr<Inbox> inbox_;
  const base::Logger log_;
  const std::string name_;
  mutable std::mutex mutex_;  // guards open_
  mutable std::condition_variable closed_;
  bool open_ = false;
  std::uint64_t tickets_ = 0;
  std::shared_ptr<BackendPort> self_;
};

}  // namespace flame::pool

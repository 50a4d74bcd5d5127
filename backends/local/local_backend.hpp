// The backend of one machine: runners are real processes here. The default in development and in tests.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <flame/backend.hpp>
#include <flame/result.hpp>

namespace flame::backends {

/// [backends.local]
struct LocalOptions {
  std::string runner;                      ///< path of flame-runner; empty: searched (README.md)
  std::string log;                         ///< file that gets the runners' output, appended; empty: the host's log
  std::map<std::string, std::string> env;  ///< further environment of every runner
};

/// Checks [backends.local]. Errors: invalid_argument naming the key, where it stands and the valid ones.
[[nodiscard]] Result<LocalOptions> parse_local_options(const BackendOptions& options);

/// Boots `flame-runner` processes and watches them from one thread of its own, on which all events come.
/// destroy() sends SIGINT to the runner's guardian, kills its supervisor 0.5 s later (the guardian then ends the whole
/// tree), and the guardian itself 1.5 s after that. close() does so with all that still run, and at its limit kills
/// what is left; two seconds are enough. A host that dies without it is noticed by the guardians.
class LocalBackend final : public Backend {
 public:
  /// `name`: of its table. Does no I/O.
  explicit LocalBackend(LocalOptions options, std::string name = "local");
  /// After open() and without close(): ends what still runs as close() does, and waits for that.
  ~LocalBackend() override;
  LocalBackend(const LocalBackend&) = delete;
  LocalBackend& operator=(const LocalBackend&) = delete;

  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] const BackendTraits& traits() const override;
  /// Error: permanent when the log file cannot be opened; retry when the system gives no thread or descriptor. Boots
  /// fail likewise then.
  void open(BackendEvents& events) override;
  void boot(BootRequest request) override;
  void destroy(const MachineName& name, const MachineId& id) override;
  void list(std::uint64_t ticket, const Labels& scope) override;
  void logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) override;
  void close(Duration within) override;

 private:
  class Watcher;

  const LocalOptions options_;
  const std::string name_;
  BackendEvents* events_ = nullptr;
  std::unique_ptr<Watcher> watcher_;         // null: not opened
  std::optional<BootFailure> cannot_start_;  // why there is none
};

}  // namespace flame::backends

// The backend of one machine: runners are real processes here. The default in development and in tests.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// Takes one line of a runner's output, without its newline. Called on the backend's thread; must not throw.
using LineSink = std::function<void(std::string_view)>;

/// Boots `flame-runner` processes and watches them from one thread of its own, on which all callbacks come.
/// destroy() sends SIGINT to the runner's guardian, kills its supervisor 0.5 s later (the guardian then ends the whole
/// tree), and the guardian itself 1.5 s after that.
/// The destructor destroys what still runs, waits for it (at most about two seconds), and gives the last callbacks.
class LocalBackend final : public Backend {
 public:
  /// `log` must not be empty. Throws std::system_error when the log file cannot be opened.
  LocalBackend(LocalOptions options, LineSink log);
  ~LocalBackend() override;
  LocalBackend(const LocalBackend&) = delete;
  LocalBackend& operator=(const LocalBackend&) = delete;

  [[nodiscard]] std::string name() const override { return "local"; }
  void on_exit(OnExit callback) override;
  void boot(BootRequest request, OnBoot done) override;
  void destroy(const MachineId& id) override;
  [[nodiscard]] std::vector<Machine> list() override;

 private:
  class Watcher;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace flame::backends

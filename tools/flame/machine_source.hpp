// Who is asked about machines: a running host, or the backends of a configuration.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <flame/result.hpp>

#include "host/src/trace/status.hpp"
#include "tools/flame/hosts.hpp"

namespace CLI {
class App;
}

namespace flame::cli {

class Interrupts;

/// One machine of one backend.
struct MachineRef {
  std::string backend;
  std::string name;
  std::string id;  ///< may be empty
};

/// Each call waits for the engines. One thread.
class MachineSource {
 public:
  virtual ~MachineSource() = default;
  /// "host web (pid 41)": for messages.
  [[nodiscard]] virtual std::string describe() const = 0;
  /// Of a source that has to close what it has opened; null: the command may end at any time.
  [[nodiscard]] virtual const Interrupts* interrupts() const { return nullptr; }
  /// What each backend has of hosts of this name; its own error is in its part of the list.
  [[nodiscard]] virtual Result<control::MachineList> list() = 0;
  /// The end of its log. Errors: not_found, boot_failed, timed_out.
  [[nodiscard]] virtual Result<std::string> log(const MachineRef& machine) = 0;
  /// Returns once it is gone. Errors: boot_failed, timed_out: it may be left.
  [[nodiscard]] virtual Result<void> destroy(const MachineRef& machine) = 0;
};
using MachineSources = std::vector<std::unique_ptr<MachineSource>>;

/// Readable once the command is interrupted; -1: that ends it.
[[nodiscard]] int interrupt_fd(const MachineSources& sources);
/// Of the command: `otherwise`, if it was not interrupted.
[[nodiscard]] int exit_code(const MachineSources& sources, int otherwise);
/// print_error(), and the exit code for it.
[[nodiscard]] int fail_machines(const Error& error, bool json);

/// --config, or --host and --control. All empty: every host that is found.
struct SourceChoice {
  std::string config;
  HostChoice host;
};
void add_source_options(CLI::App& command, SourceChoice& choice);

/// At least one. Errors: open_backends()'s; find_hosts()'s, which then names --config.
[[nodiscard]] Result<MachineSources> open_sources(const SourceChoice& choice);

}  // namespace flame::cli

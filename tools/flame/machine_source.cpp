// The choice of sources, and the one that is a running host.
#include "tools/flame/machine_source.hpp"

#include <CLI/CLI.hpp>

#include <utility>

#include "host/src/control/request.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/interrupts.hpp"
#include "tools/flame/machine_backends.hpp"
#include "tools/flame/report.hpp"

namespace flame::cli {
namespace {

using Asked = control::MachinesRequest::Kind;

class AskedHost final : public MachineSource {
 public:
  explicit AskedHost(FoundHost host) : host_(std::move(host)) {}
  [[nodiscard]] std::string describe() const override { return cli::describe(host_); }

  [[nodiscard]] Result<control::MachineList> list() override {
    return ask_for<control::MachineList>({.kind = Asked::list, .backend = {}, .machine = {}, .id = {}});
  }
  [[nodiscard]] Result<std::string> log(const MachineRef& machine) override {
    auto report = ask_for<control::MachineReport>(request(Asked::log, machine));
    if (!report) return std::move(report).error();
    return std::move(report->log);
  }
  [[nodiscard]] Result<void> destroy(const MachineRef& machine) override {
    auto report = ask_for<control::MachineReport>(request(Asked::destroy, machine));
    if (!report) return std::move(report).error();
    return {};
  }

 private:
  static control::MachinesRequest request(Asked kind, const MachineRef& machine) {
    return {.kind = kind, .backend = machine.backend, .machine = machine.name, .id = machine.id};
  }
  template <class T>
  [[nodiscard]] Result<T> ask_for(const control::MachinesRequest& request) const {
    auto answer = ask(host_, request);
    if (!answer) return std::move(answer).error();
    if (auto* told = std::get_if<T>(&*answer)) return std::move(*told);
    return base::make_error(ErrorCode::incompatible, describe() + " answered something else than it was asked");
  }

  FoundHost host_;
};

// At most one source has any: a configuration is asked alone.
const Interrupts* interrupts_of(const MachineSources& sources) {
  for (const auto& source : sources)
    if (const Interrupts* const interrupts = source->interrupts()) return interrupts;
  return nullptr;
}

}  // namespace

int interrupt_fd(const MachineSources& sources) {
  const Interrupts* const interrupts = interrupts_of(sources);
  return interrupts == nullptr ? -1 : interrupts->fd();
}

int exit_code(const MachineSources& sources, int otherwise) {
  const Interrupts* const interrupts = interrupts_of(sources);
  return interrupts != nullptr && interrupts->interrupted() ? interrupts->exit_code() : otherwise;
}

int fail_machines(const Error& error, bool json) {
  print_error(error, json);
  return error.code == ErrorCode::invalid_argument ? kUsage : kFailed;
}

void add_source_options(CLI::App& command, SourceChoice& choice) {
  add_host_options(command, choice.host);
  command
      .add_option("-c,--config", choice.config, "ask the backends of this configuration, whether a host runs or not")
      ->excludes("--host")
      ->excludes("--control");
}

Result<MachineSources> open_sources(const SourceChoice& choice) {
  MachineSources sources;
  if (!choice.config.empty()) {
    auto opened = open_backends(choice.config);
    if (!opened) return std::move(opened).error();
    sources.push_back(std::move(*opened));
    return sources;
  }
  auto hosts = find_hosts(choice.host);
  if (!hosts) {
    Error error = std::move(hosts).error();
    error.message += " With --config FILE the command asks the backends of a configuration itself.";
    return error;
  }
  for (FoundHost& host : *hosts) sources.push_back(std::make_unique<AskedHost>(std::move(host)));
  return sources;
}

}  // namespace flame::cli

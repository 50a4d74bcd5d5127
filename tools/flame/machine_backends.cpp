// Opens, asks and closes them.
#include "tools/flame/machine_backends.hpp"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

#include <flame/backend.hpp>
#include <flame/config.hpp>

#include "host/src/setup/backend_set.hpp"
#include "host/src/setup/host_identity.hpp"
#include "host/src/setup/host_process.hpp"
#include "host/src/trace/machine_status.hpp"
#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/log.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/unix_time.hpp"
#include "tools/flame/interrupts.hpp"
#include "tools/flame/opened_backend.hpp"

namespace flame::cli {
namespace {

// Where backends put files of their own meanwhile.
class PrivateDirectory {
 public:
  explicit PrivateDirectory(std::string path) : path_(std::move(path)) {}
  ~PrivateDirectory() { base::remove_tree(path_); }
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;

 private:
  std::string path_;
};

class ConfiguredBackends final : public MachineSource {
 public:
  ConfiguredBackends(std::string config_path, const HostConfig& config, std::unique_ptr<PrivateDirectory> directory)
      : config_path_(std::move(config_path)), host_name_(pool::host_name(config)), directory_(std::move(directory)) {
    const pool::HostIdentity here = pool::host_identity(host_name_);
    std::vector<std::string> pools;
    for (const auto& [name, settings] : config.pools) pools.push_back(name);
    view_ = {.from = {.host = here.host, .origin = here.origin},
             .is_gone = [](const pool::HostProcess& process) { return pool::is_gone(process); },
             .ours = {},
             .names = control::label_names(host_name_, pools)};
  }
  ~ConfiguredBackends() override { close_all(); }

  void open(pool::Backends backends) {
    const base::Logger log(base::stderr_sink("flame"), base::LogLevel::warning);
    for (auto& [name, backend] : backends) {
      const bool lists = backend->traits().lists;
      const OpenedBackend::Patience patience{.stop = interrupts_.token()};
      opened_[name] = lists ? std::make_shared<OpenedBackend>(std::move(backend), log, patience) : nullptr;
      if (lists) opened_[name]->open();
    }
  }

  [[nodiscard]] std::string describe() const override { return "the backends of " + config_path_; }
  [[nodiscard]] const Interrupts* interrupts() const override { return &interrupts_; }

  [[nodiscard]] Result<control::MachineList> list() override {
    control::MachineList list{.host = host_name_, .pid = 0, .backends = {}};
    view_.from.unix_time = base::unix_time();
    for (const auto& [name, backend] : opened_) {
      if (backend == nullptr) {
        list.backends.push_back({.backend = name, .lists = false, .error = {}, .machines = {}});
      } else {
        list.backends.push_back(
            control::backend_machines(name, backend->list({{"flame-host", view_.from.host}}), view_));
      }
    }
    return list;
  }

  [[nodiscard]] Result<std::string> log(const MachineRef& machine) override {
    OpenedBackend* const backend = find(machine.backend);
    if (backend == nullptr) return not_opened(machine.backend);
    return backend->log(Machine{.name = machine.name, .id = machine.id}, limits::kMachineLogMax);
  }

  [[nodiscard]] Result<void> destroy(const MachineRef& machine) override {
    OpenedBackend* const backend = find(machine.backend);
    if (backend == nullptr) return not_opened(machine.backend);
    return backend->destroy(machine.name, machine.id);
  }

 private:
  [[nodiscard]] OpenedBackend* find(const std::string& name) const {
    const auto found = opened_.find(name);
    return found == opened_.end() ? nullptr : found->second.get();
  }

  [[nodiscard]] static Error not_opened(const std::string& backend) {
    return base::make_error(ErrorCode::not_found, "backend \"" + backend +
                                                      "\" knows the machines of its own host only; ask that, without "
                                                      "--config");
  }

  // All at once. One that does not end in time may still speak, so that it lives on with the process.
  void close_all() noexcept {
    for (const auto& [name, backend] : opened_)
      if (backend != nullptr) backend->close(limits::kBackendCloseMax);
    for (const auto& [name, backend] : opened_) {
      if (backend != nullptr && !backend->wait_closed(limits::kBackendCloseMax))
        static_cast<void>(new std::shared_ptr<OpenedBackend>(backend));
    }
  }

  const Interrupts interrupts_;  // first: the threads of backends leave the signals to it
  std::string config_path_;
  std::string host_name_;
  std::unique_ptr<PrivateDirectory> directory_;
  control::MachineView view_;
  std::map<std::string, std::shared_ptr<OpenedBackend>> opened_;  // null: it does not list
};

}  // namespace

Result<std::unique_ptr<MachineSource>> open_backends(const std::string& config_path) {
  const auto config = load_config(config_path);
  if (!config) return base::make_error(ErrorCode::invalid_argument, config.error().message);
  auto directory = base::make_private_directory(std::filesystem::temp_directory_path().string(), "flame-machines-");
  if (!directory) return std::move(directory).error();
  auto source =
      std::make_unique<ConfiguredBackends>(config_path, *config, std::make_unique<PrivateDirectory>(*directory));
  const char* const variable = std::getenv(pool::kBackendVariable);
  pool::BackendSet set = pool::make_backends(
      *config, {.own = {},
                .factories = default_backends(),
                .environment = {.name = {}, .host_name = pool::host_name(*config), .runtime_dir = *directory},
                .variable = variable == nullptr ? "" : variable,
                .keep_unused = true});
  std::string problems;
  for (const Error& problem : set.problems) problems += (problems.empty() ? "" : "\n") + problem.message;
  if (!problems.empty()) return base::make_error(ErrorCode::invalid_argument, std::move(problems));
  source->open(std::move(set.made));
  return std::unique_ptr<MachineSource>(std::move(source));
}

}  // namespace flame::cli

// Starts and ends a host.
#include "host/src/setup/running_host.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <utility>

#include "host/src/config/config_place.hpp"
#include "host/src/control/question.hpp"
#include "host/src/plugins/store/place.hpp"
#include "host/src/setup/backend_set.hpp"
#include "host/src/setup/host_identity.hpp"
#include "host/src/setup/host_process.hpp"
#include "host/src/setup/host_store.hpp"
#include "host/src/setup/operations.hpp"
#include "host/src/setup/plugin_gate.hpp"
#include "host/src/setup/secrets_check.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/random_number.hpp"

namespace flame::pool {
namespace {

// After its grace a pool ends by itself; this is for the loop's own bookkeeping.
constexpr Duration kDrainSlack = std::chrono::seconds(5);

// A descriptor of the host's there would be lost when the program becomes a daemon and gives these numbers new files.
void hold_standard_descriptors() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    int opened = ::open("/dev/null", O_RDWR);                    // for programs that this one starts, too
    if (opened < 0) opened = ::open("/", O_PATH | O_DIRECTORY);  // no /dev here
    if (opened > STDERR_FILENO) ::close(opened);                 // another thread was faster
  }
}

// FLAME_LOG: debug, info, warning, error or off.
base::Logger make_logger() {
  const char* text = std::getenv("FLAME_LOG");
  const std::string level = text == nullptr ? "info" : text;
  if (level == "off") return {};
  for (const auto least : {base::LogLevel::debug, base::LogLevel::warning, base::LogLevel::error}) {
    if (level == base::to_string(least)) return base::Logger(base::stderr_sink("flame"), least);
  }
  return base::Logger(base::stderr_sink("flame"), base::LogLevel::info);
}

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// Empty: in the user's data directory, and the user has none.
std::filesystem::path store_of(const PluginsConfig& plugins) {
  const store::Environment environment{.xdg_data_home = variable("XDG_DATA_HOME"), .home = variable("HOME")};
  const auto place = store::place_of(plugins.store, environment);
  return place ? *place : std::filesystem::path();
}

std::shared_ptr<Executor> make_executor(const base::Logger& log) {
  return std::make_shared<Executor>(
      [log](const char* what) {
        log.error("an exception left a callback", {{"what", what}});
      },
      [log] {
        log.error(
            "more than " + std::to_string(limits::kCallbacksWaitingMax) +
            " callbacks wait for other callbacks, which may have no thread to run on until some have ended: chain "
            "with then() or co_await instead of waiting in a callback");
      });
}

// One error with a line per problem.
Error all_of(std::vector<Error> problems) {
  Error all = std::move(problems.front());
  for (std::size_t i = 1; i < problems.size(); ++i) {
    all.message += "\n" + problems[i].message;
  }
  return all;
}

}  // namespace

RunningHost::RunningHost(HostConfig config, std::vector<std::shared_ptr<Backend>> backends)
    : config_(std::move(config)),
      log_((hold_standard_descriptors(), make_logger())),  // nothing before has a descriptor
      inbox_(std::make_shared<Inbox>()) {
  if (auto problem = check_config(config_)) throw CallError(std::move(*problem));
  host_name_ = host_name(config_);
  executor_ = make_executor(log_);
  runtime_dir_.emplace(RuntimeDir::create().value());
  if (!runtime_dir_->executable()) {
    log_.warning(
        "plugins cannot be run from this directory, it is mounted noexec: runners load those of [plugins] path as they "
        "stand there. Set XDG_RUNTIME_DIR to a private directory without noexec",
        {{"directory", runtime_dir_->path().string()}});
  }
  make_backends(std::move(backends));
  if (auto problems = check_secrets(config_); !problems.empty()) throw CallError(all_of(std::move(problems)));
  make_pools();
  auto control_socket = open_control_socket();
  start_loop();
  watch_plugins();
  if (control_socket) serve_control(std::move(*control_socket));
}

void RunningHost::make_backends(std::vector<std::shared_ptr<Backend>> own) {
  Backends by_name;
  for (auto& backend : own) {
    const std::string name(backend->name());
    by_name[name] = std::move(backend);
  }
  BackendSet set = pool::make_backends(
      config_, {.own = std::move(by_name),
                .factories = default_backends(),
                .environment = {.name = {}, .host_name = host_name_, .runtime_dir = runtime_dir_->path().string()},
                .variable = variable(kBackendVariable)});
  if (!set.problems.empty()) throw CallError(all_of(std::move(set.problems)));
  backends_ = std::move(set.made);
  if (const std::string warning = name_warning(config_, that_list(backends_)); !warning.empty()) log_.warning(warning);
  for (auto& [name, names] : set.of_pool) config_.pools.at(name).backend = std::move(names);
}

void RunningHost::make_pools() {
  std::vector<std::filesystem::path> path(config_.plugin_path.begin(), config_.plugin_path.end());
  const auto catalog = std::make_shared<Catalog>(std::move(path), runtime_dir_->path(),
                                                 runtime_dir_->executable() ? Copies::loaded : Copies::not_executable);
  const auto store = std::make_shared<HostStore>(store_of(config_.plugins), host_name_, log_);
  PluginGate gate = PluginGate::open(config_, on_this_kernel(backends_)).value();
  const auto choice = std::make_shared<PluginChoice>(catalog, std::move(gate), *store, log_);
  choice->scan().value();
  std::vector<std::shared_ptr<detail::PoolFront>> fronts;
  for (const auto& [name, settings] : config_.pools) {
    detail::PoolFront::Parts parts{.index = static_cast<std::uint32_t>(pools_.size()),
                                   .name = name,
                                   .config = settings,
                                   .catalog = catalog,
                                   .plugins = start_lines(*choice, name),
                                   .inbox = inbox_,
                                   .executor = executor_,
                                   .log = log_};
    fronts.push_back(pools_[name] = std::make_shared<detail::PoolFront>(std::move(parts)));
  }
  catalog_ = catalog;
  changes_ = std::make_unique<PluginChanges>(PluginChanges::Parts{.config = &config_,
                                                                  .catalog = catalog,
                                                                  .choice = choice,
                                                                  .store = store,
                                                                  .fronts = std::move(fronts),
                                                                  .lines = lines_,
                                                                  .inbox = inbox_,
                                                                  .log = log_});
  changes_->announce();
}

// What each entry of the pool's `plugins` begins with.
std::vector<DigestId> RunningHost::start_lines(PluginChoice& choice, const std::string& pool) {
  const PoolConfig& settings = config_.pools.at(pool);
  std::vector<DigestId> plugins;
  for (std::size_t place = 0; place < settings.plugins.size(); ++place) {
    const auto start = choice.start(settings.plugins[place], pool, settings);
    if (!start) throw CallError(plugin_error(config_, pool, place, start.error()));
    lines_.push_back({.plugin = start->active->manifest.name,
                      .reference = settings.plugins[place],
                      .pool = static_cast<std::uint32_t>(pools_.size()),
                      .place = place,
                      .active = start->active->id,
                      .previous = start->previous == nullptr ? kNoDigest : start->previous->id});
    plugins.push_back(start->active->id);
  }
  return plugins;
}

Result<void> RunningHost::keep_files(const std::string& control_socket) {
  if (auto kept = runtime_dir_->keep(); kept.has_error()) return kept;
  if (!control_socket.empty()) link_control_socket(control_socket);
  return catalog_->restore_kept();
}

void RunningHost::start_loop() {
  RouterConfig router;
  for (const std::string& endpoint : config_.listen) {
    if (endpoint.starts_with("ipc://")) {
      router.control_ipc = runtime_dir_->control_endpoint();
      router.bulk_ipc = runtime_dir_->bulk_endpoint();
    } else {
      router.tcp.push_back(endpoint);
    }
  }
  Loop::Parts parts{.router = Router::bind(router).value(),
                    .inbox = inbox_,
                    .backends = backends_,
                    .machines_max = machines_max(config_),
                    .pools = {},
                    .catalog = catalog_,
                    .lines = lines_,
                    .log = log_,
                    .host_name = host_name_,
                    .advertise = advertised(config_, backends_),
                    .identity = host_identity(host_name_),
                    .reaping = {.identity = {},
                                .modes = reap_modes(config_),
                                .boot_max = longest_boot(config_),
                                .is_gone = [](const HostProcess& process) { return is_gone(process); },
                                .seed = base::random_number(),
                                .log = {}},
                    .liveness = config_.liveness};
  parts.pools.resize(pools_.size());
  for (const auto& [name, core] : pools_) parts.pools[core->parts().index] = core;
  loop_ = std::make_unique<Loop>(std::move(parts));
  loop_->start();
}

void RunningHost::watch_plugins() {
  if (!config_.plugins.watch || config_.plugin_path.empty()) return;
  auto activate = [this](const std::string& reference) {
    const auto done = changes_->activate(reference, {});
    return done ? Result<void>() : Result<void>(done.error());
  };
  watch_ = PluginWatch::open(config_.plugin_path, std::move(activate), log_).value();
}

std::optional<control::ControlSocket> RunningHost::open_control_socket() const {
  if (config_.control == "off") return std::nullopt;
  const std::string known = runtime_dir_->control_socket();
  const std::string path = config_.control == "auto" ? known : std::filesystem::absolute(config_.control).string();
  const auto place = path == known ? control::ControlSocket::Place::own : control::ControlSocket::Place::shared;
  auto socket = control::ControlSocket::open(path, place).value();
  link_control_socket(path);
  return socket;
}

// So that `flame` finds it without being told; else it is told.
void RunningHost::link_control_socket(const std::string& path) const {
  std::error_code ignored;
  const std::string known = runtime_dir_->control_socket();
  if (path != known) std::filesystem::create_symlink(path, known, ignored);
}

void RunningHost::serve_control(control::ControlSocket socket) {
  // Goes with the server that asks it.
  const auto operations =
      std::make_shared<Operations>([this](const control::ChangeRequest& request) { return change(request); });
  auto ask = [inbox = inbox_, operations](const control::Request& request, control::ControlServer::Reply reply) {
    if (const auto* wanted = std::get_if<control::ChangeRequest>(&request)) {
      reply(operations->start(*wanted));
      return true;
    }
    if (const auto* operation = std::get_if<control::OperationRequest>(&request)) {
      reply(operations->find(operation->number));
      return true;
    }
    return inbox->push(
        command::AskHost{std::make_shared<control::Question>(control::Question{request, std::move(reply)})});
  };
  // The runtime directory is this thread's from here on: see RuntimeDir::keep().
  auto keep = [this, path = socket.path(), told = false]() mutable {
    const auto kept = keep_files(path);
    if (kept.has_value()) {
      told = false;
    } else if (!std::exchange(told, true)) {
      log_.error(kept.error().message);
    }
  };
  control_ = std::make_unique<control::ControlServer>(std::move(socket), std::move(ask), log_,
                                                      control::Upkeep{std::move(keep)});
}

Result<ActivateResult> RunningHost::change(const control::ChangeRequest& request) {
  const bool activates = request.kind == control::ChangeRequest::Kind::activate;
  return activates ? changes_->activate(request.plugin, request.options)
                   : changes_->rollback(request.plugin, request.options);
}

RunningHost::~RunningHost() {
  shutdown();
}

void RunningHost::drain_pools() {
  std::vector<std::pair<std::future<void>, Duration>> pending;
  for (const auto& [name, core] : pools_) {
    const auto drained = std::make_shared<std::promise<void>>();
    const Duration grace = core->parts().config.shutdown_timeout;
    core->gate().close();  // so that other threads cannot keep it busy
    if (inbox_->push(command::Drain{core->parts().index, grace, [drained](bool) { drained->set_value(); }})) {
      pending.emplace_back(drained->get_future(), grace);
    }
  }
  const auto begin = std::chrono::steady_clock::now();
  for (auto& [drained, grace] : pending) {
    if (grace >= kForever - kDrainSlack - begin.time_since_epoch()) {
      drained.wait();
    } else if (drained.wait_until(begin + grace + kDrainSlack) != std::future_status::ready) {
      log_.warning("a pool did not end in time");
    }
  }
}

void RunningHost::shutdown() {
  if (forked()) return;
  const Executor::BlockingScope blocking;
  const std::lock_guard lock(shutdown_mutex_);
  if (loop_ == nullptr) return;
  changes_->close();
  static_cast<void>(inbox_->push(command::EndChanges{}));
  watch_.reset();
  drain_pools();
  control_.reset();  // waits for the changes that it began: the loop still answers them
  loop_.reset();
  backends_.clear();
  executor_->stop();
  runtime_dir_.reset();
  log_.flush(limits::kLogFlushMax);
}

}  // namespace flame::pool

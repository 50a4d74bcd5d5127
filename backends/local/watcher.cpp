// The loop that starts runner processes, passes their output on and reports their end.
#include "backends/local/watcher.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "backends/local/environment.hpp"
#include "backends/local/runner_path.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/cgroup.hpp"
#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::backends {
namespace {

constexpr int kFailurePause = 100;  // ms
constexpr std::chrono::hours kCloseMax{1};
constexpr int kInfoLevel = 1;
constexpr int kErrorLevel = 3;
// Over ipc if the host listens there, else at the address to which its tcp port is bound.
const Reach kReach{.ipc = true, .addresses = {}};

BootFailure failure(ErrorCode code, std::string message, Remedy remedy) {
  return {.error = {.code = code, .message = std::move(message)}, .remedy = remedy};
}

std::string value(const Labels& labels, const char* key) {
  const auto found = labels.find(key);
  return found == labels.end() ? "unknown" : found->second;
}

BootFailure belongs_to_another(const Machine& machine) {
  return failure(ErrorCode::boot_failed,
                 "there is a machine " + machine.name + " already, of pool " + value(machine.labels, "flame-pool") +
                     " of host " + value(machine.labels, "flame-host") + " (process " +
                     value(machine.labels, "flame-process") + "). Names of machines must not be used twice.",
                 Remedy::permanent);
}

BootFailure given_up(const MachineName& name) {
  return failure(ErrorCode::cancelled, "machine " + name + " was destroyed before it had booted.", Remedy::retry);
}

bool has_all(const Labels& labels, const Labels& scope) {
  return std::ranges::includes(labels, scope);
}

}  // namespace

Error no_such_machine(const MachineName& name) {
  return {.code = ErrorCode::not_found, .message = "there is no machine " + name + " on this computer (any more)."};
}

LocalBackend::Watcher::Watcher(const LocalOptions& options, BackendEvents& events)
    : options_(options), events_(events) {
  // The user's signal handlers belong on the user's threads.
  const base::SignalMaskScope blocked(base::all_but_faults());
  thread_ = std::thread([this] { run(); });
}

LocalBackend::Watcher::~Watcher() {
  close(kSupervisorGrace + kGuardianGrace + kLastGrace);
  thread_.join();
}

void LocalBackend::Watcher::boot(BootRequest request) {
  submit(BootCommand{std::move(request)});
}

// A boot whose turn has not come never begins.
void LocalBackend::Watcher::destroy(const MachineName& name) {
  {
    const std::lock_guard lock(mutex_);
    for (Command& command : commands_) {
      auto* const boot = std::get_if<BootCommand>(&command);
      if (boot != nullptr && boot->request.name == name) boot->given_up = true;
    }
  }
  submit(DestroyCommand{name});
}

void LocalBackend::Watcher::list(std::uint64_t ticket, const Labels& scope) {
  submit(ListCommand{ticket, scope});
}

void LocalBackend::Watcher::logs(std::uint64_t ticket, const MachineName& name, std::uint64_t bytes_max) {
  submit(LogsCommand{ticket, name, bytes_max});
}

void LocalBackend::Watcher::close(Duration within) {
  {
    const std::lock_guard lock(mutex_);
    if (close_by_) return;
    close_by_ = Clock::now() + std::clamp<Duration>(within, Duration::zero(), kCloseMax);
  }
  wake_.signal();
}

void LocalBackend::Watcher::submit(Command command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  wake_.signal();
}

// Short of memory it goes on when there is some; the program does not end with it.
void LocalBackend::Watcher::run() {
  const base::AssertionsThrow ours;
  bool opened = false;
  for (bool goes_on = true; goes_on;) {
    try {
      if (!std::exchange(opened, true)) open_log();
      goes_on = turn();
    } catch (const std::exception& error) {
      tell_of(error);
      ::poll(nullptr, 0, kFailurePause);
    }
  }
}

// Here, as it may take its time: a disk that hangs, a pipe that nobody reads.
void LocalBackend::Watcher::open_log() {
  if (!options_.log.empty()) {
    base::UniqueFd file(::open(options_.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    if (!file) {
      const int why = errno;
      no_log_ = failure(
          ErrorCode::boot_failed,
          "the local backend cannot start: [backends.local] log = " + options_.log + ": " + std::strerror(why) + ".",
          Remedy::permanent);
      return events_.opened(*no_log_);
    }
    log_file_.emplace(std::move(file), [](std::uint64_t lines) {
      return std::to_string(lines) + " lines dropped: the file took them too slowly\n";
    });
  }
  events_.opened(EngineFacts{.engine = "processes of this computer", .image = {}, .plugins = {}});
}

void LocalBackend::Watcher::tell_of(const std::exception& failure) const noexcept {
  try {
    events_.log(kErrorLevel, std::string("the local backend has failed: ") + failure.what());
  } catch (const std::exception&) {
    // Nothing to say it with.
  }
}

bool LocalBackend::Watcher::turn() {
  take_commands();
  continue_endings();
  if (finished()) {
    events_.closed();
    return false;
  }
  wait_for_events();
  for (const auto& name : readable_) read_output(children_.at(name));
  report_ended();
  return true;
}

bool LocalBackend::Watcher::finished() {
  if (!closing_) return false;
  if (Clock::now() >= *closing_) leave_the_rest();
  const std::lock_guard lock(mutex_);
  return commands_.empty() && children_.empty();
}

void LocalBackend::Watcher::take_commands() {
  std::size_t waiting = 0;
  {
    const std::lock_guard lock(mutex_);
    waiting = commands_.size();
    closing_ = close_by_;
  }
  for (; waiting > 0; --waiting) std::visit([this](const auto& value) { handle(value); }, next_command());
  if (closing_) {
    for (auto& [name, child] : children_) end(child);
  }
}

// One by one: destroy() finds each whose turn has not come.
LocalBackend::Watcher::Command LocalBackend::Watcher::next_command() {
  const std::lock_guard lock(mutex_);
  Command command = std::move(commands_.front());
  commands_.pop_front();
  return command;
}

void LocalBackend::Watcher::handle(const BootCommand& command) {
  events_.booted(command.request.name, boot_now(command));
}

BootOutcome LocalBackend::Watcher::boot_now(const BootCommand& command) {
  const BootRequest& request = command.request;
  if (command.given_up) return given_up(request.name);
  if (closing_) return failure(ErrorCode::shutting_down, "the local backend is shutting down.", Remedy::permanent);
  if (no_log_) return *no_log_;
  const auto known = children_.find(request.name);
  if (known == children_.end()) return start(request);
  if (known->second.machine.labels != request.labels) return belongs_to_another(known->second.machine);
  return known->second.ending == Ending::none ? BootOutcome(describe(known->second)) : given_up(request.name);
}

BootOutcome LocalBackend::Watcher::start(const BootRequest& request) {
  auto binary = find_runner(runner_search(options_.runner));
  if (!binary) return BootFailure{.error = std::move(binary).error(), .remedy = Remedy::permanent};
  auto parent = request.descriptor->bytes(kReach);
  if (!parent) return BootFailure{.error = std::move(parent).error(), .remedy = Remedy::permanent};
  events_.phase(request.name, BootPhase::starting, {});
  auto process = start_runner(
      *binary, runner_environment(inherited_environment(), options_.env, request.env, request.plugin_dirs, kParentFd),
      *parent);
  if (!process) return std::move(process).error();

  std::string cgroup = base::runner_cgroup(process->pid);
  Child child{.machine = {.name = request.name, .id = std::to_string(process->pid), .labels = request.labels},
              .runner = request.runner,
              .process = std::move(*process),
              .lines = {},
              .cgroup = std::move(cgroup)};
  const auto [at, inserted] = children_.emplace(request.name, std::move(child));
  FLAME_ASSERT(inserted, "boot_now() has looked for it");
  events_.phase(request.name, BootPhase::started, {});
  return describe(at->second);
}

Machine LocalBackend::Watcher::describe(const Child& child) const {
  Machine machine = child.machine;
  machine.state = child.ending == Ending::none ? "running" : "ending";
  machine.age = Clock::now() - child.born;
  return machine;
}

void LocalBackend::Watcher::handle(const DestroyCommand& command) {
  const auto found = children_.find(command.name);
  if (found == children_.end()) return events_.destroyed(command.name, std::nullopt);
  ++found->second.destroys;
  end(found->second);
}

void LocalBackend::Watcher::handle(const ListCommand& command) {
  std::vector<Machine> machines;
  for (const auto& [name, child] : children_) {
    if (has_all(child.machine.labels, command.scope)) machines.push_back(describe(child));
  }
  events_.listed(command.ticket, std::move(machines));
}

void LocalBackend::Watcher::handle(const LogsCommand& command) {
  const auto found = children_.find(command.name);
  if (found == children_.end()) return events_.logged(command.ticket, no_such_machine(command.name));
  std::string tail = found->second.lines.tail();
  if (tail.size() > command.bytes_max) tail.erase(0, tail.size() - command.bytes_max);
  events_.logged(command.ticket, std::move(tail));
}

void LocalBackend::Watcher::end(Child& child) {
  if (child.ending != Ending::none) return;
  signal_process(child.process, SIGINT);
  child.ending = Ending::asked;
  child.next_step = Clock::now() + kSupervisorGrace;
}

void LocalBackend::Watcher::continue_endings() {
  const auto now = Clock::now();
  const bool kills_all = now >= kill_all_at();
  for (auto& [name, child] : children_) {
    if (kills_all && child.ending != Ending::guardian_killed) {
      kill_children(child.process);
      kill_now(child);
    } else if (child.next_step > now) {
      continue;
    } else if (child.ending == Ending::asked) {
      kill_children(child.process);
      child.ending = Ending::supervisor_killed;
      child.next_step = now + kGuardianGrace;
    } else {
      kill_now(child);
    }
  }
}

LocalBackend::Watcher::Clock::time_point LocalBackend::Watcher::kill_all_at() const {
  return closing_ ? *closing_ - kLastGrace : Clock::time_point::max();
}

void LocalBackend::Watcher::kill_now(Child& child) {
  signal_process(child.process, SIGKILL);
  child.ending = Ending::guardian_killed;
  child.next_step = Clock::time_point::max();
}

// They were killed, and the kernel has not let go of them: a disk or a device that hangs.
void LocalBackend::Watcher::leave_the_rest() {
  for (const auto& [name, child] : children_) {
    answer_destroys(child, Error{.code = ErrorCode::boot_failed,
                                 .message = "process " + child.machine.id +
                                            " was killed and has not ended yet. See what it waits for in /proc/" +
                                            child.machine.id + "/wchan"});
  }
  children_.clear();
}

void LocalBackend::Watcher::answer_destroys(const Child& child, const std::optional<Error>& left) {
  for (unsigned i = 0; i < child.destroys; ++i) events_.destroyed(child.machine.name, left);
}

void LocalBackend::Watcher::wait_for_events() {
  std::vector<pollfd> fds{{.fd = wake_.fd(), .events = POLLIN, .revents = 0}};
  std::vector<MachineName> names;
  auto deadline = kill_all_at() > Clock::now() ? kill_all_at() : *closing_;
  for (const auto& [name, child] : children_) {
    fds.push_back({.fd = child.process.pidfd.get(), .events = POLLIN, .revents = 0});
    fds.push_back({.fd = child.process.output.get(), .events = POLLIN, .revents = 0});
    names.push_back(name);
    deadline = std::min(deadline, child.next_step);
  }
  int timeout_ms = -1;
  if (deadline != Clock::time_point::max()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }
  readable_.clear();
  ended_.clear();
  if (::poll(fds.data(), fds.size(), timeout_ms) <= 0) return;
  wake_.clear();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (fds[1 + 2 * i].revents != 0) ended_.push_back(names[i]);
    if (fds[2 + 2 * i].revents != 0) readable_.push_back(names[i]);
  }
}

void LocalBackend::Watcher::read_output(Child& child) {
  std::array<char, 16 * 1024> buffer;
  // Bounded, so that one runner that never stops writing cannot keep the others' ends unreported.
  for (int round = 0; round < 8; ++round) {
    const auto got = ::read(child.process.output.get(), buffer.data(), buffer.size());
    if (got < 0) return;
    if (got == 0) {
      write_out(child, child.lines.finish());
      child.process.output.reset();
      return;
    }
    write_out(child, child.lines.add({buffer.data(), static_cast<std::size_t>(got)}));
  }
}

void LocalBackend::Watcher::write_out(const Child& child, const std::string& lines) {
  if (log_file_) return log_file_->write(lines);
  std::string_view rest = lines;
  while (!rest.empty()) {
    const auto newline = rest.find('\n');
    FLAME_ASSERT(newline != std::string_view::npos, "OutputLines gives whole lines");
    events_.log(kInfoLevel, "runner " + child.runner + ": " + std::string(rest.substr(0, newline)));
    rest.remove_prefix(newline + 1);
  }
}

void LocalBackend::Watcher::report_ended() {
  for (const auto& name : ended_) {
    auto& child = children_.at(name);
    if (child.process.output) read_output(child);
    write_out(child, child.lines.finish());
    auto [words, failed] = reap(child.process);
    // A guardian that ended by itself has done so. One that was killed, with its supervisor, could not.
    base::end_cgroup(child.cgroup);
    const bool by_us = child.ending != Ending::none;
    MachineExit exit{.reason = by_us ? "destroyed (" + words + ")" : std::move(words)};
    if (failed && !by_us) exit.log_tail = child.lines.tail();
    const Child gone = std::move(children_.extract(name).mapped());
    events_.exited(name, std::move(exit));
    answer_destroys(gone, std::nullopt);
  }
}

}  // namespace flame::backends
